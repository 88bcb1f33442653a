//! The pages of Pipeline and Task.

use serde_json::json;

use super::sections::{self, icons};
use super::values;
use super::{Cell, Described, Line, Page, Section};
use crate::objects::Object;
use crate::objects::pipeline::{ParamSpec, Pipeline, PipelineTask, Task};
use crate::objects::run::{PipelineRun, Run, TaskRun};

impl Described for Pipeline {
    /// Its runs, the newest first
    type With = Vec<PipelineRun>;

    fn as_tkn_takes_it(&mut self, _: &Self::With) -> Result<(), &'static str> {
        untyped_defaults_as_objects(&mut self.spec.params);
        Ok(())
    }

    fn page(&self, runs: &Vec<PipelineRun>) -> Page {
        let mut page = sections::named(&self.metadata);
        page.field("Description", self.spec.description.as_deref());
        sections::map(&mut page, "Annotations", &self.metadata.annotations);
        sections::declared_params(&mut page, &self.spec.params);
        sections::declared_results(&mut page, &self.spec.results);
        sections::declared_workspaces(&mut page, &self.spec.workspaces);
        let rows = self.spec.tasks.iter().map(|task| self.task_row(task)).collect();
        page.table(icons::TASKS, "Tasks", &["NAME", "TASKREF", "RUNAFTER", "TIMEOUT", "PARAMS"], rows);
        page.table(icons::PIPELINE_RUNS, "PipelineRuns", &RUN_HEADINGS, runs.iter().map(run_row).collect());
        page
    }
}

/// tkn takes the default of a param without a type for an object, and so for an empty one. A server with Tekton's webhook
/// gives every param its type.
fn untyped_defaults_as_objects(params: &mut [ParamSpec]) {
    for param in params.iter_mut().filter(|param| param.kind.as_deref().unwrap_or_default().is_empty()) {
        param.default = param.default.take().map(|_| json!({}));
    }
}

const RUN_HEADINGS: [&str; 4] = ["NAME", "STARTED", "DURATION", "STATUS"];

fn run_row(run: &impl Run) -> Vec<Cell> {
    std::iter::once(Cell::from(&run.meta().name)).chain(sections::how(run)).collect()
}

impl Pipeline {
    fn task_row(&self, task: &PipelineTask) -> Vec<Cell> {
        let reference = match &task.task_ref {
            Some(reference) => reference.name.as_deref().unwrap_or_default(),
            None => "EMBEDDED",
        };
        vec![
            Cell::from(&task.name),
            reference.into(),
            task.run_after.join(", ").into(),
            values::timeout_in_words(task.timeout.as_deref()).into(),
            values::task_params(&task.params, &self.spec.params).into(),
        ]
    }
}

impl Described for Task {
    /// Its runs, the newest first
    type With = Vec<TaskRun>;

    fn as_tkn_takes_it(&mut self, _: &Self::With) -> Result<(), &'static str> {
        untyped_defaults_as_objects(&mut self.spec.params);
        Ok(())
    }

    fn page(&self, runs: &Vec<TaskRun>) -> Page {
        let mut page = sections::named(&self.metadata);
        page.field("Description", self.spec.description.as_deref());
        // The spaces are tkn's; they make the column wider.
        page.field("Version    ", self.meta().label("app.kubernetes.io/version"));
        sections::map(&mut page, "Annotations", &self.metadata.annotations);
        sections::declared_params(&mut page, &self.spec.params);
        sections::declared_results(&mut page, &self.spec.results);
        sections::declared_workspaces(&mut page, &self.spec.workspaces);
        let name = |(i, name): (usize, &String)| if name.is_empty() { format!("unnamed-{i}") } else { name.clone() };
        let steps: Vec<String> = self.spec.steps.iter().map(|step| &step.name).enumerate().map(name).collect();
        if !steps.is_empty() {
            page.sections.push(Section::names(icons::STEPS, "Steps", steps));
        }
        page.sections.extend(task_runs(runs));
        page
    }
}

/// tkn neither indents these rows nor ends the page with them, but with an empty line.
fn task_runs(runs: &[TaskRun]) -> Option<Section> {
    let head = RUN_HEADINGS.map(Cell::from).to_vec();
    let cells = std::iter::once(head).chain(runs.iter().map(run_row));
    let lines = cells.map(|cells| Line { cells, ..Line::default() }).chain([Line::default()]);
    (!runs.is_empty()).then(|| Section::new(icons::TASK_RUNS, "Taskruns", lines.collect()))
}
