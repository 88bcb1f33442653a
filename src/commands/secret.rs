//! `rtkn secret …`

mod basic;
mod docker;
mod ssh;

use std::sync::Arc;

use clap::{Args, Subcommand};

use crate::client::Select;
use crate::failure::{Exit, Failure, Kind};
use crate::objects::core::{Secret, ServiceAccount};
use crate::scaffold::Manifest;
use crate::scaffold::account::lists;
use crate::scaffold::secret::{losses, replacement};
use crate::session::Session;
use crate::verbs::apply::{How, Write, WriteArgs, show_values};
use crate::verbs::list::{self, Which};
use crate::verbs::{delete, describe};
use crate::views::is_for_tekton;

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a Secret for git or a registry
    #[command(subcommand)]
    Create(Create),
    /// List the Secrets that Tekton knows what to do with
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    /// Describe a Secret: type, hosts, fingerprints, who uses it
    #[command(visible_alias = "desc")]
    Describe(describe::Arguments),
    /// Delete Secrets
    #[command(visible_alias = "rm")]
    Delete(delete::Arguments),
}

/// The Secrets that Tekton knows what to do with.
#[derive(Debug, Subcommand)]
pub enum Create {
    /// For git over ssh: a key, and the hosts it is for
    Ssh(ssh::Arguments),
    /// For git over https: user and password, asked for or from standard input
    Basic(basic::Arguments),
    /// For registries: the credentials of a docker configuration
    Docker(docker::Arguments),
}

/// Flags of all of them.
#[derive(Args, Clone, Debug, Default)]
struct CreateArgs {
    /// With --dry-run and -o: print the values too, for another program to read
    #[arg(long, requires = "dry_run", requires = "output")]
    show_values: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// Runs one of them.
///
/// # Errors
/// As the verb does.
pub async fn run(session: &mut Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::List(arguments) => {
            let which = Which { keep: Arc::new(is_for_tekton), ..Which::default() };
            arguments.list::<Secret>(session, which).await
        }
        Verb::Describe(arguments) => arguments.describe::<Secret>(session).await,
        Verb::Delete(arguments) => {
            warn_of_users(session, &arguments).await?;
            delete::delete::<Secret>(session, &arguments).await
        }
        Verb::Create(Create::Ssh(arguments)) => ssh::run(session, arguments).await,
        Verb::Create(Create::Basic(arguments)) => basic::run(session, arguments).await,
        Verb::Create(Create::Docker(arguments)) => docker::run(session, arguments).await,
    }
}

/// Says before Secrets are deleted which ServiceAccounts list them: their runs would go without.
async fn warn_of_users(session: &mut Session, arguments: &delete::Arguments) -> Result<(), Failure> {
    let cluster = session.cluster().await?;
    // Who may not look at ServiceAccounts learns nothing, and may delete all the same.
    let accounts = cluster.list::<ServiceAccount>(Some(&cluster.namespace), &Select::default()).await.unwrap_or_default();
    let accounts: Vec<ServiceAccount> = accounts.into_iter().filter_map(|seen| seen.lens.ok()).collect();
    for secret in arguments.names() {
        for account in accounts.iter().filter(|account| lists(account, secret)) {
            let account = &account.metadata.name;
            let remove = session.command(&format!("sa remove-secret {account} {secret}"));
            session.term.say(format!("Note: ServiceAccount {account} lists Secret {secret}; to take it off: {remove}"));
        }
    }
    Ok(())
}

/// Writes the Secret, prints what the flags ask for and says what to do with it.
async fn make(session: &mut Session, manifest: Manifest, existing: Option<&Secret>, args: &CreateArgs) -> Result<Exit, Failure> {
    let how = how(session, existing, &manifest, args)?;
    let name = manifest.name().to_owned();
    write(session, manifest, how, args, true).await?;
    if !args.write.dry_run {
        say_next(session, &name);
    }
    Ok(Exit::Done)
}

/// How a Secret gets to the server: nothing is lost without `--replace`.
fn how(session: &Session, existing: Option<&Secret>, wanted: &Manifest, args: &CreateArgs) -> Result<How, Failure> {
    let Some(existing) = existing else { return Ok(How::Apply) };
    let losses = losses(existing, wanted);
    match (losses.is_empty(), args.write.replace) {
        (true, _) => Ok(How::Force),
        (false, true) if wanted.value["type"].as_str() == existing.kind.as_deref() => Ok(How::Patch(replacement(existing, wanted))),
        // The type of a Secret is immutable.
        (false, true) => Ok(How::Anew),
        (false, false) => {
            let name = wanted.name();
            Err(Failure::new(Kind::Conflict, format!("Secret {name} is there with other content: {}", losses.join("; "))).hint(format!(
                "choose another name, or add --replace: what is in it now is lost then (see {})",
                session.command(&format!("secret describe {name}"))
            )))
        }
    }
}

/// Writes the Secret and prints what the flags ask for. `report` is false where standard output belongs to something
/// else; what became of it is then said on standard error.
async fn write(session: &mut Session, manifest: Manifest, how: How, args: &CreateArgs, report: bool) -> Result<(), Failure> {
    let wanted = manifest.clone();
    let made = crate::verbs::apply::write(session, vec![Write { manifest, how, source: None }], &args.write).await?;
    match (args.write.output, report) {
        (Some(format), _) if args.show_values => show_values(session, &wanted, format)?,
        (Some(_), _) | (None, true) => crate::verbs::apply::report(session, &made, &args.write)?,
        (None, false) => made.iter().for_each(|one| session.term.say(one.line(args.write.dry_run))),
    }
    Ok(())
}

/// What to do with a Secret that was just made.
fn say_next(session: &mut Session, name: &str) {
    let create = session.command(&format!("sa create ACCOUNT --secret {name}"));
    session.term.say(format!("Runs get it through their ServiceAccount: {create}"));
}
