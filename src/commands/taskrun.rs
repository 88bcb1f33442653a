//! `rtkn taskrun …`

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::objects::run::TaskRun;
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
        /// Only those of this Task
        #[arg(value_name = "TASK", add = crate::cli::complete::names(&crate::kinds::TASK))]
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
    },
    /// Start a {Kind} again, with flags laid over it
    Rerun(Box<start::Rerun>),
    /// Delete {Kinds}
    #[command(visible_alias = "rm")]
    Delete {
        /// Only those of this Task
        #[arg(long, short = 't', value_name = "TASK")]
        task: Option<String>,
        /// Leave TaskRuns alone whose PipelineRun is not over
        #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true",
            default_value_t = true, value_name = "BOOL")]
        ignore_running_pipelinerun: bool,
        /// Which
        #[command(flatten)]
        arguments: RunArguments,
    },
    /// Show the logs of a {Kind}
    Logs(logs::OfTaskRun),
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
            arguments.list(session, status.of(Which::<TaskRun>::of_parent(parent.as_deref()))).await
        }
        Verb::Describe(arguments) => arguments.describe::<TaskRun>(session).await,
        Verb::Cancel { name } => cancel::cancel::<TaskRun>(session, &name, None).await,
        Verb::Rerun(arguments) => arguments.rerun::<TaskRun>(session).await,
        Verb::Delete { task, ignore_running_pipelinerun, arguments } => {
            let of = Of::parent(task.as_deref(), ignore_running_pipelinerun);
            delete_runs::<TaskRun>(session, &arguments, of).await
        }
        Verb::Logs(arguments) => arguments.logs(session).await,
        Verb::Watch(arguments) => arguments.watch::<TaskRun>(session).await,
        Verb::Wait(arguments) => arguments.wait::<TaskRun>(session).await,
        Verb::Export(arguments) => arguments.export::<TaskRun>(session).await,
    }
}
