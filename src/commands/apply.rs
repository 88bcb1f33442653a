//! `rtkn apply`: makes the objects of manifests, or brings them in line.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::client::Cluster;
use crate::failure::{Exit, Failure};
use crate::input;
use crate::scaffold::documents::{Document, documents, rank};
use crate::session::Session;
use crate::verbs::apply::{How, Made, Outcome, Source, Write, WriteArgs, write_and_report};
use crate::verbs::{page, stay};

/// Makes the objects of manifests.
#[derive(Args, Debug)]
#[command(after_help = "\
What is made gets the label app.kubernetes.io/managed-by: rtkn where the manifest says nothing else. Tasks, Pipelines and
runs do not: Tekton hands their labels down to pods, where it has its own value for this one.")]
pub struct Arguments {
    /// A file with manifests in YAML or JSON, a folder of such files, a URL, or - for standard input; may be given several times
    #[arg(long = "filename", short, required = true, value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    filename: Vec<PathBuf>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Reads everything, then writes everything, what others refer to first.
///
/// # Errors
/// When a manifest cannot be read: nothing was made then. When the server refuses one: what was made is said.
pub async fn run(session: &mut Session, arguments: Arguments) -> Result<Exit, Failure> {
    let mut read = Vec::new();
    for path in &arguments.filename {
        for (name, text) in texts(session, path).await? {
            let found = documents(&text).map_err(|wrong| Failure::invalid(format!("{name}, {wrong}")).hint("nothing was made"))?;
            read.extend(found.into_iter().map(|document| (name.clone(), document)));
        }
    }
    if read.is_empty() {
        return Err(Failure::invalid("there is no manifest in what -f names"));
    }
    let cluster = session.cluster().await?;
    let explicit = session.wanted.namespace.clone();
    let mut writes: Vec<Write> = Vec::with_capacity(read.len());
    for (name, mut document) in read {
        place(&mut document, &cluster.namespace, explicit.as_deref())
            .map_err(|why| Failure::invalid(format!("{name}, line {}: {why}", document.line)).hint("nothing was made"))?;
        let source = Source { file: name, line: document.line, places: document.places };
        writes.push(Write { manifest: document.manifest, how: How::Apply, source: Some(source) });
    }
    writes.sort_by_key(|write| rank(write.manifest.kind));
    let made = write_and_report(session, writes, &arguments.write).await?;
    if arguments.write.dry_run {
        return Ok(Exit::Done);
    }
    stay_with_runs(session, cluster, &made).await
}

/// In a sandbox that is not started, runs that were made just now live as long as this command.
async fn stay_with_runs(session: &mut Session, cluster: Cluster, made: &[Made]) -> Result<Exit, Failure> {
    let mut exit = Ok(Exit::Done);
    for run in made.iter().filter(|one| one.outcome == Outcome::Created) {
        let field = |name: &str| run.object["metadata"][name].as_str().unwrap_or_default().to_owned();
        let mut cluster = cluster.clone();
        cluster.namespace = field("namespace");
        let one = stay::for_all(session, &cluster, [(run.asked.kind, field("name").as_str())]).await;
        exit = stay::with(exit, one);
    }
    exit
}

/// Puts an object without a namespace into the session's.
fn place(document: &mut Document, namespace: &str, explicit: Option<&str>) -> Result<(), String> {
    let manifest = &mut document.manifest;
    if !manifest.kind.namespaced {
        return Ok(());
    }
    match (manifest.namespace(), explicit) {
        ("", _) => manifest.value["metadata"]["namespace"] = namespace.into(),
        (own, Some(asked)) if own != asked => return Err(format!("metadata.namespace: is {own}, but -n says {asked}")),
        _ => {}
    }
    Ok(())
}

/// The texts of a file, of a folder's files, or of standard input, each with its name for messages.
async fn texts(session: &Session, path: &Path) -> Result<Vec<(String, String)>, Failure> {
    if path.as_os_str() == "-" {
        if session.term.stdin_is_terminal {
            return Err(Failure::usage("the manifests would be read from standard input, which is a terminal")
                .hint("give -f FILE, or pipe them in"));
        }
        let text = String::from_utf8(session.term.input().await?).map_err(|_| Failure::invalid("standard input is no UTF-8"))?;
        return Ok(vec![("standard input".into(), text)]);
    }
    if let Some(url) = path.to_str().filter(|place| page::is_url(place)) {
        return Ok(vec![(url.to_owned(), page::text(url).await?)]);
    }
    let files = if path.is_dir() { folder(path)? } else { vec![path.to_owned()] };
    let read = |file: PathBuf| match input::text(&file) {
        Ok(text) => Ok((file.display().to_string(), text)),
        Err(error) => Err(Failure::file(&file, &error)),
    };
    files.into_iter().map(read).collect()
}

fn folder(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(|e| Failure::file(path, &e))?;
    let is_manifest = |path: &PathBuf| path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json");
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).filter(|p| is_manifest(p) && p.is_file()).collect();
    if files.is_empty() {
        return Err(Failure::not_found(format!("{}: there is no file with .yaml, .yml or .json in this folder", path.display())));
    }
    files.sort();
    Ok(files)
}
