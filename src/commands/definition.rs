//! The verbs that every kind has: list, describe, delete. A group that has no others needs no module of its own.

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::verbs::fetch::Beside;
use crate::verbs::list::{self, Which};

/// What can be done with objects of a namespaced kind.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List {Kinds}
    #[command(visible_alias = "ls")]
    List(list::Arguments),
}

/// What can be done with objects of a cluster-scoped kind.
#[derive(Debug, Subcommand)]
pub enum ClusterVerb {
    /// List {Kinds}
    #[command(visible_alias = "ls")]
    List(list::Shown),
}

/// Runs a verb on a namespaced kind.
///
/// # Errors
/// As the verb does.
pub async fn run<T: Beside>(session: &mut Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::List(arguments) => arguments.list::<T>(session, Which::default()).await,
    }
}

/// Runs a verb on a cluster-scoped kind.
///
/// # Errors
/// As the verb does.
pub async fn run_cluster<T: Beside>(session: &mut Session, verb: ClusterVerb) -> Result<Exit, Failure> {
    match verb {
        ClusterVerb::List(shown) => list::list::<T>(session, None, Which::default(), &shown).await,
    }
}
