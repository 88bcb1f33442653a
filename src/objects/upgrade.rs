//! Objects of older API versions rewritten as the version that is read everywhere else: Tekton's v1beta1 as v1, and
//! v1alpha1 of Triggers as v1beta1. Pure, on JSON, before anything is decoded; what has no place in the new version
//! and is no part of it stays where it is, so that whoever reads it can name it.

use serde_json::{Map, Value, json};

use crate::kinds::Kind;

/// Where Tekton's own conversion keeps the PipelineResources that v1 no longer has.
const RESOURCES_ANNOTATION: &str = "tekton.dev/v1beta1Resources";

/// Rewrites an object of any version of its kind as the version that rtkn writes. An object of that version already,
/// or of a version that the kind does not have, is left alone.
pub fn to_v1(kind: &Kind, object: &mut Value) {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let version = api_version.rsplit('/').next().unwrap_or_default().to_owned();
    if version == kind.version() || !kind.versions.contains(&version.as_str()) {
        return;
    }
    match (kind.group, kind.kind) {
        ("tekton.dev", "Task") => {
            keep_resources(object);
            inside(object, "spec", task_spec);
        }
        ("tekton.dev", "Pipeline") => {
            keep_resources(object);
            inside(object, "spec", pipeline_spec);
        }
        ("tekton.dev", "TaskRun") => {
            keep_resources(object);
            inside(object, "spec", task_run_spec);
            inside(object, "status", task_run_status);
        }
        ("tekton.dev", "PipelineRun") => {
            keep_resources(object);
            inside(object, "spec", pipeline_run_spec);
            inside(object, "status", pipeline_run_status);
        }
        ("triggers.tekton.dev", "Trigger") => inside(object, "spec", trigger_spec),
        ("triggers.tekton.dev", "EventListener") => inside(object, "spec", |spec| each(spec, "triggers", trigger_spec)),
        _ => {}
    }
    object["apiVersion"] = json!(kind.api_version(kind.version()));
}

/// Writes an object of the version that rtkn writes as an older version of its kind, for a client that asked for that.
/// What the older version had differently gets its old place; everything else is the same in both.
pub fn from_v1(kind: &Kind, version: &str, object: &mut Value) {
    if version == kind.version() {
        return;
    }
    match (kind.group, kind.kind) {
        ("tekton.dev", "Task") => inside(object, "spec", old_task_spec),
        ("tekton.dev", "Pipeline") => inside(object, "spec", old_pipeline_spec),
        ("tekton.dev", "TaskRun") => {
            inside(object, "spec", |spec| {
                within(spec, "taskSpec", old_task_spec);
                old_overrides(spec);
            });
            inside(object, "status", old_task_run_status);
        }
        ("tekton.dev", "PipelineRun") => {
            inside(object, "spec", old_pipeline_run_spec);
            inside(object, "status", |status| {
                rename(status, "results", "pipelineResults");
                within(status, "pipelineSpec", old_pipeline_spec);
            });
        }
        _ => {}
    }
    restore_resources(object);
    object["apiVersion"] = json!(kind.api_version(version));
}

fn old_task_spec(spec: &mut Fields) {
    for list in ["steps", "sidecars"] {
        each(spec, list, |container| rename(container, "computeResources", "resources"));
    }
    within(spec, "stepTemplate", |template| rename(template, "computeResources", "resources"));
}

fn old_pipeline_spec(spec: &mut Fields) {
    for list in ["tasks", "finally"] {
        each(spec, list, |task| {
            within(task, "taskSpec", old_task_spec);
            within(task, "pipelineSpec", old_pipeline_spec);
        });
    }
}

fn old_overrides(fields: &mut Fields) {
    for (from, to) in [("stepSpecs", "stepOverrides"), ("sidecarSpecs", "sidecarOverrides")] {
        rename(fields, from, to);
        each(fields, to, |entry| rename(entry, "computeResources", "resources"));
    }
}

fn old_pipeline_run_spec(spec: &mut Fields) {
    within(spec, "pipelineSpec", old_pipeline_spec);
    if let Some(Value::Object(mut template)) = spec.shift_remove("taskRunTemplate") {
        for field in ["serviceAccountName", "podTemplate"] {
            if let Some(value) = template.shift_remove(field) {
                spec.insert(field.to_owned(), value);
            }
        }
    }
    each(spec, "taskRunSpecs", |entry| {
        rename(entry, "serviceAccountName", "taskServiceAccountName");
        rename(entry, "podTemplate", "taskPodTemplate");
        old_overrides(entry);
    });
}

fn old_task_run_status(status: &mut Fields) {
    rename(status, "results", "taskResults");
    within(status, "taskSpec", old_task_spec);
    each(status, "retriesStatus", old_task_run_status);
}

fn restore_resources(object: &mut Value) {
    let annotations = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    let Some(Value::String(text)) = annotations.and_then(|annotations| annotations.shift_remove(RESOURCES_ANNOTATION)) else { return };
    if let Ok(resources) = serde_json::from_str(&text) {
        inside(object, "spec", |spec| drop(spec.insert("resources".to_owned(), resources)));
    }
}

type Fields = Map<String, Value>;

fn inside(object: &mut Value, field: &str, change: impl FnOnce(&mut Fields)) {
    if let Some(fields) = object.get_mut(field).and_then(Value::as_object_mut) {
        change(fields);
    }
}

fn within(fields: &mut Fields, field: &str, change: impl FnOnce(&mut Fields)) {
    if let Some(fields) = fields.get_mut(field).and_then(Value::as_object_mut) {
        change(fields);
    }
}

fn each(fields: &mut Fields, list: &str, mut change: impl FnMut(&mut Fields)) {
    let entries = fields.get_mut(list).and_then(Value::as_array_mut);
    entries.into_iter().flatten().filter_map(Value::as_object_mut).for_each(&mut change);
}

/// Renames a field; one that has the new name already wins.
fn rename(fields: &mut Fields, from: &str, to: &str) {
    if let Some(value) = fields.shift_remove(from) {
        fields.entry(to).or_insert(value);
    }
}

/// Moves a field into an object below the same fields.
fn move_into(fields: &mut Fields, from: &str, parent: &str, to: &str) {
    let Some(value) = fields.shift_remove(from) else { return };
    if let Value::Object(parent) = fields.entry(parent).or_insert_with(|| json!({})) {
        parent.entry(to).or_insert(value);
    }
}

fn keep_resources(object: &mut Value) {
    let Some(resources) = object.get_mut("spec").and_then(Value::as_object_mut).and_then(|spec| spec.shift_remove("resources")) else {
        return;
    };
    inside(object, "metadata", |metadata| {
        if let Value::Object(annotations) = metadata.entry("annotations").or_insert_with(|| json!({})) {
            annotations.insert(RESOURCES_ANNOTATION.to_owned(), Value::String(resources.to_string()));
        }
    });
}

fn task_spec(spec: &mut Fields) {
    for list in ["steps", "sidecars"] {
        each(spec, list, |container| rename(container, "resources", "computeResources"));
    }
    within(spec, "stepTemplate", |template| rename(template, "resources", "computeResources"));
}

fn pipeline_spec(spec: &mut Fields) {
    for list in ["tasks", "finally"] {
        each(spec, list, pipeline_task);
    }
}

fn pipeline_task(task: &mut Fields) {
    within(task, "taskRef", |reference| bundle_to_resolver(reference, "task"));
    within(task, "pipelineRef", |reference| bundle_to_resolver(reference, "pipeline"));
    within(task, "taskSpec", task_spec);
    within(task, "pipelineSpec", pipeline_spec);
    // The first releases with a matrix had its params directly in it.
    if let Some(matrix) = task.get_mut("matrix")
        && matrix.is_array()
    {
        *matrix = json!({"params": matrix.take()});
    }
}

/// `bundle: IMAGE` became the resolver `bundles`, whose params are the image, and the object's kind and name.
fn bundle_to_resolver(reference: &mut Fields, kind: &str) {
    let Some(bundle) = reference.shift_remove("bundle") else { return };
    let name = reference.shift_remove("name").unwrap_or_default();
    reference.shift_remove("kind");
    reference.insert("resolver".to_owned(), json!("bundles"));
    let params = json!([
        {"name": "bundle", "value": bundle}, {"name": "name", "value": name}, {"name": "kind", "value": kind},
    ]);
    reference.insert("params".to_owned(), params);
}

fn task_run_spec(spec: &mut Fields) {
    within(spec, "taskRef", |reference| bundle_to_resolver(reference, "task"));
    within(spec, "taskSpec", task_spec);
    overrides(spec);
}

/// `stepOverrides` and `sidecarOverrides` are `stepSpecs` and `sidecarSpecs` in v1.
fn overrides(fields: &mut Fields) {
    for (from, to) in [("stepOverrides", "stepSpecs"), ("sidecarOverrides", "sidecarSpecs")] {
        rename(fields, from, to);
        each(fields, to, |entry| rename(entry, "resources", "computeResources"));
    }
}

fn pipeline_run_spec(spec: &mut Fields) {
    within(spec, "pipelineRef", |reference| bundle_to_resolver(reference, "pipeline"));
    within(spec, "pipelineSpec", pipeline_spec);
    move_into(spec, "timeout", "timeouts", "pipeline");
    move_into(spec, "serviceAccountName", "taskRunTemplate", "serviceAccountName");
    move_into(spec, "podTemplate", "taskRunTemplate", "podTemplate");
    each(spec, "taskRunSpecs", |entry| {
        rename(entry, "taskServiceAccountName", "serviceAccountName");
        rename(entry, "taskPodTemplate", "podTemplate");
        overrides(entry);
    });
}

fn task_run_status(status: &mut Fields) {
    rename(status, "taskResults", "results");
    within(status, "taskSpec", task_spec);
    each(status, "retriesStatus", task_run_status);
}

fn pipeline_run_status(status: &mut Fields) {
    rename(status, "pipelineResults", "results");
    within(status, "pipelineSpec", pipeline_spec);
    if !status.contains_key("childReferences") {
        children_of_maps(status);
    }
}

/// Before `childReferences`, the status held its children whole, in maps by name.
fn children_of_maps(status: &mut Fields) {
    let mut references = Vec::new();
    for (map, api_version, kind) in [("taskRuns", "tekton.dev/v1", "TaskRun"), ("runs", "tekton.dev/v1beta1", "CustomRun")] {
        let Some(children) = status.get(map).and_then(Value::as_object) else { continue };
        for (name, child) in children {
            let mut reference = json!({"apiVersion": api_version, "kind": kind, "name": name});
            for field in ["pipelineTaskName", "whenExpressions"] {
                if let Some(value) = child.get(field) {
                    reference[field] = value.clone();
                }
            }
            references.push((child["status"]["startTime"].as_str().unwrap_or_default().to_owned(), reference));
        }
    }
    if !references.is_empty() {
        references.sort_by(|(a, _), (b, _)| a.cmp(b));
        let references: Vec<Value> = references.into_iter().map(|(_, reference)| reference).collect();
        status.insert("childReferences".to_owned(), Value::Array(references));
    }
}

/// The interceptors that v1alpha1 had as fields are ClusterInterceptors with params.
fn trigger_spec(spec: &mut Fields) {
    each(spec, "interceptors", |interceptor| {
        let Some((name, old)) =
            ["github", "gitlab", "bitbucket", "cel"].iter().find_map(|name| Some((*name, interceptor.shift_remove(*name)?)))
        else {
            return;
        };
        let fields = old.as_object().into_iter().flatten();
        let params: Vec<Value> = fields.map(|(name, value)| json!({"name": name, "value": value})).collect();
        interceptor.insert("ref".to_owned(), json!({"name": name, "kind": "ClusterInterceptor"}));
        interceptor.insert("params".to_owned(), Value::Array(params));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn upgraded(kind: &Kind, mut object: Value) -> Value {
        to_v1(kind, &mut object);
        object
    }

    #[test]
    fn a_pipeline_run_gets_the_fields_of_v1() {
        let old = json!({
            "apiVersion": "tekton.dev/v1beta1", "kind": "PipelineRun", "metadata": {"name": "r"},
            "spec": {
                "pipelineRef": {"name": "p", "bundle": "example.com/b:1"}, "timeout": "1h", "serviceAccountName": "sa",
                "podTemplate": {"nodeSelector": {"a": "b"}}, "resources": [{"name": "git"}],
                "taskRunSpecs": [{"pipelineTaskName": "t", "taskServiceAccountName": "other", "taskPodTemplate": {},
                    "stepOverrides": [{"name": "s", "resources": {"limits": {"cpu": "1"}}}]}],
            },
            "status": {"pipelineResults": [{"name": "x", "value": "y"}]},
        });
        let new = json!({
            "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
            "metadata": {"name": "r", "annotations": {"tekton.dev/v1beta1Resources": "[{\"name\":\"git\"}]"}},
            "spec": {
                "pipelineRef": {"resolver": "bundles", "params": [{"name": "bundle", "value": "example.com/b:1"},
                    {"name": "name", "value": "p"}, {"name": "kind", "value": "pipeline"}]},
                "timeouts": {"pipeline": "1h"},
                "taskRunTemplate": {"serviceAccountName": "sa", "podTemplate": {"nodeSelector": {"a": "b"}}},
                "taskRunSpecs": [{"pipelineTaskName": "t", "serviceAccountName": "other", "podTemplate": {},
                    "stepSpecs": [{"name": "s", "computeResources": {"limits": {"cpu": "1"}}}]}],
            },
            "status": {"results": [{"name": "x", "value": "y"}]},
        });
        assert_eq!(upgraded(&kinds::PIPELINE_RUN, old), new);
        assert_eq!(upgraded(&kinds::PIPELINE_RUN, new.clone()), new, "an object of v1 is left alone");
    }

    #[test]
    fn what_v1beta1_says_survives_the_way_there_and_back() {
        let old = json!({
            "apiVersion": "tekton.dev/v1beta1", "metadata": {"annotations": {}},
            "spec": {
                "serviceAccountName": "sa", "podTemplate": {"a": 1}, "resources": [1],
                "pipelineSpec": {"tasks": [{"taskSpec": {"steps": [{"resources": {}}], "stepTemplate": {"resources": {}}}}]},
                "taskRunSpecs": [{"taskServiceAccountName": "x", "stepOverrides": [{"resources": {}}]}],
            },
            "status": {"pipelineResults": [1]},
        });
        let mut object = upgraded(&kinds::PIPELINE_RUN, old.clone());
        assert_eq!(object["apiVersion"], "tekton.dev/v1");
        from_v1(&kinds::PIPELINE_RUN, "v1beta1", &mut object);
        assert_eq!(object, old);
    }

    #[test]
    fn steps_are_found_wherever_a_task_is_embedded() {
        let task = |resources: &str| json!({"steps": [{"name": "s", resources: {}}], "sidecars": [{resources: {}}], "stepTemplate": {resources: {}}});
        let pipeline = |r: &str| json!({"tasks": [{"name": "a", "taskSpec": task(r)}], "finally": [{"name": "b", "taskSpec": task(r)}]});
        let run = |version: &str, r: &str| json!({"apiVersion": format!("tekton.dev/{version}"), "spec": {"pipelineSpec": pipeline(r)}, "status": {"pipelineSpec": pipeline(r)}});
        assert_eq!(upgraded(&kinds::PIPELINE_RUN, run("v1beta1", "resources")), run("v1", "computeResources"));
    }

    #[test]
    fn a_task_runs_results_and_retries_are_renamed() {
        let old = json!({"apiVersion": "tekton.dev/v1beta1", "status": {"taskResults": [1], "retriesStatus": [{"taskResults": [2]}]}});
        let new = json!({"apiVersion": "tekton.dev/v1", "status": {"results": [1], "retriesStatus": [{"results": [2]}]}});
        assert_eq!(upgraded(&kinds::TASK_RUN, old), new);
    }

    #[test]
    fn children_in_maps_become_references_in_the_order_they_started() {
        let old = json!({"apiVersion": "tekton.dev/v1beta1", "status": {"taskRuns": {
            "r-b": {"pipelineTaskName": "b", "status": {"startTime": "2024-01-01T00:00:02Z"}},
            "r-a": {"pipelineTaskName": "a", "status": {"startTime": "2024-01-01T00:00:01Z"}},
        }}});
        let new = upgraded(&kinds::PIPELINE_RUN, old);
        let names: Vec<_> = new["status"]["childReferences"].as_array().into_iter().flatten().map(|c| c["name"].clone()).collect();
        assert_eq!(names, ["r-a", "r-b"]);
    }

    #[test]
    fn interceptors_of_v1alpha1_become_references() {
        let old = json!({"apiVersion": "triggers.tekton.dev/v1alpha1", "spec": {"interceptors": [{"cel": {"filter": "true"}}]}});
        let new = json!({"apiVersion": "triggers.tekton.dev/v1beta1", "spec": {"interceptors": [
            {"ref": {"name": "cel", "kind": "ClusterInterceptor"}, "params": [{"name": "filter", "value": "true"}]}]}});
        assert_eq!(upgraded(&kinds::TRIGGER, old), new);
    }

    #[test]
    fn odd_objects_do_not_panic() {
        for object in [
            json!(null),
            json!([]),
            json!({"apiVersion": "tekton.dev/v1beta1", "spec": [], "status": {"steps": 1}}),
            json!({"apiVersion": 7}),
            json!({"apiVersion": "tekton.dev/v1beta1", "metadata": "x", "spec": {"resources": []}}),
        ] {
            upgraded(&kinds::PIPELINE_RUN, object);
        }
    }
}
