//! `rtkn sa grant`: roles for a ServiceAccount.

use clap::{ArgGroup, Args};

use crate::client::Cluster;
use crate::failure::{Exit, Failure};
use crate::kinds;
use crate::near::nearest;
use crate::objects::core::ServiceAccount;
use crate::scaffold::Manifest;
use crate::scaffold::rbac::{Grant, Purpose, binds_as, runner_role};
use crate::session::Session;
use crate::verbs::apply::{Write, WriteArgs, write_and_report};
use crate::verbs::missing::referred;

/// Gives an account rights.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").args(["purpose", "role", "cluster_role"]).multiple(true).required(true))]
pub struct Arguments {
    /// Name of the ServiceAccount
    #[arg(value_name = "NAME", add = crate::cli::complete::names(&kinds::SERVICE_ACCOUNT))]
    name: String,
    /// What it shall be able to do; may be given several times
    #[arg(long = "for", value_name = "PURPOSE", value_enum)]
    purpose: Vec<Purpose>,
    /// A Role of this namespace; may be given several times
    #[arg(long, value_name = "ROLE", add = crate::cli::complete::names(&kinds::ROLE))]
    role: Vec<String>,
    /// A ClusterRole, bound in this namespace only unless --cluster-wide; may be given several times
    #[arg(long, value_name = "ROLE", add = crate::cli::complete::names(&kinds::CLUSTER_ROLE))]
    cluster_role: Vec<String>,
    /// Bind the ClusterRoles in the whole cluster
    #[arg(long, requires = "cluster_role")]
    cluster_wide: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// Makes the bindings.
///
/// # Errors
/// When the account or a role is not there, or the server refuses to let the user give it away.
pub async fn run(session: &mut Session, args: Arguments) -> Result<Exit, Failure> {
    let cluster = session.cluster().await?;
    referred::<ServiceAccount>(&cluster, &args.name, session.command(&format!("sa create {}", args.name))).await?;
    let grants = grants(&args);
    let makes_role = args.purpose.contains(&Purpose::PipelineRun);
    for grant in grants.iter().filter(|g| !(makes_role && **g == Grant::of(Purpose::PipelineRun)[0])) {
        role_is_there(session, &cluster, grant).await?;
    }
    let role = makes_role.then(|| runner_role(&cluster.namespace));
    let mut bindings: Vec<Manifest> = Vec::with_capacity(grants.len());
    for grant in &grants {
        bindings.push(binding(&cluster, grant, &args.name, &bindings).await?);
    }
    let writes: Vec<Write> = role.into_iter().chain(bindings).map(Write::from).collect();
    write_and_report(session, writes, &args.write).await?;
    Ok(Exit::Done)
}

fn grants(args: &Arguments) -> Vec<Grant> {
    let purposes = args.purpose.iter().flat_map(|purpose| Grant::of(*purpose));
    let roles = args.role.iter().map(|name| Grant { role: &kinds::ROLE, name: name.clone(), cluster: false });
    let cluster_roles =
        args.cluster_role.iter().map(|name| Grant { role: &kinds::CLUSTER_ROLE, name: name.clone(), cluster: args.cluster_wide });
    let mut grants: Vec<Grant> = Vec::new();
    for grant in purposes.chain(roles).chain(cluster_roles) {
        if !grants.contains(&grant) {
            grants.push(grant);
        }
    }
    grants
}

/// The binding of a grant, under a name that no other grant has: one that is there for another account or role stays as it is.
async fn binding(cluster: &Cluster, grant: &Grant, account: &str, beside: &[Manifest]) -> Result<Manifest, Failure> {
    let binding = grant.binding(&cluster.namespace, account);
    let is_taken = beside.iter().any(|other| other.label() == binding.label())
        || match cluster.get_raw(binding.kind, binding.namespace(), binding.name()).await {
            Ok(there) => serde_json::from_str(there.get()).is_ok_and(|there| !binds_as(&there, &binding.value)),
            Err(error) if error.is_not_found() || error.is_forbidden() => false,
            Err(error) => return Err(error.into()),
        };
    Ok(if is_taken { grant.binding_apart(&cluster.namespace, account) } else { binding })
}

async fn role_is_there(session: &mut Session, cluster: &Cluster, grant: &Grant) -> Result<(), Failure> {
    let namespace = if grant.role.namespaced { cluster.namespace.as_str() } else { "" };
    let error = match cluster.get_raw(grant.role, namespace, &grant.name).await {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    if error.is_forbidden() {
        session.term.say(format!("Warning: you may not look whether there is a {} {}", grant.role.kind, grant.name));
        return Ok(());
    }
    if !error.is_not_found() {
        return Err(error.into());
    }
    let place = if grant.role.namespaced { format!(" in namespace {namespace}") } else { String::new() };
    let failure =
        Failure::not_found(format!("there is no {} {}{place}, and a binding to it would grant nothing", grant.role.kind, grant.name));
    // Whoever may not list roles is offered none.
    let known = cluster.names(grant.role, Some(namespace)).await.unwrap_or_default();
    Err(match nearest(&grant.name, known.iter().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean {near}?")),
        None if grant.name.starts_with("tekton-triggers-") => {
            failure.hint("Tekton Triggers brings this role: is it installed in the cluster?")
        }
        None => failure,
    })
}
