//! `rtkn pipelinerun …`

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::objects::run::PipelineRun;
use crate::session::Session;
use crate::verbs::list::{self, Which};

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List {Kinds}, the newest first
    #[command(visible_alias = "ls")]
    List {
        /// Only those of this Pipeline
        #[arg(value_name = "PIPELINE")]
        parent: Option<String>,
        /// Which, and how they are shown
        #[command(flatten)]
        arguments: list::Arguments,
    },
}

/// Runs one of them.
///
/// # Errors
/// As the verb does.
pub async fn run(session: &mut Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::List { parent, arguments } => arguments.list(session, Which::<PipelineRun>::of_parent(parent.as_deref())).await,
    }
}
