//! `rtkn pipelinerun …`

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::objects::run::PipelineRun;
use crate::session::Session;
use crate::verbs::delete::{Of, RunArguments, delete_runs};
use crate::verbs::list::{self, Which};
use crate::verbs::{cancel, describe, export, logs, start, wait, watch};

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List {Kinds}, the newest first
    #[command(visible_alias = "ls")]
    List {
        /// Only those of this Pipeline
        #[arg(value_name = "PIPELINE", add = crate::cli::complete::names(&crate::kinds::PIPELINE))]
        parent: Option<String>,
        /// Which, and how they are shown
        #[command(flatten)]
        arguments: list::Arguments,
        /// Which, by how they stand
        #[command(flatten)]
        status: list::StatusFilter,
    },
    /// Describe a {Kind}
    #[command(visible_alias = "desc")]
    Describe(describe::RunArguments),
    /// Cancel a {Kind}
    Cancel {
        /// Name of the {Kind}
        name: String,
        /// Let finally tasks run (CancelledRunFinally), or running tasks end as well (StoppedRunFinally)
        #[arg(long, value_name = "HOW")]
        grace: Option<String>,
    },
    /// Start a {Kind} again, with flags laid over it
    Rerun(Box<start::Rerun>),
    /// Delete {Kinds}
    #[command(visible_alias = "rm")]
    Delete {
        /// Only those of this Pipeline
        #[arg(long, short = 'p', value_name = "PIPELINE")]
        pipeline: Option<String>,
        /// Which
        #[command(flatten)]
        arguments: RunArguments,
    },
    /// Show the logs of a {Kind}
    Logs(logs::OfPipelineRun),
    /// Watch a {Kind} as it goes on: tasks, steps and last lines
    Watch(watch::Arguments),
    /// Wait until {Kinds} have ended, without reading logs or pods
    Wait(wait::Arguments),
    /// Print a {Kind} as a manifest that can be made again
    Export(export::Arguments),
}

/// Runs one of them.
///
/// # Errors
/// As the verb does.
pub async fn run(session: &mut Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::List { parent, arguments, status } => {
            arguments.list(session, status.of(Which::<PipelineRun>::of_parent(parent.as_deref()))).await
        }
        Verb::Describe(arguments) => arguments.describe::<PipelineRun>(session).await,
        Verb::Cancel { name, grace } => cancel::cancel::<PipelineRun>(session, &name, grace.as_deref()).await,
        Verb::Rerun(arguments) => arguments.rerun::<PipelineRun>(session).await,
        Verb::Delete { pipeline, arguments } => {
            let of = Of::parent(pipeline.as_deref(), false);
            delete_runs::<PipelineRun>(session, &arguments, of).await
        }
        Verb::Logs(arguments) => arguments.logs(session).await,
        Verb::Watch(arguments) => arguments.watch::<PipelineRun>(session).await,
        Verb::Wait(arguments) => arguments.wait::<PipelineRun>(session).await,
        Verb::Export(arguments) => arguments.export::<PipelineRun>(session).await,
    }
}
