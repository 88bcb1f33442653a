//! `rtkn sa create`, `rtkn sa add-secret` and `rtkn sa remove-secret`.

use clap::Args;
use serde_json::Value;

use crate::client::Cluster;
use crate::failure::{Exit, Failure};
use crate::objects::Seen;
use crate::objects::core::{Secret, ServiceAccount};
use crate::scaffold::account::{lists, with_secrets, without_secrets};
use crate::scaffold::secret::{self, DOCKER_CFG, DOCKER_CONFIG};
use crate::session::Session;
use crate::verbs::apply::{How, Step, Write, WriteArgs, write_and_report};
use crate::verbs::missing::{existing, found, missing, referred};

/// Makes a ServiceAccount.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Name of the ServiceAccount
    #[arg(value_name = "NAME")]
    name: String,
    /// A Secret that its runs get; may be given several times
    #[arg(long, value_name = "SECRET", add = crate::cli::complete::names(&crate::kinds::SECRET))]
    secret: Vec<String>,
    /// A Secret that its pods' images are pulled with; may be given several times
    #[arg(long, value_name = "SECRET", add = crate::cli::complete::names(&crate::kinds::SECRET))]
    pull_secret: Vec<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Adds Secrets to a ServiceAccount.
#[derive(Args, Debug)]
pub struct AddArguments {
    /// Name of the ServiceAccount
    #[arg(value_name = "NAME", add = crate::cli::complete::names(&crate::kinds::SERVICE_ACCOUNT))]
    name: String,
    /// The Secrets
    #[arg(required = true, value_name = "SECRET", add = crate::cli::complete::names(&crate::kinds::SECRET))]
    secrets: Vec<String>,
    /// Pull its pods' images with them as well
    #[arg(long)]
    for_pull: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// Takes Secrets off a ServiceAccount; the Secrets themselves stay.
#[derive(Args, Debug)]
pub struct RemoveArguments {
    /// Name of the ServiceAccount
    #[arg(value_name = "NAME", add = crate::cli::complete::names(&crate::kinds::SERVICE_ACCOUNT))]
    name: String,
    /// The Secrets
    #[arg(required = true, value_name = "SECRET", add = crate::cli::complete::names(&crate::kinds::SECRET))]
    secrets: Vec<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Makes the account, or adds the Secrets to the one that is there.
///
/// # Errors
/// When a Secret is not there, or the server refuses.
pub async fn create(session: &mut Session, args: Arguments) -> Result<Exit, Failure> {
    let cluster = session.cluster().await?;
    // One that cannot be read would lose what it has.
    found::<ServiceAccount>(&cluster, &args.name).await?;
    check(session, &cluster, &args.secret, true).await?;
    check(session, &cluster, &args.pull_secret, false).await?;
    let write = handing_out(&cluster, args.name, args.secret, args.pull_secret);
    write_and_report(session, vec![write], &args.write).await?;
    Ok(Exit::Done)
}

/// Adds Secrets to the account.
///
/// # Errors
/// When the account or a Secret is not there, or the server refuses.
pub async fn add(session: &mut Session, args: AddArguments) -> Result<Exit, Failure> {
    let cluster = session.cluster().await?;
    if found::<ServiceAccount>(&cluster, &args.name).await?.is_none() {
        let make = session.command(&format!("sa create {} --secret {}", args.name, args.secrets.join(" --secret ")));
        return Err(missing::<ServiceAccount>(&cluster, &args.name).await.hint(format!("to make it: {make}")));
    }
    check(session, &cluster, &args.secrets, true).await?;
    let for_pull = if args.for_pull { args.secrets.clone() } else { Vec::new() };
    let write = handing_out(&cluster, args.name, args.secrets, for_pull);
    write_and_report(session, vec![write], &args.write).await?;
    Ok(Exit::Done)
}

/// Takes Secrets off the account's lists.
///
/// # Errors
/// When the account is not there or lists one of them nowhere, and when the server refuses.
pub async fn remove(session: &mut Session, args: RemoveArguments) -> Result<Exit, Failure> {
    let cluster = session.cluster().await?;
    let account = existing::<ServiceAccount>(&cluster, &args.name).await?;
    if let Some(name) = args.secrets.iter().find(|name| !lists(&account, name)) {
        let see = session.command(&format!("sa describe {}", args.name));
        return Err(Failure::not_found(format!("ServiceAccount {} does not list Secret {name}", args.name))
            .hint(format!("to see what it lists: {see}")));
    }
    let manifest = with_secrets(&cluster.namespace, &args.name, Some(&account), &[], &[]);
    let secrets = args.secrets;
    let decide = move |there: Option<&Value>| there.map_or(Step::Leave, |there| Step::Patch(without_secrets(there, &secrets)));
    write_and_report(session, vec![Write { manifest, how: How::Over(Box::new(decide)), source: None }], &args.write).await?;
    Ok(Exit::Done)
}

/// The account with the Secrets that it has and these.
fn handing_out(cluster: &Cluster, name: String, secrets: Vec<String>, for_pull: Vec<String>) -> Write {
    let namespace = cluster.namespace.clone();
    let manifest = with_secrets(&namespace, &name, None, &secrets, &for_pull);
    let decide = move |there: Option<&Value>| {
        let account = there.and_then(|there| Seen::<ServiceAccount>::from_value(there).lens.ok());
        Step::Apply(with_secrets(&namespace, &name, account.as_ref(), &secrets, &for_pull).value)
    };
    Write { manifest, how: How::Over(Box::new(decide)), source: None }
}

/// Refuses Secrets that are not there, and warns of those that Tekton would hand to no step.
async fn check(session: &mut Session, cluster: &Cluster, names: &[String], for_steps: bool) -> Result<(), Failure> {
    for name in names {
        let make = session.command(&format!("secret create ssh {name} --host HOST --generate"));
        // Who may not read Secrets may still name one.
        let Some(seen) = referred::<Secret>(cluster, name, make).await? else { return Ok(()) };
        let registry = seen.lens.as_ref().is_ok_and(|s| matches!(s.kind.as_deref(), Some(DOCKER_CONFIG | DOCKER_CFG)));
        if for_steps && !registry && secret::hosts(&seen.meta().annotations).is_empty() {
            session.term.say(format!(
                "Warning: Secret {name} has no annotation {}0 or {}0, so Tekton hands it to no step",
                secret::GIT,
                secret::DOCKER
            ));
            let words = format!("-n {} annotate secret {name} {}0=HOST", cluster.namespace, secret::GIT);
            session.term.say(format!("Hint: {}", session.kubectl(&words)));
        }
    }
    Ok(())
}
