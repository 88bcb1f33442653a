//! Workspaces and volumes of a TaskRun as directories that its steps see. What is missing makes the pod wait, as on a
//! cluster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::names;
use super::super::object::{items, name, namespace, text};
use super::super::plan::Objects;
use super::Subject;
use super::prepare::Prepared;
use crate::kinds::{self, Kind};
use crate::sandbox::executor::{Mount, MountSource};

/// Why a pod waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// No node takes it; the scheduler's words
    Unschedulable(String),
    /// A volume cannot be mounted; the node's words
    Unmounted(String),
}

/// The bytes of a ConfigMap or Secret by key.
pub(super) fn data(kind: &'static Kind, object: &Value) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut collect = |field: &str, encoded: bool| {
        for (key, value) in object.get(field).and_then(Value::as_object).into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            let bytes = if encoded { STANDARD.decode(value).unwrap_or_default() } else { value.as_bytes().to_vec() };
            found.insert(key.clone(), bytes);
        }
    };
    if *kind == kinds::SECRET {
        collect("data", true);
        collect("stringData", false);
    } else {
        collect("data", false);
        collect("binaryData", true);
    }
    found
}

/// All mounts of a TaskRun's steps.
pub(super) fn mounts(subject: &Subject<'_>, prepared: &Prepared) -> Result<Vec<Mount>, Hold> {
    let mut mounts: Vec<Mount> = Vec::new();
    for binding in &prepared.bindings {
        let workspace = text(binding, "/name");
        let Some(declared) = prepared.spec.workspaces.iter().find(|w| w.name == workspace) else { continue };
        let volume = names::workspace_volume(workspace);
        let source = source(subject, &volume, binding, text(binding, "/subPath"))?;
        mounts.push(mount(declared.path().into(), source, declared.read_only));
    }
    for wanted in prepared.spec.steps.iter().flat_map(|step| &step.volume_mounts) {
        let path = PathBuf::from(&wanted.mount_path);
        if mounts.iter().any(|mount| mount.path == path) {
            continue;
        }
        let Some(volume) = volume(subject, prepared, &wanted.name) else { continue };
        let source = source(subject, &wanted.name, volume, &wanted.sub_path)?;
        mounts.push(mount(path, source, wanted.read_only));
    }
    Ok(mounts)
}

/// Files of ConfigMaps and Secrets can never be written to (Kubernetes, "Volumes").
fn mount(path: PathBuf, source: MountSource, read_only: bool) -> Mount {
    let read_only = read_only || matches!(source, MountSource::Files(_));
    Mount { path, source, read_only }
}

/// The volume of a name: the task's, or that of the run's `podTemplate`.
fn volume<'a>(subject: &'a Subject<'_>, prepared: &'a Prepared, wanted: &str) -> Option<&'a Value> {
    let of_template = items(subject.run, "/spec/podTemplate/volumes");
    prepared.spec.volumes.iter().chain(of_template).find(|volume| text(volume, "/name") == wanted)
}

/// What a binding or volume shows.
fn source(subject: &Subject<'_>, volume: &str, from: &Value, sub_path: &str) -> Result<MountSource, Hold> {
    if let Some(claim) = from.get("persistentVolumeClaim") {
        let directory = claim_directory(subject, text(claim, "/claimName"))?;
        return Ok(MountSource::Directory(below(&directory, sub_path)));
    }
    for (field, name_field, kind) in [("configMap", "/name", &kinds::CONFIG_MAP), ("secret", "/secretName", &kinds::SECRET)] {
        if let Some(wanted) = from.get(field) {
            return files(subject.objects, kind, text(wanted, name_field), wanted)
                .map(|files| MountSource::Files(within(files, sub_path)))
                .map_err(|error| Hold::Unmounted(format!("MountVolume.SetUp failed for volume {volume:?} : {error}")));
        }
    }
    if let Some(projected) = from.get("projected") {
        return projected_files(subject, projected)
            .map(|files| MountSource::Files(within(files, sub_path)))
            .map_err(|error| Hold::Unmounted(format!("MountVolume.SetUp failed for volume {volume:?} : {error}")));
    }
    Ok(MountSource::EmptyDir(below(Path::new(volume), sub_path)))
}

fn projected_files(subject: &Subject<'_>, projected: &Value) -> Result<BTreeMap<PathBuf, Vec<u8>>, String> {
    let mut all = BTreeMap::new();
    for source in items(projected, "/sources") {
        for (field, kind) in [("configMap", &kinds::CONFIG_MAP), ("secret", &kinds::SECRET)] {
            if let Some(wanted) = source.get(field) {
                all.extend(files(subject.objects, kind, text(wanted, "/name"), wanted)?);
            }
        }
    }
    Ok(all)
}

/// The directory of a claim, once it is bound.
fn claim_directory(subject: &Subject<'_>, claim: &str) -> Result<PathBuf, Hold> {
    let unschedulable = |cause: String| {
        Hold::Unschedulable(format!(
            "0/1 nodes are available: {cause}. preemption: 0/1 nodes are available: 1 Preemption is not helpful for \
             scheduling."
        ))
    };
    match subject.objects.get(&kinds::PERSISTENT_VOLUME_CLAIM, claim) {
        None => Err(unschedulable(format!("persistentvolumeclaim {claim:?} not found"))),
        Some(object) if text(&object, "/status/phase") != "Bound" => {
            Err(unschedulable("pod has unbound immediate PersistentVolumeClaims".to_owned()))
        }
        Some(object) => Ok(subject.volumes.join(namespace(&object)).join(name(&object))),
    }
}

/// A directory below another, however the path is written; it cannot lead out of it.
fn below(directory: &Path, path: &str) -> PathBuf {
    let parts = Path::new(path).components().filter_map(|part| match part {
        std::path::Component::Normal(part) => Some(part),
        _ => None,
    });
    parts.fold(directory.to_owned(), |path, part| path.join(part))
}

/// Files of a directory inside a volume.
fn within(files: BTreeMap<PathBuf, Vec<u8>>, sub_path: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    if sub_path.is_empty() {
        return files;
    }
    let inside = |(path, bytes): (PathBuf, Vec<u8>)| Some((path.strip_prefix(sub_path).ok()?.to_owned(), bytes));
    files.into_iter().filter_map(inside).collect()
}

/// The files of a ConfigMap or Secret: all its keys, or those of `items` under their paths.
fn files(objects: &dyn Objects, kind: &'static Kind, wanted: &str, source: &Value) -> Result<BTreeMap<PathBuf, Vec<u8>>, String> {
    let optional = source.get("optional").and_then(Value::as_bool).unwrap_or_default();
    let Some(object) = objects.get(kind, wanted) else {
        return if optional { Ok(BTreeMap::new()) } else { Err(format!("{} {wanted:?} not found", kind.noun)) };
    };
    let mut data = data(kind, &object);
    let chosen = items(source, "/items");
    if chosen.is_empty() {
        return Ok(data.into_iter().map(|(key, bytes)| (PathBuf::from(key), bytes)).collect());
    }
    let mut files = BTreeMap::new();
    for item in chosen {
        let key = text(item, "/key");
        match data.remove(key) {
            Some(bytes) => drop(files.insert(below(Path::new(""), text(item, "/path")), bytes)),
            None if optional => {}
            None => return Err(format!("references non-existent {} key: {key}", kind.noun)),
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::below;
    use std::path::Path;

    #[test]
    fn sub_paths_stay_inside_their_volume() {
        assert_eq!(below(Path::new("/v"), "a/../../b/./c"), Path::new("/v/a/b/c"));
        assert_eq!(below(Path::new("/v"), "/etc"), Path::new("/v/etc"));
    }
}
