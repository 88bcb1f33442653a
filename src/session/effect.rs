//! What is said before steps of the sandbox are seen at work: that they are no containers, and which fields of the run
//! mean nothing to them.

use serde_json::Value;

use super::Session;
use crate::client::Cluster;
use crate::kinds::{self, Kind};
use crate::sandbox::engine;

impl Session {
    /// Says once that the sandbox does not use images, and once of each run which of its fields have no effect there, those of
    /// its Pipeline and Tasks included. On a cluster there is nothing to say.
    pub async fn say_what_has_no_effect(&mut self, cluster: &Cluster, kind: &'static Kind, runs: &[&str]) {
        if !self.sandbox {
            return;
        }
        if !std::mem::replace(&mut self.told, true) {
            self.term.say("Note: the sandbox runs steps as processes of this machine; the image that a step names is not used");
        }
        for name in runs {
            let run = kind.label(name);
            if self.told_of.contains(&run) {
                continue;
            }
            let fields = without_effect(cluster, kind, name).await;
            if !fields.is_empty() {
                self.term.say(format!("Note: in the sandbox these fields of {} {name} have no effect: {}", kind.kind, fields.join(", ")));
            }
            self.told_of.insert(run);
        }
    }
}

/// The fields of a run without effect, then those of what it refers to, as `PATH of KIND NAME`. What cannot be read is
/// passed over: whoever follows the run says so.
async fn without_effect(cluster: &Cluster, kind: &'static Kind, name: &str) -> Vec<String> {
    let Some(run) = read(cluster, kind, name).await else { return Vec::new() };
    let mut fields = engine::without_effect(kind, &run);
    if *kind == kinds::TASK_RUN {
        add(cluster, &kinds::TASK, &run["spec"]["taskRef"]["name"], &mut fields).await;
        return fields;
    }
    let pipeline = add(cluster, &kinds::PIPELINE, &run["spec"]["pipelineRef"]["name"], &mut fields).await;
    let spec = pipeline.as_ref().map_or(&run["spec"]["pipelineSpec"], |pipeline| &pipeline["spec"]);
    let tasks = [&spec["tasks"], &spec["finally"]].into_iter().filter_map(Value::as_array).flatten();
    let mut names: Vec<&Value> = tasks.map(|task| &task["taskRef"]["name"]).collect();
    names.sort_by_key(|name| name.as_str());
    names.dedup();
    for name in names {
        add(cluster, &kinds::TASK, name, &mut fields).await;
    }
    fields
}

/// Adds the fields of what is referred to, if anything is; gives the object.
async fn add(cluster: &Cluster, kind: &'static Kind, name: &Value, fields: &mut Vec<String>) -> Option<Value> {
    let name = name.as_str()?;
    let object = read(cluster, kind, name).await?;
    fields.extend(engine::without_effect(kind, &object).into_iter().map(|path| format!("{path} of {} {name}", kind.kind)));
    Some(object)
}

async fn read(cluster: &Cluster, kind: &'static Kind, name: &str) -> Option<Value> {
    let raw = cluster.get_raw(kind, &cluster.namespace, name).await.ok()?;
    serde_json::from_str(raw.get()).ok()
}
