//! The one way in which every creating command writes: all objects are tried first, then written in order by
//! server-side apply, and what became of each is said. A second run of the same finds everything unchanged.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::client::Cluster;
use crate::failure::Failure;
use crate::kinds;
use crate::near::nearest;
use crate::render::{self, Format};
use crate::scaffold::places::Places;
use crate::scaffold::{MANAGED_BY, MANAGER, Manifest, secret};
use crate::session::Session;

/// Flags of every command that makes objects.
#[derive(Args, Clone, Debug, Default)]
pub struct WriteArgs {
    /// Have the server check everything, and make nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Overwrite what is there with other content, be it made by another tool; it is lost then
    #[arg(long)]
    pub replace: bool,
    /// Print the objects instead of what was done
    #[arg(long, short, value_name = "FORMAT")]
    pub output: Option<Format>,
}

/// An object, and how it gets there.
pub struct Write {
    /// The object
    pub manifest: Manifest,
    /// How
    pub how: How,
    /// Where it was read, for messages
    pub source: Option<Source>,
}

/// A place in a file.
pub struct Source {
    /// The file's name
    pub file: String,
    /// The line that the object begins in
    pub line: u64,
    /// Where its fields stand
    pub places: Places,
}

impl Source {
    /// `pipeline.yaml, line 3`, and the very field's place where a message is about one.
    fn of(&self, message: &str) -> String {
        match self.places.of_message(message) {
            Some((line, column)) => format!("{}, line {line}, column {column}", self.file),
            None => format!("{}, line {}", self.file, self.line),
        }
    }
}

/// How an object gets to the server.
pub enum How {
    /// Server-side apply; create where the server shall generate the name
    Apply,
    /// Server-side apply that takes over fields which others own
    Force,
    /// A JSON patch of the object that is there
    Patch(Value),
    /// Delete what is there, since its immutable fields differ, and make it anew
    Anew,
    /// What comes of the object that is there, or of none; anew when somebody else changes it meanwhile
    Over(Decide),
}

/// Decides, from the object that is there, how it becomes what is wanted.
pub type Decide = Box<dyn Fn(Option<&Value>) -> Step + Send + Sync>;

/// What to do about an object that is there, or not.
pub enum Step {
    /// Server-side apply
    Apply(Value),
    /// A JSON patch
    Patch(Value),
    /// Nothing: it is there as it should be
    Leave,
}

/// How often somebody else may be faster than one write.
const ATTEMPTS: usize = 20;

/// How long the first pause is after somebody else was; each further one is longer.
const PAUSE: Duration = Duration::from_millis(10);

impl Write {
    /// Says of a failure which object it is about, and where that, or the field, stands.
    fn failed(&self, failure: Failure) -> Failure {
        let label = self.manifest.label();
        match &self.source {
            Some(source) => {
                let place = source.of(&failure.message);
                failure.context(format!("{place}: {label}"))
            }
            None => failure.context(label),
        }
    }
}

impl From<Manifest> for Write {
    fn from(manifest: Manifest) -> Self {
        Self { manifest, how: How::Apply, source: None }
    }
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there before
    Created,
    /// It was there and is different now
    Configured,
    /// It was there as it should be
    Unchanged,
}

impl Outcome {
    /// As kubectl says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

/// An object that was written.
pub struct Made {
    /// As it was asked for
    pub asked: Manifest,
    /// What became of it
    pub outcome: Outcome,
    /// The object as the server has it now
    pub object: Value,
}

impl Made {
    /// `secret/NAME created`
    pub fn line(&self, dry_run: bool) -> String {
        let suffix = if dry_run { " (dry run)" } else { "" };
        format!("{} {}{suffix}", self.label(), self.outcome.word())
    }

    fn label(&self) -> String {
        let name = self.object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        self.asked.kind.label(if name.is_empty() { self.asked.name() } else { name })
    }
}

/// Tries all objects, writes them in order and prints what the flags ask for: a line each, or the objects.
///
/// # Errors
/// Nothing was made when the server refused one of them at the trial; otherwise the message says what was made and
/// what was not.
pub async fn write_and_report(session: &mut Session, writes: Vec<Write>, args: &WriteArgs) -> Result<Vec<Made>, Failure> {
    let made = write(session, writes, args).await?;
    report(session, &made, args)?;
    Ok(made)
}

/// Tries all objects and writes them in order; prints nothing.
///
/// # Errors
/// As [`write_and_report`].
pub async fn write(session: &mut Session, writes: Vec<Write>, args: &WriteArgs) -> Result<Vec<Made>, Failure> {
    let dry_run = args.dry_run;
    let cluster = session.cluster().await?;
    if writes.len() > 1 && !dry_run {
        trial(&cluster, &writes, args.replace).await?;
    }
    let mut made: Vec<Made> = Vec::with_capacity(writes.len());
    let mut rest = writes.into_iter();
    while let Some(next) = rest.next() {
        match one(&cluster, &next, dry_run, args.replace).await {
            Ok((outcome, object)) => made.push(Made { asked: next.manifest, outcome, object }),
            Err(failure) => {
                let failure = next.failed(failure);
                let undone: Vec<String> = std::iter::once(next.manifest.label()).chain(rest.map(|w| w.manifest.label())).collect();
                return Err(if dry_run { failure } else { half_made(failure, &made, &undone) });
            }
        }
    }
    Ok(made)
}

fn half_made(failure: Failure, made: &[Made], undone: &[String]) -> Failure {
    if made.is_empty() {
        return failure;
    }
    let lines: Vec<String> = made.iter().map(|m| m.line(false)).collect();
    failure
        .hint(format!("done before it: {}", lines.join(", ")))
        .hint(format!("not done: {}; once it is mended, the same command does the rest and leaves what is there", undone.join(", ")))
}

/// Lets the server check every object without making any; objects of a namespace that is made along the way are left
/// out, since the server would not find it yet.
async fn trial(cluster: &Cluster, writes: &[Write], replace: bool) -> Result<(), Failure> {
    let new_namespaces: Vec<&str> = writes.iter().filter(|w| w.manifest.kind.kind == "Namespace").map(|w| w.manifest.name()).collect();
    for write in writes.iter().filter(|w| !new_namespaces.contains(&w.manifest.namespace())) {
        if let Err(failure) = one(cluster, write, true, replace).await {
            return Err(write.failed(failure).hint("nothing was made"));
        }
    }
    Ok(())
}

async fn one(cluster: &Cluster, write: &Write, dry_run: bool, replace: bool) -> Result<(Outcome, Value), Failure> {
    let kind = write.manifest.kind;
    let (namespace, name) = (write.manifest.namespace(), write.manifest.name());
    if name.is_empty() {
        let object = match cluster.create(kind, namespace, &marked(&write.manifest, None), dry_run).await {
            Ok(object) => object,
            Err(error) => return Err(refused(cluster, error, namespace).await),
        };
        return Ok((Outcome::Created, object));
    }
    if let How::Over(decide) = &write.how {
        return over(cluster, &write.manifest, decide, dry_run, replace).await;
    }
    let before = existing(cluster, &write.manifest).await?;
    let value = &marked(&write.manifest, before.as_ref());
    let object = match (&write.how, &before) {
        (How::Patch(patch), Some(_)) => cluster.patch(kind, namespace, name, patch.clone(), dry_run).await?,
        (How::Anew, Some(before)) if dry_run => before.clone(),
        (How::Anew, Some(before)) => anew(cluster, &write.manifest, value, before).await?,
        (how, _) => {
            let force = replace || matches!(how, How::Force);
            match applied(cluster, &write.manifest, value, before.as_ref(), dry_run, force).await {
                Ok(object) => object,
                Err(error) => return Err(refused(cluster, error, namespace).await),
            }
        }
    };
    let outcome = match &before {
        Some(_) if matches!(write.how, How::Anew) => Outcome::Configured,
        before => outcome(before.as_ref(), &object),
    };
    Ok((outcome, object))
}

fn outcome(before: Option<&Value>, object: &Value) -> Outcome {
    match before {
        None => Outcome::Created,
        Some(before) if content(before) == content(object) => Outcome::Unchanged,
        Some(_) => Outcome::Configured,
    }
}

/// Writes what is decided from the object that is there, and only over that one: two who add to it at once must not lose what
/// the other added.
async fn over(cluster: &Cluster, manifest: &Manifest, decide: &Decide, dry_run: bool, replace: bool) -> Result<(Outcome, Value), Failure> {
    let (kind, namespace, name) = (manifest.kind, manifest.namespace(), manifest.name());
    let (mut pause, mut left) = (PAUSE, ATTEMPTS);
    loop {
        let before = existing(cluster, manifest).await?;
        let answer = match (decide(before.as_ref()), &before) {
            (Step::Leave, Some(before)) => Ok(before.clone()),
            (Step::Leave, None) => Ok(manifest.value.clone()),
            (Step::Patch(patch), _) => cluster.patch(kind, namespace, name, patch, dry_run).await,
            (Step::Apply(wanted), Some(before)) => {
                let mut value = marked(&Manifest { kind, value: wanted }, Some(before));
                value["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
                let asked = Manifest { kind, value };
                applied(cluster, &asked, &asked.value, Some(before), dry_run, replace).await
            }
            (Step::Apply(wanted), None) => new(cluster, &Manifest { kind, value: wanted }, dry_run).await,
        };
        match answer {
            Ok(object) => return Ok((outcome(before.as_ref(), &object), object)),
            Err(error) if error.is_outdated() && left > 0 => {
                tokio::time::sleep(pause).await;
                pause += PAUSE;
                left -= 1;
            }
            Err(error) => return Err(refused(cluster, error, namespace).await),
        }
    }
}

/// Makes an object that nobody may have made meanwhile. An apply would change that one; what was created is applied then, so
/// that the fields are owned as those of every other object.
async fn new(cluster: &Cluster, manifest: &Manifest, dry_run: bool) -> Result<Value, crate::client::Error> {
    let (kind, namespace, mut value) = (manifest.kind, manifest.namespace(), marked(manifest, None));
    if dry_run {
        return cluster.apply(kind, namespace, &value, true, true).await;
    }
    let made = cluster.create(kind, namespace, &value, false).await?;
    value["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"].clone();
    match cluster.apply(kind, namespace, &value, false, true).await {
        // A controller, or another command, is at work on it already; it is made all the same.
        Err(error) if error.is_outdated() => Ok(made),
        applied => applied,
    }
}

/// The object as it is sent: with the label of rtkn where rtkn makes it, and where it did. What Tekton hands down to pods goes
/// without: there its own `app.kubernetes.io/managed-by` is what network policies and the like select.
fn marked(manifest: &Manifest, before: Option<&Value>) -> Value {
    let label = |object: &Value| object.pointer("/metadata/labels").and_then(|labels| labels[MANAGED_BY].as_str().map(str::to_owned));
    let ours = before.is_none_or(|before| label(before).as_deref() == Some(MANAGER));
    let mut value = manifest.value.clone();
    if !ours || manifest.kind.hands_labels_down() || label(&value).is_some() {
        return value;
    }
    let labels = &mut value["metadata"]["labels"];
    // Labels that are no map are for the server to refuse.
    if labels.is_null() || labels.is_object() {
        labels[MANAGED_BY] = MANAGER.into();
    }
    value
}

/// Deletes an object and makes it anew. Whether the server would make it is tried before, under a name that is free; what it
/// refuses nevertheless is answered by putting the old one back.
async fn anew(cluster: &Cluster, manifest: &Manifest, value: &Value, before: &Value) -> Result<Value, Failure> {
    let (kind, namespace, name) = (manifest.kind, manifest.namespace(), manifest.name());
    let mut trial = value.clone();
    if let Some(metadata) = trial["metadata"].as_object_mut() {
        metadata.shift_remove("name");
        metadata.insert("generateName".to_owned(), format!("{name}-").into());
    }
    cluster.create(kind, namespace, &trial, true).await?;
    cluster.delete(kind, namespace, name).await?;
    let error = match cluster.apply(kind, namespace, value, false, true).await {
        Ok(object) => return Ok(object),
        Err(error) => error,
    };
    let old = without(content(before), &["uid", "creationTimestamp"]);
    let label = manifest.label();
    Err(Failure::from(error).hint(match cluster.create(kind, namespace, &old, false).await {
        Ok(_) => format!("{label} is as it was before"),
        Err(_) => format!("{label} was deleted and could not be made anew, nor put back: it is gone; the same command makes it"),
    }))
}

/// Server-side apply; what others own and is as it is asked for stays as it is.
async fn applied(
    cluster: &Cluster,
    asked: &Manifest,
    value: &Value,
    before: Option<&Value>,
    dry_run: bool,
    force: bool,
) -> Result<Value, crate::client::Error> {
    match cluster.apply(asked.kind, asked.namespace(), value, dry_run, force).await {
        Err(error)
            if error.is_conflict()
                && !error.is_outdated()
                && let Some(before) = before
                && is_as_asked(cluster, asked, before).await =>
        {
            Ok(before.clone())
        }
        answer => answer,
    }
}

/// Whether an object that another tool made says all that is asked for, once the server has filled in its defaults:
/// then there is nothing to quarrel about.
async fn is_as_asked(cluster: &Cluster, manifest: &Manifest, before: &Value) -> bool {
    let forced = cluster.apply(manifest.kind, manifest.namespace(), &manifest.value, true, true).await;
    forced.is_ok_and(|object| content(&object) == content(before))
}

async fn existing(cluster: &Cluster, manifest: &Manifest) -> Result<Option<Value>, Failure> {
    match cluster.get_raw(manifest.kind, manifest.namespace(), manifest.name()).await {
        Ok(raw) => Ok(Some(serde_json::from_str(raw.get()).map_err(|e| Failure::invalid(format!("{}: {e}", manifest.label())))?)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The server's refusal, with what to do about it where the object says nothing: a namespace that is not there, fields
/// that another tool owns.
async fn refused(cluster: &Cluster, error: crate::client::Error, namespace: &str) -> Failure {
    let (conflict, missing) = (error.is_conflict(), error.is_not_found());
    let failure = Failure::from(error);
    if conflict {
        return failure.hint("another tool made these fields; with --replace they become what this command says");
    }
    if !missing || namespace.is_empty() || !failure.message.contains("namespaces") {
        return failure;
    }
    let known = cluster.names(&kinds::NAMESPACE, None).await.unwrap_or_default();
    match nearest(namespace, known.iter().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean -n {near}?")),
        None => failure.hint(format!(
            "there is no namespace {namespace}: apply a manifest of kind Namespace with this name first, or choose another with -n"
        )),
    }
}

/// An object without what the server counts by itself; two of them are equal when nothing was changed.
fn content(object: &Value) -> Value {
    without(object.clone(), &["managedFields", "resourceVersion", "generation"])
}

/// An object without these fields of its metadata.
fn without(mut object: Value, fields: &[&str]) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| !fields.contains(&key.as_str()));
    }
    object
}

/// Prints what became of the objects, as the flags ask for it.
///
/// # Errors
/// When standard output is gone.
pub fn report(session: &mut Session, made: &[Made], args: &WriteArgs) -> Result<(), Failure> {
    let Some(format) = args.output else {
        for one in made {
            session.term.answer(one.line(args.dry_run))?;
        }
        return Ok(());
    };
    let objects: Vec<Value> = made.iter().map(|m| if args.dry_run { not_made(m) } else { shown(&m.object) }).collect();
    write!(session.term.out(), "{}", render::objects(&objects, format))?;
    Ok(())
}

/// An object for printing: a Secret without its values, nothing with the server's book of field owners.
fn shown(object: &Value) -> Value {
    without(secret::redacted(object), &["managedFields"])
}

/// What would be made, for another program to write: the identity that the server tried it under is no object's.
fn not_made(made: &Made) -> Value {
    let object = shown(&made.object);
    let of_no_object: &[&str] =
        if made.outcome == Outcome::Created { &["uid", "creationTimestamp", "resourceVersion", "generation"] } else { &[] };
    without(object, of_no_object)
}

/// Prints a manifest with everything in it, a Secret's values too: for `--dry-run --show-values`, whose output another
/// program reads.
///
/// # Errors
/// When standard output is gone.
pub fn show_values(session: &mut Session, manifest: &Manifest, format: Format) -> Result<(), Failure> {
    write!(session.term.out(), "{}", render::object(&manifest.value, format))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_the_server_does_not_count_makes_a_difference() {
        let before = json!({"metadata": {"resourceVersion": "1", "managedFields": [1], "labels": {"a": "b"}}, "spec": 1});
        let after = json!({"metadata": {"resourceVersion": "2", "labels": {"a": "b"}}, "spec": 1});
        assert_eq!(content(&before), content(&after));
        assert_ne!(content(&before), content(&json!({"metadata": {}, "spec": 1})));
    }

    #[test]
    fn what_rtkn_makes_has_its_label_and_what_others_made_does_not() {
        let map = |labels: Value| Manifest { kind: &kinds::CONFIG_MAP, value: json!({"metadata": {"name": "t", "labels": labels}}) };
        let label = |manifest: &Manifest, before: Option<&Value>| marked(manifest, before).pointer("/metadata/labels").cloned();
        let ours = json!({MANAGED_BY: MANAGER});
        let theirs = json!({"metadata": {"labels": {MANAGED_BY: "Helm"}}});
        assert_eq!(label(&map(Value::Null), None), Some(ours.clone()));
        assert_eq!(label(&map(Value::Null), Some(&json!({"metadata": {"labels": ours}}))), Some(ours));
        assert_eq!(label(&map(Value::Null), Some(&theirs)), Some(Value::Null));
        assert_eq!(label(&map(Value::Null), Some(&json!({"metadata": {}}))), Some(Value::Null), "made by kubectl");
        assert_eq!(label(&map(json!({MANAGED_BY: "me"})), None), Some(json!({MANAGED_BY: "me"})));
        assert_eq!(label(&map(json!("none")), None), Some(json!("none")));
        for kind in [&kinds::PIPELINE, &kinds::TASK, &kinds::PIPELINE_RUN, &kinds::TASK_RUN] {
            let handed_down = Manifest { kind, value: json!({"metadata": {"labels": {}}}) };
            assert_eq!(label(&handed_down, None), Some(json!({})), "{}", kind.kind);
        }
    }

    #[test]
    fn secrets_are_printed_without_values() {
        let object = json!({"kind": "Secret", "metadata": {"managedFields": []}, "data": {"a": "b"}});
        assert_eq!(shown(&object), json!({"kind": "Secret", "metadata": {}, "data": {"a": "REDACTED"}}));
    }
}
