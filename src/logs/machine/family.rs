//! The runs: those that were asked for, the runs of Pipelines within their Pipelines, and children without logs. How
//! they stand, whom they refer to, and what is said of them at the end.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::Value;

use super::task::Task;
use super::wait::NOT_TAKEN_UP;
use super::{Effect, Emit, Find, Follow, Notice, Outcome, Subject};
use crate::logs::event::{Called, Wait};
use crate::objects::meta::Condition;
use crate::objects::pipeline::{PipelineSpec, PipelineTask};
use crate::objects::run::{ChildReference, PipelineRun, Run, TaskRun};
use crate::objects::verdict::Verdict;

/// A run and what was told of it.
#[derive(Debug, Default)]
pub(super) struct RunSeen {
    /// Position of the run that was asked for: itself, or the one above it
    pub(super) root: usize,
    /// The task whose Pipeline it runs; none for a run that was asked for
    above: Option<Above>,
    standing: Option<Standing>,
    gone: bool,
    /// Whether all its TaskRuns have been told
    pub(super) tasks_listed: bool,
    /// Whether all its pods have been told
    pub(super) pods_listed: bool,
    /// Reasons and tasks of those that did not run
    skipped: IndexMap<String, Vec<String>>,
    customs_asked: bool,
}

/// The task of a Pipeline which is a Pipeline itself.
#[derive(Clone, Debug)]
struct Above {
    called: Called,
    place: Vec<usize>,
}

/// Identity and condition of a run.
#[derive(Debug)]
struct Standing {
    uid: String,
    condition: Option<Condition>,
    verdict: Verdict,
    began: Option<Timestamp>,
}

impl RunSeen {
    /// A run that was asked for.
    pub(super) fn root(root: usize) -> Self {
        Self { root, ..Self::default() }
    }

    /// Whether anything is known of it.
    pub(super) fn is_known(&self) -> bool {
        self.standing.is_some() || self.gone
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Whether nothing more will come of it.
    pub(super) fn is_over(&self) -> bool {
        self.gone || self.condition().is_some_and(|c| c.status != "Unknown")
    }

    pub(super) fn condition(&self) -> Option<&Condition> {
        self.standing.as_ref()?.condition.as_ref()
    }

    fn is(&self, status: &str) -> bool {
        self.condition().is_some_and(|c| c.status == status)
    }

    fn message(&self) -> String {
        self.condition().and_then(|c| c.message.clone()).unwrap_or_default()
    }

    pub(super) fn began(&self) -> Option<Timestamp> {
        self.standing.as_ref()?.began
    }

    /// Takes how the run stands; false when it is another run of the same name.
    fn stands<R: Run>(&mut self, run: &R) -> bool {
        let uid = run.meta().uid.clone();
        if self.standing.as_ref().is_some_and(|before| before.uid != uid) {
            return false;
        }
        let condition = run.succeeded().cloned();
        self.standing = Some(Standing { uid, condition, verdict: run.verdict(), began: run.started() });
        true
    }

    fn outcome(&self) -> Outcome {
        match self.condition().map(|c| c.status.as_str()) {
            _ if self.gone => Outcome::Deleted,
            None => Outcome::Unstarted,
            Some("True") => Outcome::Succeeded,
            Some("False") => Outcome::Failed,
            Some(_) => Outcome::Running,
        }
    }
}

/// A child that is neither TaskRun nor PipelineRun.
#[derive(Debug)]
pub(super) struct Other {
    kind: String,
    called: Called,
    asked: bool,
    told: bool,
    /// What was said of it last
    said: Option<Option<(Verdict, String)>>,
}

impl Follow {
    /// A PipelineRun as it is now; one that nobody asked for is none of ours.
    pub(super) fn run_now(&mut self, run: PipelineRun, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        let name = run.metadata.name.clone();
        let Some(seen) = self.runs.get_mut(&name) else { return };
        let first = seen.standing.is_none();
        if !seen.stands(&run) {
            return self.run_gone(&name, effects, emit);
        }
        let said = self.runs.values().take(self.roots).filter(|run| run.is("Unknown")).count() > 1;
        let is_root = self.runs.get_index_of(&name).is_some_and(|index| index < self.roots);
        self.refer(&run, effects);
        if first && is_root && !said && !self.policy.live && self.runs[&name].is("Unknown") {
            Self::say(Notice::StillRunning { run: None, message: None }, emit);
        }
    }

    /// A TaskRun that was asked for; false when it is another one of the same name, or none that was asked for.
    pub(super) fn root_now(&mut self, run: &TaskRun) -> bool {
        let Some(seen) = self.runs.get_mut(&run.metadata.name) else { return false };
        if !seen.stands(run) {
            // The watch has told its end, or will.
            seen.gone = true;
            self.outcome = (self.roots == 1).then_some(Outcome::Deleted);
            return false;
        }
        let (root, name) = (seen.root, run.metadata.name.clone());
        self.tasks.entry(name.clone()).or_insert_with(|| Task::alone(run, root, self.roots > 1));
        true
    }

    /// A run is gone. Of one that was asked for nothing more is told; the only one ends everything.
    pub(super) fn run_gone(&mut self, name: &str, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        let Some((index, _, seen)) = self.runs.get_full_mut(name) else { return };
        if std::mem::replace(&mut seen.gone, true) || index >= self.roots {
            return;
        }
        if self.roots == 1 {
            self.outcome = Some(Outcome::Deleted);
            return;
        }
        Self::say(Notice::RunGone { run: name.to_owned() }, emit);
        let root = seen.root;
        for task in self.tasks.values_mut().filter(|task| task.root() == root) {
            task.drop_out();
        }
        for id in 0..self.streams.len() {
            let (_, task) = self.tasks.get_index(self.streams[id].task).expect("a stream belongs to a task");
            if task.root() == root {
                self.let_go(id, effects, emit);
            }
        }
    }

    /// Runs that no list has told are not there.
    pub(super) fn runs_listed(&mut self, names: &[String], effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        for name in names {
            if self.runs.get(name).is_some_and(|run| !run.is_known()) {
                self.run_gone(name, effects, emit);
            }
        }
    }

    /// Takes the run's children from `status.childReferences`, and the tasks that did not run.
    fn refer(&mut self, run: &PipelineRun, effects: &mut Vec<Effect>) {
        let name = &run.metadata.name;
        let (root, above) = (self.runs[name].root, self.runs[name].above.clone());
        let root_name = self.runs.get_index(root).map(|(name, _)| name.clone()).unwrap_or_default();
        for child in &run.status.child_references {
            let kin = Kin::of(run, child, above.as_ref(), &root_name, self.roots > 1);
            match child.kind.as_str() {
                "TaskRun" => {
                    let task = self.tasks.entry(child.name.clone()).or_default();
                    task.refer(name, root, kin.called, kin.place, kin.varied);
                }
                "PipelineRun" => {
                    if !self.runs.contains_key(&child.name) {
                        let above = Some(Above { called: kin.called, place: kin.place });
                        self.runs.insert(child.name.clone(), RunSeen { root, above, ..RunSeen::default() });
                        effects.push(Effect::Join(child.name.clone()));
                    }
                }
                kind => {
                    let other = || Other { kind: kind.to_owned(), called: kin.called, asked: false, told: false, said: None };
                    self.others.entry(child.name.clone()).or_insert_with(other);
                    let seen = &mut self.runs[name];
                    if self.policy.live && !std::mem::replace(&mut seen.customs_asked, true) {
                        effects.push(Effect::Customs(name.clone()));
                    }
                }
            }
        }
        let mut skipped: IndexMap<String, Vec<String>> = IndexMap::new();
        for task in &run.status.skipped_tasks {
            let called = joined(above.as_ref().map(|a| a.called.task.as_str()), &task.name);
            skipped.entry(task.reason.clone()).or_default().push(called);
        }
        self.runs[name].skipped = skipped;
    }

    /// How a CustomRun stands. While it is followed each change is told, otherwise the end.
    pub(super) fn child(&mut self, name: String, stands: Option<(Verdict, String)>, emit: &mut Emit<'_>) {
        let wanted = self.others.get(&name).is_some_and(|other| self.is_asked_for(&other.called));
        let Some(other) = self.others.get_mut(&name).filter(|_| wanted) else { return };
        other.told = true;
        if other.said.as_ref() == Some(&stands) {
            return;
        }
        other.said = Some(stands.clone());
        let (task, kind) = (other.called.label(), other.kind.clone());
        Self::say(Notice::Child { task, kind, name, stands }, emit);
    }

    /// Asks for children without logs that nobody has told of; returns whether all have been told.
    pub(super) fn ask_for_others(&mut self, effects: &mut Vec<Effect>) -> bool {
        let mut told = true;
        for index in 0..self.others.len() {
            if !self.is_asked_for(&self.others[index].called) {
                continue;
            }
            let (name, other) = self.others.get_index_mut(index).expect("it is the index of one");
            // Where the run is over and what was told last is not the end, the end has yet to be asked for.
            if !other.told && !std::mem::replace(&mut other.asked, true) {
                effects.push(Effect::Find(Find::Custom(name.clone())));
            }
            told &= other.told;
        }
        told
    }

    /// How the children are called that are no TaskRuns.
    pub(super) fn children(&self) -> impl Iterator<Item = &Called> {
        let runs = self.runs.values().filter_map(|run| run.above.as_ref().map(|above| &above.called));
        runs.chain(self.others.values().map(|other| &other.called))
    }

    /// The last words.
    pub(super) fn conclude(&self, emit: &mut Emit<'_>) -> Outcome {
        let referred = (0..self.tasks.len()).filter(|index| self.tasks[*index].is_referred());
        if let Some(outcome) = self.no_such_task(referred) {
            return outcome;
        }
        if self.subject == Subject::PipelineRun {
            self.say_how_runs_stand(emit);
        }
        let outcomes = self.runs.values().take(self.roots).map(RunSeen::outcome);
        outcomes.max_by_key(Outcome::weight).unwrap_or(Outcome::Succeeded)
    }

    fn say_how_runs_stand(&self, emit: &mut Emit<'_>) {
        for (name, run) in &self.runs {
            let is_wanted = run.above.as_ref().is_none_or(|above| self.is_asked_for(&above.called));
            for (reason, tasks) in run.skipped.iter().filter(|_| is_wanted && self.policy.tasks.is_empty()) {
                Self::say(Notice::TasksSkipped { tasks: tasks.clone(), reason: reason.clone() }, emit);
            }
            let Some(above) = run.above.as_ref().filter(|_| is_wanted) else { continue };
            let stands = run.standing.as_ref().filter(|_| !run.gone).map(|s| (s.verdict.clone(), run.message()));
            if run.gone || run.is("False") {
                let (task, kind) = (above.called.label(), "PipelineRun".to_owned());
                Self::say(Notice::Child { task, kind, name: name.clone(), stands }, emit);
            }
        }
        for (name, run) in self.runs.iter().take(self.roots) {
            let message = run.message();
            let one_of_several = (self.roots > 1).then(|| name.clone());
            match run.outcome() {
                Outcome::Failed => Self::say(Notice::RunFailed { run: one_of_several, message }, emit),
                Outcome::Running if !message.is_empty() => {
                    Self::say(Notice::StillRunning { run: one_of_several, message: Some(message) }, emit);
                }
                Outcome::Unstarted => {
                    let wait = Wait { who: format!("PipelineRun {name}"), why: NOT_TAKEN_UP.to_owned() };
                    Self::say(Notice::NotBegun(wait), emit);
                }
                _ => {}
            }
        }
    }
}

/// What a reference to a child says, with what the Pipeline says of the task.
struct Kin {
    called: Called,
    place: Vec<usize>,
    /// Names of the parameters by which the children of one task differ
    varied: Option<Vec<String>>,
}

impl Kin {
    fn of(run: &PipelineRun, child: &ChildReference, above: Option<&Above>, root: &str, several: bool) -> Self {
        let spec = run.status.pipeline_spec.as_ref().or(run.spec.pipeline_spec.as_ref());
        let found = spec.and_then(|spec| in_spec(spec, &child.pipeline_task_name));
        let display = child.display_name.clone().or_else(|| found.and_then(|(_, task)| task.display_name.clone()));
        let display = display.filter(|d| !d.is_empty());
        let name = &child.pipeline_task_name;
        let above_display = above.map(|a| a.called.display.as_ref().unwrap_or(&a.called.task).as_str());
        let is_long = display.is_some() || above.is_some_and(|a| a.called.display.is_some());
        let mut place = above.map(|a| a.place.clone()).unwrap_or_default();
        place.push(found.map_or(usize::MAX, |(place, _)| place));
        let siblings = run.status.child_references.iter().filter(|c| c.pipeline_task_name == *name).count();
        let by_matrix = found.and_then(|(_, task)| task.matrix.as_ref()).map(varied);
        Self {
            called: Called {
                root: root.to_owned(),
                task: joined(above.map(|a| a.called.task.as_str()), name),
                display: is_long.then(|| joined(above_display, display.as_deref().unwrap_or(name))),
                params: above.map(|a| a.called.params.clone()).unwrap_or_default(),
                several,
            },
            place,
            varied: by_matrix.or_else(|| (siblings > 1).then(Vec::new)),
        }
    }
}

/// `outer > inner`
fn joined(above: Option<&str>, name: &str) -> String {
    above.map_or_else(|| name.to_owned(), |above| format!("{above} > {name}"))
}

/// A task's place in the Pipeline as it ran, and what stands there.
fn in_spec<'s>(spec: &'s PipelineSpec, name: &str) -> Option<(usize, &'s PipelineTask)> {
    spec.tasks.iter().chain(&spec.finally).enumerate().find(|(_, task)| task.name == name)
}

/// The names of a matrix' parameters, those of its `include` as well.
fn varied(matrix: &Value) -> Vec<String> {
    let include = matrix["include"].as_array().into_iter().flatten().map(|include| &include["params"]);
    let lists = std::iter::once(&matrix["params"]).chain(include);
    let names = lists.filter_map(Value::as_array).flatten().filter_map(|param| param["name"].as_str());
    let mut distinct: Vec<String> = Vec::new();
    for name in names {
        if !distinct.iter().any(|known| known == name) {
            distinct.push(name.to_owned());
        }
    }
    distinct
}
