//! The verbs that every kind has: list, describe, delete. A group that has no others needs no module of its own.

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::objects::Object;
use crate::session::Session;
use crate::verbs::fetch::{Beside, Related};
use crate::verbs::list::{self, Which};
use crate::verbs::{delete, describe};

/// What shows objects of a namespaced kind.
#[derive(Debug, Subcommand)]
pub enum Shown {
    /// List {Kinds}
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    /// Describe a {Kind}
    #[command(visible_alias = "desc")]
    Describe(describe::Arguments),
}

/// What can be done with objects of a namespaced kind.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The verbs that show
    #[command(flatten)]
    Shown(Shown),
    /// Delete {Kinds}
    #[command(visible_alias = "rm")]
    Delete(delete::Arguments),
}

/// What can be done with objects of a cluster-scoped kind.
#[derive(Debug, Subcommand)]
pub enum ClusterVerb {
    /// List {Kinds}
    #[command(visible_alias = "ls")]
    List(list::Shown),
    /// Describe a {Kind}
    #[command(visible_alias = "desc")]
    Describe(describe::Arguments),
    /// Delete {Kinds}
    #[command(visible_alias = "rm")]
    Delete(delete::Arguments),
}

impl Shown {
    /// Shows what was asked for.
    ///
    /// # Errors
    /// As the verb does.
    pub async fn run<T: Beside + Related>(self, session: &mut Session) -> Result<Exit, Failure> {
        match self {
            Self::List(arguments) => arguments.list::<T>(session, Which::default()).await,
            Self::Describe(arguments) => arguments.describe::<T>(session).await,
        }
    }
}

/// Runs a verb on a namespaced kind.
///
/// # Errors
/// As the verb does.
pub async fn run<T: Beside + Related>(session: &mut Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Shown(verb) => verb.run::<T>(session).await,
        Verb::Delete(arguments) => delete::delete::<T>(session, &arguments).await,
    }
}

/// Runs a verb on a cluster-scoped kind.
///
/// # Errors
/// As the verb does.
pub async fn run_cluster<T: Beside + Related + Object>(session: &mut Session, verb: ClusterVerb) -> Result<Exit, Failure> {
    match verb {
        ClusterVerb::List(shown) => list::list::<T>(session, None, Which::default(), &shown).await,
        ClusterVerb::Describe(arguments) => arguments.describe::<T>(session).await,
        ClusterVerb::Delete(arguments) => delete::delete::<T>(session, &arguments).await,
    }
}
