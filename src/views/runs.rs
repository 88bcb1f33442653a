//! The pages of PipelineRun, TaskRun and CustomRun.

use super::sections::{self, icons};
use super::values;
use super::{ABSENT, Cell, Described, Line, Page, Section};
use crate::objects::run::{CustomRun, PipelineRun, Reference, Run, StepState, TaskRun, Timeouts};

impl Described for PipelineRun {
    /// Its TaskRuns
    type With = Vec<TaskRun>;

    fn as_tkn_takes_it(&mut self, children: &Vec<TaskRun>) -> Result<(), &'static str> {
        let whole = own_children(self, children).iter().all(|(.., child)| child.is_some());
        whole.then_some(()).ok_or("failed to find get taskruns of the pipelineruns")
    }

    fn page(&self, children: &Vec<TaskRun>) -> Page {
        let mut page = sections::named(&self.metadata);
        page.field("Pipeline Ref", name_of(self.spec.pipeline_ref.as_ref()));
        page.field("Service Account", self.spec.task_run_template.service_account_name.as_deref());
        sections::map(&mut page, "Labels", &self.metadata.labels);
        sections::map(&mut page, "Annotations", &self.metadata.annotations);
        page.sections.push(sections::status(self, ["STARTED", "DURATION", "STATUS"]));
        let own = own_children(self, children);
        if let Some(message) = sections::failure(self) {
            sections::message(&mut page, icons::MESSAGE, &with_failed(message, &own));
        }
        page.sections.extend(self.spec.timeouts.as_ref().map(timeouts));
        sections::params(&mut page, &self.spec.params);
        sections::pairs(&mut page, icons::RESULTS, "Results", &self.status.results, values::param);
        sections::bindings(&mut page, &self.spec.workspaces);
        page.table(icons::TASK_RUNS, "Taskruns", &["NAME", "TASK NAME", "STARTED", "DURATION", "STATUS"], rows_of(own));
        let skipped: Vec<String> = self.status.skipped_tasks.iter().map(|task| task.name.clone()).collect();
        page.table(icons::SKIPPED_TASKS, "Skipped Tasks", &["NAME"], skipped.into_iter().map(|name| vec![name.into()]).collect());
        page
    }
}

/// A child that the run's status names: its name, the name of its task, and the TaskRun unless that is gone.
type Child<'a> = (&'a str, &'a str, Option<&'a TaskRun>);

/// The TaskRuns of a run, the newest first, those that have not started before all others.
fn own_children<'a>(run: &'a PipelineRun, children: &'a [TaskRun]) -> Vec<Child<'a>> {
    let references = run.status.child_references.iter().filter(|child| child.kind == "TaskRun");
    let mut own: Vec<Child<'_>> = references
        .map(|child| (child.name.as_str(), child.pipeline_task_name.as_str(), children.iter().find(|tr| tr.metadata.name == child.name)))
        .collect();
    own.sort_by(|(.., a), (.., b)| match (a.and_then(Run::started), b.and_then(Run::started)) {
        (Some(a), Some(b)) => b.cmp(&a),
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
    own
}

fn rows_of(children: Vec<Child<'_>>) -> Vec<Vec<Cell>> {
    let row = |(name, task, child): Child<'_>| {
        let how = match child {
            Some(child) => sections::how(child),
            None => [ABSENT.into(), ABSENT.into(), "deleted".into()],
        };
        [Cell::from(name), task.into()].into_iter().chain(how).collect()
    };
    children.into_iter().map(row).collect()
}

/// The message and the names of the TaskRuns that did not end well. tkn calls all of them cancelled.
fn with_failed(message: &str, children: &[Child<'_>]) -> String {
    let failed = children.iter().filter(|(.., child)| child.is_some_and(|c| sections::failure(c).is_some()));
    let mut names: Vec<&str> = failed.map(|(name, ..)| *name).collect();
    names.sort_unstable();
    if names.is_empty() { message.to_owned() } else { format!("{message}\nTaskRun(s) cancelled: {}", names.join(", ")) }
}

fn timeouts(limits: &Timeouts) -> Section {
    let limits = [("Pipeline", &limits.pipeline), ("Tasks", &limits.tasks), ("Finally", &limits.finally)];
    let line = |(label, limit): (&'static str, &Option<String>)| Some(Line::field(label, values::timeout(limit.as_deref()?)).indented(1));
    Section { gap: false, ..Section::new(icons::TIMEOUTS, "Timeouts", limits.into_iter().filter_map(line).collect()) }
}

impl Described for TaskRun {
    type With = ();

    fn page(&self, (): &()) -> Page {
        let mut page = sections::named(&self.metadata);
        page.field("Task Ref", name_of(self.spec.task_ref.as_ref()));
        let (account, limit) = (self.spec.service_account_name.as_deref(), self.spec.timeout.as_deref());
        single_run(&mut page, self, account, limit, ["STARTED ", "DURATION ", "STATUS"]);
        sections::params(&mut page, &self.spec.params);
        sections::pairs(&mut page, icons::RESULTS, "Results", &self.status.results, values::result);
        sections::bindings(&mut page, &self.spec.workspaces);
        let mut steps: Vec<&StepState> = self.status.steps.iter().collect();
        steps.sort_by_key(|step| started(step));
        page.table(icons::STEPS, "Steps", &["NAME", "STATUS"], steps.into_iter().map(step_row).collect());
        page.table(icons::SIDECARS, "Sidecars", &["NAME", "STATUS"], self.status.sidecars.iter().map(step_row).collect());
        page
    }
}

/// When a step started; one that waits comes after all others.
fn started(step: &StepState) -> (bool, Option<jiff::Timestamp>) {
    let state = &step.state;
    let at = state.terminated.as_ref().and_then(|t| t.started_at).or(state.running.as_ref().and_then(|r| r.started_at));
    (state.terminated.is_none() && state.running.is_none(), at)
}

fn step_row(step: &StepState) -> Vec<Cell> {
    let state = &step.state;
    let word = match (&state.waiting, &state.running, &state.terminated) {
        (Some(waiting), ..) => waiting.reason.as_deref().unwrap_or_default(),
        (None, Some(_), _) => "Running",
        (None, None, Some(terminated)) => terminated.reason.as_deref().unwrap_or_default(),
        (None, None, None) => ABSENT,
    };
    vec![Cell::from(&step.name), Cell::Step(word.to_owned())]
}

impl Described for CustomRun {
    type With = ();

    fn page(&self, (): &()) -> Page {
        let mut page = sections::named(&self.metadata);
        let in_place = self.spec.custom_spec.as_ref().map(|spec| {
            let text = |field: &str| spec[field].as_str().unwrap_or_default();
            format!("{}/{}", text("apiVersion"), text("kind"))
        });
        page.field("Custom Ref", name_of(self.spec.custom_ref.as_ref()).or(in_place.as_deref()));
        let (account, limit) = (self.spec.service_account_name.as_deref(), self.spec.timeout.as_deref());
        single_run(&mut page, self, account, limit, ["STARTED", "DURATION", "STATUS"]);
        sections::params(&mut page, &self.spec.params);
        sections::pairs(&mut page, icons::RESULTS, "Results", &self.status.results, values::param);
        sections::bindings(&mut page, &self.spec.workspaces);
        page
    }
}

/// What the pages of TaskRun and CustomRun have in common, down to the message.
fn single_run(page: &mut Page, run: &impl Run, account: Option<&str>, limit: Option<&str>, headings: [&'static str; 3]) {
    page.field("Service Account", account);
    let limit = limit.map(values::timeout).filter(|limit| limit != "0s");
    page.field("Timeout", limit.as_deref());
    sections::map(page, "Labels", &run.meta().labels);
    sections::map(page, "Annotations", &run.meta().annotations);
    page.sections.push(sections::status(run, headings));
    sections::message(page, "", sections::failure(run).unwrap_or_default());
}

fn name_of(reference: Option<&Reference>) -> Option<&str> {
    reference.and_then(|r| r.name.as_deref()).filter(|name| !name.is_empty())
}
