//! Evidence of a run: itself, its TaskRuns by one list, their pods by another.

use super::super::evidence::{Evidence, Place, Trace, Unit};
use super::{listed, traces};
use crate::client::{Cluster, Error, Select};
use crate::kinds;
use crate::objects::core::Pod;
use crate::objects::pipeline::WorkspaceUse;
use crate::objects::run::{CustomRun, Param, PipelineRun, Run, RunOf as _, TaskRun, WorkspaceBinding};
use crate::objects::verdict::State;

/// Evidence of a PipelineRun.
pub(super) async fn pipeline_run(cluster: &Cluster, namespace: &str, name: &str) -> Result<Evidence, Error> {
    let run = decoded(cluster.get::<PipelineRun>(namespace, name).await?)?;
    let mut evidence = Evidence::new(&kinds::PIPELINE_RUN, namespace, name);
    stand(&mut evidence, &run);
    evidence.units.push(parent(&run));
    let of_run = Select::labels(format!("{}={name}", PipelineRun::OF_CHILDREN));
    let mut task_runs = listed::<TaskRun>(cluster, &mut evidence, Some(namespace), of_run.clone()).await.unwrap_or_default();
    let references = &run.status.child_references;
    task_runs.sort_by_key(|t| references.iter().position(|r| r.name == t.metadata.name).unwrap_or(usize::MAX));
    task_runs.retain(|t| t.verdict().state != State::Succeeded);
    // A run that never made a pod needs no list of pods.
    if task_runs.iter().any(|t| !t.status.pod_name.is_empty()) {
        let pods = listed::<Pod>(cluster, &mut evidence, Some(namespace), of_run.clone()).await.unwrap_or_default();
        evidence.units.extend(
            task_runs
                .iter()
                .map(|t| Unit { apart: apart(&run, t), ..task_unit(t, &pods, &templated(&run.spec.workspaces), &run.spec.params) }),
        );
    } else {
        evidence.units.extend(task_runs.iter().map(|t| task_unit(t, &[], &[], &run.spec.params)));
    }
    if references.iter().any(|r| r.kind == "CustomRun") {
        let custom = listed::<CustomRun>(cluster, &mut evidence, Some(namespace), of_run).await.unwrap_or_default();
        let wrong = custom.iter().filter(|c| c.verdict().state != State::Succeeded);
        evidence.units.extend(wrong.map(|c| unit_of("CustomRun", &c.metadata.name, c)));
    }
    Ok(evidence)
}

/// Evidence of a TaskRun.
pub(super) async fn task_run(cluster: &Cluster, namespace: &str, name: &str) -> Result<Evidence, Error> {
    let run = decoded(cluster.get::<TaskRun>(namespace, name).await?)?;
    let mut evidence = Evidence::new(&kinds::TASK_RUN, namespace, name);
    stand(&mut evidence, &run);
    let mut pods = Vec::new();
    if run.verdict().state != State::Succeeded && !run.status.pod_name.is_empty() {
        let select = Select::labels(format!("tekton.dev/taskRun={name}"));
        pods = listed::<Pod>(cluster, &mut evidence, Some(namespace), select).await.unwrap_or_default();
    }
    evidence.units.push(task_unit(&run, &pods, &templated(&run.spec.workspaces), &[]));
    Ok(evidence)
}

/// An object that cannot be read cannot be judged either.
fn decoded<T: crate::objects::Object>(seen: crate::objects::Seen<T>) -> Result<T, Error> {
    seen.lens.map_err(|error| Error::Undecodable { what: format!("{} {}", T::KIND.kind, error.meta.name), reason: error.reason })
}

fn stand(evidence: &mut Evidence, run: &impl Run) {
    evidence.state = run.verdict();
    let changed = run.succeeded().and_then(|c| c.last_transition_time);
    evidence.since = run.completed().or(changed).or(run.meta().creation_timestamp);
}

fn unit_of(kind: &'static str, name: &str, run: &impl Run) -> Unit {
    let mut unit = Unit { kind, name: name.to_owned(), state: Some(run.verdict()), ..Unit::default() };
    if let Some(condition) = run.succeeded().filter(|c| c.status != "True") {
        unit.traces = traces::of_condition(&unit.object(), condition);
    }
    unit
}

fn account(name: Option<&str>) -> String {
    name.filter(|n| !n.is_empty()).unwrap_or("default").to_owned()
}

fn templated(bindings: &[WorkspaceBinding]) -> Vec<String> {
    bindings.iter().filter(|w| w.volume_claim_template.is_some()).map(|w| w.name.clone()).collect()
}

/// The workspaces whose files a task may look for in vain: for each TaskRun an emptyDir is another directory
/// (`docs/workspaces.md`), whatever a task that ran before it wrote there.
fn apart(run: &PipelineRun, task_run: &TaskRun) -> Vec<(String, String)> {
    let children = &run.status.child_references;
    let (Some(spec), Some(at)) = (&run.status.pipeline_spec, children.iter().position(|child| child.name == task_run.metadata.name)) else {
        return Vec::new();
    };
    let (task, earlier) = (&children[at].pipeline_task_name, &children[..at]);
    let uses = |name: &str| {
        let task = spec.tasks.iter().chain(&spec.finally).find(|task| task.name == name);
        task.into_iter().flat_map(|task| &task.workspaces).map(WorkspaceUse::of_pipeline)
    };
    let is_empty = |workspace: &str| run.spec.workspaces.iter().any(|bound| bound.name == workspace && bound.empty_dir.is_some());
    let had_before = |workspace: &str| {
        let mut others = earlier.iter().map(|child| &child.pipeline_task_name).filter(|other| *other != task);
        others.find(|other| uses(other).any(|used| used == workspace))
    };
    let empty = uses(task).filter(|workspace| is_empty(workspace));
    empty.filter_map(|workspace| Some((workspace.to_owned(), had_before(workspace)?.clone()))).collect()
}

fn parent(run: &PipelineRun) -> Unit {
    let mut unit = unit_of("PipelineRun", &run.metadata.name, run);
    unit.account = account(run.spec.task_run_template.service_account_name.as_deref());
    unit.params.clone_from(&run.spec.params);
    unit.templated = templated(&run.spec.workspaces);
    let object = unit.object();
    let skipped = run.status.skipped_tasks.iter();
    unit.traces.extend(skipped.map(|s| Trace::new(Place::Skipped, format!("skipped task {} of {object}", s.name), None, s.reason.clone())));
    unit
}

fn task_unit(task_run: &TaskRun, pods: &[Pod], templated: &[String], params: &[Param]) -> Unit {
    let mut unit = unit_of("TaskRun", &task_run.metadata.name, task_run);
    unit.account = account(task_run.spec.service_account_name.as_deref());
    // The task's own values come first; those of its PipelineRun follow, as an embedded task has none of its own.
    unit.params = task_run.spec.params.iter().chain(params).cloned().collect();
    unit.templated = templated.to_vec();
    let steps = task_run.status.task_spec.iter().flat_map(|task| &task.steps);
    unit.addresses = steps.filter_map(|step| step.script.as_deref()).flat_map(ssh_addresses).map(str::to_owned).collect();
    // A failure that the pipeline passes over is told, not looked into.
    let ignored = task_run.verdict().reason.as_deref() == Some("FailureIgnored");
    if ignored || task_run.verdict().state == State::Succeeded {
        return unit;
    }
    if let Some(pod) = pods.iter().find(|p| p.metadata.name == task_run.status.pod_name) {
        traces::add_pod(&mut unit, pod);
        if !task_run.is_done() {
            unit.traces.extend(traces::outliving_sidecar(pod));
        }
        unit.waits = pod.status.phase == "Pending";
    } else if task_run.verdict().reason.as_deref() == Some("TaskRunTimeout") && !task_run.status.pod_name.is_empty() {
        // Tekton deletes the pod of what took too long; the events of one that never started are still there.
        unit.pod = Some(task_run.status.pod_name.clone());
        unit.waits = true;
    }
    // What it says of an attempt that is over is no trace of the next one, which has no pod yet.
    if task_run.is_done() || !task_run.status.pod_name.is_empty() {
        traces::add_failed_step(&mut unit, task_run);
    }
    unit
}

/// The words of a script that git takes for addresses it reaches by ssh: `ssh://…` and `user@host:path`.
fn ssh_addresses(script: &str) -> impl Iterator<Item = &str> {
    let words = script.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '(' | ')'));
    let is_short = |word: &str| word.split_once(':').is_some_and(|(before, _)| before.contains('@') && !before.contains('/'));
    words.filter(move |word| word.starts_with("ssh://") || (is_short(word) && !word.contains("://")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_scripts() {
        let script = "set -e\ngit clone git@github.com:me/app.git /tmp/x; git fetch 'ssh://git@host:22/b'\ncurl https://u@h:8/ mail@x";
        assert_eq!(ssh_addresses(script).collect::<Vec<_>>(), ["git@github.com:me/app.git", "ssh://git@host:22/b"]);
    }
}
