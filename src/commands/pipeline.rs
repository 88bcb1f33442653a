//! `rtkn pipeline …`

use clap::Subcommand;

use super::definition::Shown;
use crate::failure::{Exit, Failure};
use crate::objects::pipeline::Pipeline;
use crate::objects::run::PipelineRun;
use crate::session::Session;
use crate::verbs::{delete, export, logs, start, watch};

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start a {Kind}
    Start(Box<start::OfPipeline>),
    /// The verbs that show
    #[command(flatten)]
    Shown(Shown),
    /// Delete {Kinds}
    #[command(visible_alias = "rm")]
    Delete {
        /// Their PipelineRuns as well
        #[arg(long)]
        prs: bool,
        /// Which
        #[command(flatten)]
        arguments: delete::Arguments,
    },
    /// Show the logs of a run of a {Kind}
    Logs(logs::OfPipeline),
    /// Watch the newest run of a {Kind}
    Watch(watch::OfParent),
    /// Print a {Kind} as a manifest that can be made again
    Export(export::Arguments),
}

/// Runs one of them.
///
/// # Errors
/// As the verb does.
pub async fn run(session: &mut Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Start(arguments) => arguments.start(session).await,
        Verb::Shown(verb) => verb.run::<Pipeline>(session).await,
        Verb::Delete { prs, arguments } => arguments.delete_parent::<PipelineRun>(session, prs).await,
        Verb::Logs(arguments) => arguments.logs(session).await,
        Verb::Watch(arguments) => arguments.watch::<PipelineRun>(session).await,
        Verb::Export(arguments) => arguments.export::<Pipeline>(session).await,
    }
}
