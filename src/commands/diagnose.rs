//! `rtkn diagnose [pr|tr|el NAME]`: says why something hangs or fails, and what mends it.

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::json;

use crate::client::{Cluster, Error};
use crate::diagnose::{Diagnosis, Voice, explain, gather, text, troubled};
use crate::failure::{Exit, Failure};
use crate::kinds::{self, Kind};
use crate::session::Session;
use crate::verbs::{called, missing};

/// The kinds that can be diagnosed.
const KINDS: [&Kind; 3] = [&kinds::PIPELINE_RUN, &kinds::TASK_RUN, &kinds::EVENT_LISTENER];

/// How many of each kind are looked at when none is named.
const MOST: usize = 5;

/// What is to be diagnosed.
#[derive(Args, Debug)]
#[command(after_long_help = JSON_HELP)]
pub struct Arguments {
    /// pipelinerun, taskrun or eventlistener, or a short word for it (pr, tr, el); all three when not given
    #[arg(value_name = "KIND")]
    kind: Option<String>,
    /// Name of the object; what failed or hangs when not given
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The one that was made last: a PipelineRun, where no kind is given
    #[arg(long, short = 'L', conflicts_with = "name")]
    last: bool,
    /// Print the findings for a program to read
    #[arg(long, short, value_enum, value_name = "FORMAT")]
    output: Option<Output>,
}

const JSON_HELP: &str = "\
The JSON has a list `diagnoses`. Each has `kind`, `namespace`, `name`, `standing` (failed, cancelled, hangs, running, \
succeeded, ready, notready), `since` (a time or null), `findings`, and `unseen` (what could not be looked at, as sentences). \
A finding has `rule` (a stable id), `weight` (cause, symptom, follow or note), `object`, `summary`, `evidence` (a list of \
`source` and `text`), `mend` (a list of `kind`, which is text, command or yaml, and `text`) and `knownFrom`. \
Fields may be added, never taken away.

The exit status is 0 when it could look, whether or not something was wrong.";

/// Formats of the output.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    /// JSON; its fields are described under --help
    Json,
}

/// Gathers, explains and prints.
///
/// # Errors
/// When the object does not exist, or the server refuses it or does not answer.
pub async fn run(session: &mut Session, arguments: Arguments) -> Result<Exit, Failure> {
    let kind = arguments.kind.as_deref().map(kind_of).transpose()?;
    if arguments.last && kind.is_some_and(|(kind, _)| kind == &kinds::EVENT_LISTENER) {
        return Err(Failure::usage("--last is for runs; give the EventListener's name"));
    }
    let cluster = session.cluster().await?;
    let namespace = cluster.namespace.clone();
    let last = arguments.last.then_some("@latest");
    let kind = kind.or(last.map(|_| (&kinds::PIPELINE_RUN, None)));
    let (objects, more) = match (kind, arguments.name.as_deref().or(last)) {
        (Some((kind, None)), Some(name)) | (Some((kind, Some(name))), None) => (vec![(kind, called::name(&cluster, kind, name).await?)], 0),
        (Some((_, Some(_))), Some(_)) => return Err(Failure::usage("one name is enough: give KIND NAME, or KIND/NAME")),
        (kind, _) => troubled(&cluster, &namespace, kind.map(|(kind, _)| kind), MOST).await?,
    };
    let mut diagnoses = Vec::new();
    for (kind, name) in &objects {
        diagnoses.push(diagnose(session, &cluster, kind, name).await?);
    }
    match arguments.output {
        Some(Output::Json) => {
            let json = serde_json::to_string_pretty(&json!({ "diagnoses": diagnoses })).map_err(|e| Failure::other(e.to_string()))?;
            session.term.answer(json)?;
        }
        None => print(session, &diagnoses, &namespace, more)?,
    }
    Ok(Exit::Done)
}

async fn diagnose(session: &Session, cluster: &Cluster, kind: &'static Kind, name: &str) -> Result<Diagnosis, Failure> {
    let evidence = match gather(cluster, kind, &cluster.namespace, name).await {
        Ok(evidence) => evidence,
        Err(error) if error.is_not_found() => return Err(not_found(cluster, kind, name, error).await),
        Err(error) => return Err(error.into()),
    };
    Ok(explain(&evidence, &Voice { command: &|words| session.command(words), kubectl: &|words| session.kubectl(words) }))
}

fn print(session: &mut Session, diagnoses: &[Diagnosis], namespace: &str, more: usize) -> Result<(), Failure> {
    let colour = session.term.colour;
    for (index, diagnosis) in diagnoses.iter().enumerate() {
        if index > 0 {
            session.term.answer("")?;
        }
        session.term.answer(text(diagnosis, Timestamp::now(), colour, session.term.columns()).trim_end())?;
    }
    if diagnoses.is_empty() {
        session
            .term
            .answer(format!("Nothing is wrong in namespace {namespace}: no run failed or hangs, and every EventListener is ready."))?;
    }
    if more > 0 {
        session.term.say(format!("{more} more have failed or hang; name one to have it explained."));
    }
    Ok(())
}

/// The kind that a word means, and the name in `pr/NAME`.
fn kind_of(word: &str) -> Result<(&'static Kind, Option<&str>), Failure> {
    let (word, name) = word.split_once('/').map_or((word, None), |(word, name)| (word, Some(name).filter(|n| !n.is_empty())));
    match kinds::of_word(word).and_then(|kind| KINDS.into_iter().find(|k| *k == kind)) {
        Some(kind) => Ok((kind, name)),
        None => Err(Failure::usage(format!("{word:?} is nothing that can be diagnosed")).hint("give pr, tr or el, and then the name")),
    }
}

/// There is no such object; perhaps one of nearly that name.
async fn not_found(cluster: &Cluster, kind: &'static Kind, name: &str, error: Error) -> Failure {
    let what = format!("cannot diagnose {} {name} in namespace {}", kind.kind, cluster.namespace);
    missing::with_hints(cluster, kind, &[name], Failure::from(error).context(what)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_pairs_name_what_is_diagnosed() {
        assert_eq!(kind_of("pr").unwrap(), (&kinds::PIPELINE_RUN, None));
        assert_eq!(kind_of("eventlistener/tt-ev").unwrap(), (&kinds::EVENT_LISTENER, Some("tt-ev")));
        assert!(kind_of("secret").is_err());
        assert!(kind_of("tt-tt-pr1").is_err());
    }
}
