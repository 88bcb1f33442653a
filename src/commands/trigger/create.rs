//! `rtkn trigger create`: the chain from an event to a PipelineRun.

use clap::Args;
use serde_json::Value;

use crate::client::Cluster;
use crate::failure::{Exit, Failure};
use crate::kinds;
use crate::objects::core::ServiceAccount;
use crate::objects::name::{is_prefix, is_subdomain};
use crate::objects::pipeline::Pipeline;
use crate::objects::trigger::{EventListener, TriggerBinding};
use crate::scaffold::Manifest;
use crate::scaffold::rbac::Purpose;
use crate::scaffold::trigger::{Chain, listener, names, unclosed, with_trigger, workspace};
use crate::session::Session;
use crate::verbs::apply::{How, Step, Write, WriteArgs, write_and_report};
use crate::verbs::missing::{existing, referred};
use crate::verbs::rights::lacking;

/// What names of objects are made of.
const LETTERS: &str = "a name has small letters, digits, - and . only";

/// Makes TriggerBinding, TriggerTemplate and Trigger, so that an event starts a Pipeline.
#[derive(Args, Debug)]
#[command(after_help = "\
A Trigger NAME-tr (or NAME-trigger) has the binding NAME-tb and the template NAME-tt; any other name has both appended.

Values that hold $(body.…), $(header.…), $(extensions.…) or $(context.…) go through the binding, under the last word of
the expression; other values stand in the PipelineRun as they are. Where none is of that kind, there is no binding.")]
pub struct Arguments {
    /// Name of the Trigger
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,
    /// The Pipeline that an event starts
    #[arg(long, value_name = "PIPELINE", value_parser = name, add = crate::cli::complete::names(&kinds::PIPELINE))]
    pipeline: String,
    /// A param of the Pipeline, such as repo-url='$(body.url)'; items of arrays are parted by commas
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = param)]
    param: Vec<(String, String)>,
    /// A workspace of the Pipeline: emptyDir, emptyDir:Memory, pvc:CLAIM, secret:NAME, config:NAME, or
    /// claim:SIZE[,class=CLASS][,mode=MODE] for a new claim with each run; [,subPath=PATH] with any
    #[arg(long, short, value_name = "NAME=SOURCE", value_parser = workspace)]
    workspace: Vec<Value>,
    /// ServiceAccount of the PipelineRuns; the namespace's default when not given
    #[arg(long, short, value_name = "ACCOUNT", alias = "serviceaccount", value_parser = name, add = crate::cli::complete::names(&kinds::SERVICE_ACCOUNT))]
    service_account: Option<String>,
    /// EventListener that serves the Trigger; made when it is not there, extended when it is
    #[arg(long, value_name = "NAME", value_parser = name, add = crate::cli::complete::names(&kinds::EVENT_LISTENER))]
    eventlistener: Option<String>,
    /// ServiceAccount of a new EventListener [default: that of --service-account]
    #[arg(long, value_name = "ACCOUNT", requires = "eventlistener", value_parser = name, add = crate::cli::complete::names(&kinds::SERVICE_ACCOUNT))]
    eventlistener_service_account: Option<String>,
    /// Name of the TriggerBinding
    #[arg(long, value_name = "NAME", value_parser = name)]
    binding_name: Option<String>,
    /// Name of the TriggerTemplate
    #[arg(long, value_name = "NAME", value_parser = name)]
    template_name: Option<String>,
    /// Prefix of the PipelineRuns' names [default: that of the template, and -pr]
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    generate_name: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

fn name(text: &str) -> Result<String, String> {
    let problem = || format!("{LETTERS}, and a letter or digit at both ends");
    is_subdomain(text).then(|| text.to_owned()).ok_or_else(problem)
}

fn prefix(text: &str) -> Result<String, String> {
    let problem = || format!("{LETTERS}, and a letter or digit first");
    is_prefix(text).then(|| text.to_owned()).ok_or_else(problem)
}

fn param(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("give NAME=VALUE")?;
    if let Some(open) = unclosed(value) {
        return Err(format!("{open} has no closing parenthesis"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Makes the chain.
///
/// # Errors
/// When the Pipeline or an account is not there, when the Pipeline does not take these params and workspaces, and when the
/// server refuses.
pub async fn run(session: &mut Session, args: Arguments) -> Result<Exit, Failure> {
    let cluster = session.cluster().await?;
    let pipeline = existing::<Pipeline>(&cluster, &args.pipeline).await?;
    let chain = chain(&args, &cluster.namespace);
    refuse(chain.problems(&pipeline.spec))?;
    for account in args.service_account.iter().chain(&args.eventlistener_service_account) {
        referred::<ServiceAccount>(&cluster, account, session.command(&format!("sa create {account}"))).await?;
    }
    let manifests = chain.manifests(Some(&pipeline.spec));
    if args.binding_name.is_some() && !manifests.iter().any(|manifest| manifest.kind == &kinds::TRIGGER_BINDING) {
        return Err(Failure::usage("--binding-name names nothing: no param comes from the event, so there is no TriggerBinding")
            .hint("--param NAME='$(body.FIELD)' takes a value from the event"));
    }
    let mut writes: Vec<Write> = manifests.into_iter().map(Write::from).collect();
    let mut listener_account = None;
    if let Some(name) = &args.eventlistener {
        let (write, account) = serve(&cluster, name, &args).await?;
        writes.push(write);
        listener_account = Some(account);
    }
    let unused = unused_binding(&cluster, &chain, &writes).await;
    write_and_report(session, writes, &args.write).await?;
    if let Some(name) = unused {
        let delete = session.command(&format!("triggerbinding delete {name}"));
        session.term.say(format!("TriggerBinding {name} is used by this Trigger no longer; to remove it: {delete}"));
    }
    match listener_account {
        Some(account) => check_rights(session, &cluster, &account).await?,
        None => session.term.say("No EventListener was named: an event reaches this Trigger once one refers to it (--eventlistener NAME)"),
    }
    if let Some(name) = args.eventlistener.filter(|_| !args.write.dry_run) {
        let send = session.command(&format!("eventlistener send {name} -d '{{…}}'"));
        session.term.say(format!("Try it: {send}"));
    }
    Ok(Exit::Done)
}

fn chain(args: &Arguments, namespace: &str) -> Chain {
    let (binding, template) = names(&args.name);
    let template = args.template_name.clone().unwrap_or(template);
    Chain {
        namespace: namespace.to_owned(),
        trigger: args.name.clone(),
        binding: args.binding_name.clone().unwrap_or(binding),
        generate_name: args.generate_name.clone().unwrap_or_else(|| format!("{template}-pr")),
        template,
        pipeline: args.pipeline.clone(),
        params: args.param.clone(),
        workspaces: args.workspace.clone(),
        service_account: args.service_account.clone(),
    }
}

fn refuse(problems: Vec<String>) -> Result<(), Failure> {
    if problems.is_empty() {
        return Ok(());
    }
    // One below the other, after the word that begins the first line.
    Err(Failure::invalid(problems.join("\n       ")).hint("every run would fail at once, so nothing was made"))
}

/// The binding of an earlier chain of that name, where this one has none.
async fn unused_binding(cluster: &Cluster, chain: &Chain, writes: &[Write]) -> Option<String> {
    if writes.iter().any(|write| write.manifest.kind == &kinds::TRIGGER_BINDING) {
        return None;
    }
    let there = cluster.find::<TriggerBinding>(&chain.namespace, &chain.binding).await;
    // Whoever may not look has nothing to remove.
    there.ok().flatten().map(|_| chain.binding.clone())
}

/// What makes the EventListener serve the Trigger, and the account that it runs as.
async fn serve(cluster: &Cluster, name: &str, args: &Arguments) -> Result<(Write, String), Failure> {
    let (trigger, asked) = (&args.name, args.eventlistener_service_account.as_deref());
    let account = asked.or(args.service_account.as_deref());
    let manifest = listener(&cluster.namespace, name, trigger, account);
    let there = cluster.find::<EventListener>(&cluster.namespace, name).await?;
    let runs_as = match &there {
        Some(there) => there.lens.as_ref().ok().and_then(|l| l.spec.service_account_name.as_deref()),
        None => account,
    };
    let runs_as = runs_as.filter(|account| !account.is_empty()).unwrap_or("default");
    if let Some(asked) = asked.filter(|asked| *asked != runs_as) {
        return Err(Failure::invalid(format!("EventListener {name} is there and runs as ServiceAccount {runs_as}, not as {asked}"))
            .hint("leave out --eventlistener-service-account to add the Trigger to it, or name a new listener"));
    }
    Ok((serving(manifest, trigger), runs_as.to_owned()))
}

/// Makes the listener, or adds the Trigger to it.
fn serving(manifest: Manifest, trigger: &str) -> Write {
    let (wanted, trigger) = (manifest.value.clone(), trigger.to_owned());
    let decide = move |there: Option<&Value>| match there {
        None => Step::Apply(wanted.clone()),
        Some(there) => with_trigger(there, &trigger).map_or(Step::Leave, Step::Patch),
    };
    Write { manifest, how: How::Over(Box::new(decide)), source: None }
}

/// Warns of an account that cannot run a listener, with the command that mends it.
async fn check_rights(session: &mut Session, cluster: &Cluster, name: &str) -> Result<(), Failure> {
    let purpose = Purpose::EventListener;
    match lacking(cluster, &cluster.namespace, name, purpose).await {
        Ok(rights) => {
            if let Some(first) = rights.first() {
                let grant = session.command(&format!("sa grant {name} --for {}", purpose.word()));
                let also = if rights.len() > 1 { format!(" and {} more", rights.len() - 1) } else { String::new() };
                session.term.say(format!(
                    "Warning: ServiceAccount {name} cannot {}: it may not {}{also}",
                    purpose.ability(),
                    first.words()
                ));
                session.term.say(format!("Hint: {grant}"));
            }
            Ok(())
        }
        Err(error) if error.is_forbidden() => {
            session.term.say(format!("Warning: you may not ask the server whether ServiceAccount {name} can {}", purpose.ability()));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
