//! Manifests as people write them: several YAML or JSON documents in a text, each an object of a kind that rtkn knows.
//! An error tells the line, and the column or field, that is wrong.

use serde_json::Value;

use super::Manifest;
use super::places::Places;
use crate::kinds::{self, Kind};
use crate::near::nearest;
use crate::objects::upgrade;

/// A manifest, and where in its text it begins.
#[derive(Clone, Debug)]
pub struct Document {
    /// The object, rewritten as the version that rtkn writes
    pub manifest: Manifest,
    /// The line that it begins in, from 1
    pub line: u64,
    /// The object as it was written
    pub written: Value,
    /// Where its fields stand
    pub places: Places,
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {reason}", column.map(|c| format!(", column {c}")).unwrap_or_default())]
pub struct Wrong {
    /// From 1
    pub line: u64,
    /// From 1, where it is known
    pub column: Option<u64>,
    /// What is wrong, with the field
    pub reason: String,
}

/// Reads all documents of a text. An empty document is none; a `List` is what it holds.
///
/// # Errors
/// The first document that is no object of a known kind.
pub fn documents(text: &str) -> Result<Vec<Document>, Wrong> {
    let mut documents = Vec::new();
    for (line, part) in parts(text) {
        let Some(value) = parse(part, line)? else { continue };
        let places = Places::of(part, line);
        let line = line + leading(part);
        for (written, field) in items(value) {
            let line = places.line_of(&field).unwrap_or(line);
            let manifest = manifest(written.clone()).map_err(|reason| Wrong { line, column: None, reason: format!("{field}{reason}") })?;
            let places = places.within(&field);
            documents.push(Document { manifest, line, written, places });
        }
    }
    Ok(documents)
}

/// A text that is one YAML value of any form. Documents without anything in them are none.
///
/// # Errors
/// Where it is no YAML, or a second document begins.
pub fn value(text: &str) -> Result<Value, Wrong> {
    let mut found = None;
    for (before, part) in parts(text) {
        match (parse(part, before)?, &found) {
            (None, _) => {}
            (value, None) => found = value,
            (Some(_), Some(_)) => {
                let line = before + leading(part);
                return Err(Wrong { line, column: None, reason: "this is a second document, where one is meant".into() });
            }
        }
    }
    Ok(found.unwrap_or_default())
}

/// The documents' texts, with the number of the line before each. A line that begins with `---` parts documents
/// wherever it stands, in a block of text too (YAML 1.2, 9.1.4).
fn parts(text: &str) -> Vec<(u64, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut first_line, mut at) = (0, 0, 0);
    for (number, line) in (1_u64..).zip(text.split_inclusive('\n')) {
        at += line.len();
        let marks = line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if marks {
            parts.push((first_line, &text[start..at - line.len()]));
            // What stands behind the mark belongs to the document that begins.
            start = at - line.len() + 3;
            first_line = number - 1;
        }
    }
    parts.push((first_line, &text[start..]));
    parts
}

/// Lines before the first that holds more than a comment, counted so that the sum with the line before is that line's number.
fn leading(part: &str) -> u64 {
    let empty = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#');
    1 + part.lines().take_while(empty).count() as u64
}

fn parse(part: &str, before: u64) -> Result<Option<Value>, Wrong> {
    if part.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(None);
    }
    // Kubernetes reads YAML 1.1's octal numbers: `defaultMode: 0644`.
    let options = serde_saphyr::options! { legacy_octal_numbers: true, with_snippet: false };
    match serde_saphyr::from_str_with_options::<Value>(part, options) {
        Ok(Value::Null) => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            let location = error.location();
            let reason = error.without_snippet().to_string();
            Err(Wrong {
                line: before + location.map_or(1, |l| l.line()),
                column: location.map(|l| l.column()),
                reason: bare(&reason).to_owned(),
            })
        }
    }
}

/// The reason without the place, which is told by itself, counted from the beginning of the file.
fn bare(reason: &str) -> &str {
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    let reason = match reason.strip_prefix("line ").and_then(|r| r.split_once(": ")) {
        Some((place, rest)) if place.contains("column") => rest,
        _ => reason,
    };
    let reason = reason.split(" at line ").next().unwrap_or(reason).lines().next().unwrap_or(reason);
    // What the parser's own options could change is nothing to whoever wrote the file.
    reason.split(", set DuplicateKeyPolicy").next().unwrap_or(reason)
}

/// The objects of a document: itself, or the items of a `List`, each with its field's name for messages.
fn items(value: Value) -> Vec<(Value, String)> {
    match value {
        Value::Object(mut list) if list.get("kind").is_some_and(|k| k == "List") && list.get("items").is_some_and(Value::is_array) => {
            let Some(Value::Array(items)) = list.remove("items") else { return Vec::new() };
            items.into_iter().enumerate().map(|(i, item)| (item, format!("items[{i}]."))).collect()
        }
        other => vec![(other, String::new())],
    }
}

fn manifest(mut value: Value) -> Result<Manifest, String> {
    if !value.is_object() {
        return Err("this is no object: a manifest has apiVersion, kind and metadata".into());
    }
    let text = |field: &str| value.pointer(&format!("/{field}")).and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned);
    let api_version = text("apiVersion").ok_or("apiVersion: is missing")?;
    let kind_name = text("kind").ok_or("kind: is missing")?;
    let kind = kinds::of_manifest(&api_version, &kind_name).ok_or_else(|| unknown(&api_version, &kind_name))?;
    let metadata = value.get("metadata").and_then(Value::as_object).ok_or("metadata: is missing")?;
    let has = |field: &str| metadata.get(field).and_then(Value::as_str).is_some_and(|s| !s.is_empty());
    if !has("name") && !has("generateName") {
        return Err("metadata.name: is missing".into());
    }
    upgrade::to_v1(kind, &mut value);
    Ok(Manifest { kind, value })
}

fn unknown(api_version: &str, kind: &str) -> String {
    let same_kind: Vec<&Kind> = kinds::ALL.iter().copied().filter(|k| k.kind == kind).collect();
    if !same_kind.is_empty() {
        let versions: Vec<String> = same_kind.iter().flat_map(|k| k.versions.iter().map(|v| k.api_version(v))).collect();
        return format!("apiVersion: {api_version} of {kind} is not known; there is {}", versions.join(", "));
    }
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let near = nearest(kind, kinds::ALL.iter().filter(|k| k.group == group).map(|k| k.kind));
    match near {
        Some(near) => format!("kind: {kind} of {api_version} is not known; did you mean {near}?"),
        None => format!("kind: {kind} of {api_version} is not one of those that Tekton's work rests on; kubectl apply writes it"),
    }
}

/// Where a kind stands in the order of writing: what others refer to comes first, runs come last.
pub fn rank(kind: &Kind) -> usize {
    const ORDER: &[&[&str]] = &[
        &["Namespace"],
        &["StorageClass", "PersistentVolume"],
        &["Secret", "ConfigMap", "PersistentVolumeClaim"],
        &["ServiceAccount"],
        &["Role", "ClusterRole"],
        &["RoleBinding", "ClusterRoleBinding"],
        &["Service", "Deployment", "Pod"],
        &["Task"],
        &["Pipeline"],
        &["Interceptor", "ClusterInterceptor", "TriggerBinding", "ClusterTriggerBinding", "TriggerTemplate"],
        &["Trigger"],
        &["EventListener"],
    ];
    ORDER.iter().position(|kinds| kinds.contains(&kind.kind)).unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\n";

    fn wrong(text: &str) -> String {
        documents(text).map(|d| d.len()).expect_err("an error").to_string()
    }

    #[test]
    fn documents_know_their_line() {
        let text = format!("# a\n---\n{TASK}---\n# only a comment\n--- \n\n# b\n{TASK}");
        let lines: Vec<u64> = documents(&text).expect("two tasks").iter().map(|d| d.line).collect();
        assert_eq!(lines, [3, 11]);
    }

    #[test]
    fn json_and_lists_are_read() {
        let text = r#"{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}]}"#;
        assert_eq!(documents(text).expect("a secret")[0].manifest.label(), "secret/s");
        assert_eq!(wrong(&text.replace("\"name\": \"s\"", "")), "line 1: items[0].metadata.name: is missing");
    }

    #[test]
    fn older_versions_become_the_current_one() {
        let text = TASK.replace("/v1", "/v1beta1");
        assert_eq!(documents(&text).expect("a task")[0].manifest.value["apiVersion"], "tekton.dev/v1");
    }

    #[test]
    fn errors_tell_line_and_field() {
        let second = |body: &str| format!("{TASK}---\n{body}");
        assert_eq!(wrong(&second("kind: Task\n")), "line 5: apiVersion: is missing");
        assert_eq!(
            wrong(&second("apiVersion: tekton.dev/v1\nkind: Tsk\nmetadata: {name: a}\n")),
            "line 5: kind: Tsk of tekton.dev/v1 is not known; did you mean Task?"
        );
        assert!(
            wrong(&TASK.replace("/v1", "/v2")).contains("tekton.dev/v2 of Task is not known; there is tekton.dev/v1, tekton.dev/v1beta1")
        );
        assert!(wrong("apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\n").contains("kubectl apply"));
        assert!(wrong(&second("a: b\n  c: d\n")).starts_with("line 6, column "), "{}", wrong(&second("a: b\n  c: d\n")));
        assert!(wrong(&second("a: 1\na: 2\n")).starts_with("line 6, column 1: "), "{}", wrong(&second("a: 1\na: 2\n")));
        assert_eq!(wrong("- a\n"), "line 1: this is no object: a manifest has apiVersion, kind and metadata");
    }

    #[test]
    fn numbers_and_words_are_read_as_kubernetes_reads_them() {
        let text = format!("{TASK}spec: {{mode: 0644, text: \"0644\", word: yes}}\n");
        let spec = &documents(&text).expect("a task")[0].manifest.value["spec"];
        assert_eq!(*spec, serde_json::json!({"mode": 420, "text": "0644", "word": true}));
    }

    #[test]
    fn runs_come_last_and_namespaces_first() {
        let mut kinds = [&kinds::PIPELINE_RUN, &kinds::PIPELINE, &kinds::NAMESPACE, &kinds::TASK];
        kinds.sort_by_key(|kind| rank(kind));
        let names: Vec<_> = kinds.iter().map(|k| k.kind).collect();
        assert_eq!(names, ["Namespace", "Task", "Pipeline", "PipelineRun"]);
    }
}
