//! The one place that turns what was typed for a run's name into its name: as it is, or the run that `@latest`,
//! `@failed` or `@running` stands for.

use crate::client::{Cluster, Select};
use crate::failure::Failure;
use crate::kinds::Kind;
use crate::objects::called::{WORDS, Word, is_word};
use crate::objects::run::{CustomRun, PipelineRun, Run, TaskRun};

/// The name that is meant.
///
/// # Errors
/// When there is no such run or no such word, or the server refuses the list.
pub async fn name(cluster: &Cluster, kind: &'static Kind, typed: &str) -> Result<String, Failure> {
    name_among(cluster, kind, &Select::default(), typed).await
}

/// The same for several names.
///
/// # Errors
/// As [`name`].
pub async fn names(cluster: &Cluster, kind: &'static Kind, typed: &[String]) -> Result<Vec<String>, Failure> {
    let mut names = Vec::with_capacity(typed.len());
    for typed in typed {
        names.push(name(cluster, kind, typed).await?);
    }
    Ok(names)
}

/// The same among some runs only, such as those of one Pipeline.
///
/// # Errors
/// As [`name`].
pub async fn name_among(cluster: &Cluster, kind: &'static Kind, select: &Select, typed: &str) -> Result<String, Failure> {
    match kind.kind {
        _ if !is_word(typed) => Ok(typed.to_owned()),
        "PipelineRun" => newest::<PipelineRun>(cluster, select, typed).await,
        "TaskRun" => newest::<TaskRun>(cluster, select, typed).await,
        "CustomRun" => newest::<CustomRun>(cluster, select, typed).await,
        // Only runs are called by what became of them; the server will say that there is no such object.
        _ => Ok(typed.to_owned()),
    }
}

async fn newest<R: Run>(cluster: &Cluster, select: &Select, typed: &str) -> Result<String, Failure> {
    let Some(word) = Word::of(typed) else {
        let known = WORDS.iter().map(|w| w.word).collect::<Vec<_>>().join(", ");
        return Err(Failure::usage(format!("{typed:?} stands for no {}", R::KIND.kind)).hint(format!("the words for runs are {known}")));
    };
    let namespace = &cluster.namespace;
    let runs = cluster.list::<R>(Some(namespace), select).await?;
    let none = || Failure::not_found(format!("there is no {}{} in namespace {namespace}", R::KIND.kind, word.meaning));
    word.newest(runs).ok_or_else(none)
}
