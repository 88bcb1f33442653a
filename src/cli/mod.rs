//! The command line: the one tree of commands and flags, from which help, completion and man pages are made, and the
//! way from it to the commands.

pub mod complete;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands;
use crate::failure::{Exit, Failure};
use crate::kinds::{self, Kind};
use crate::kubeconfig::Wanted;
use crate::objects::trigger::{ClusterInterceptor, ClusterTriggerBinding, TriggerBinding, TriggerTemplate};
use crate::sandbox::serve::CONTEXT;
use crate::session::{Session, program_name};
use crate::term::Term;

/// Tekton on the command line: tkn's commands, set-up, explained failures, and a sandbox without a cluster
#[derive(Debug, Parser)]
#[command(name = "rtkn", version, disable_help_subcommand = false, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags that every command takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Which cluster")]
struct Global {
    /// Namespace to use; the context's own when not given
    #[arg(long, short, global = true, value_name = "NAMESPACE", add = complete::namespaces())]
    namespace: Option<String>,
    /// Context of the kubeconfig to use
    #[arg(long, short, global = true, value_name = "CONTEXT", add = complete::contexts())]
    context: Option<String>,
    /// Kubeconfig to use instead of $KUBECONFIG and ~/.kube/config
    #[arg(long, short, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    kubeconfig: Option<PathBuf>,
    /// Use the sandbox on this machine instead of a cluster
    #[arg(long, global = true, env = "RTKN_SANDBOX", value_parser = clap::builder::FalseyValueParser::new(), hide_env_values = true)]
    sandbox: bool,
    /// Print without colour
    #[arg(long, short = 'C', global = true, alias = "nocolour")]
    no_color: bool,
}

/// The commands, in the order of their help.
#[derive(Debug, Subcommand)]
#[command(rename_all = "lower")]
enum Command {
    /// List, describe and start Pipelines
    #[command(subcommand)]
    Pipeline(commands::pipeline::Verb),
    /// List, describe, cancel and delete PipelineRuns, and read their logs
    #[command(subcommand)]
    PipelineRun(commands::pipelinerun::Verb),
    /// List, describe and start Tasks
    #[command(subcommand)]
    Task(commands::task::Verb),
    /// List, describe, cancel and delete TaskRuns, and read their logs
    #[command(subcommand)]
    TaskRun(commands::taskrun::Verb),
    /// List, describe and delete CustomRuns
    #[command(subcommand)]
    CustomRun(commands::customrun::Verb),
    /// List and describe EventListeners, and send them events
    #[command(subcommand)]
    EventListener(commands::eventlistener::Verb),
    /// Make a chain from event to PipelineRun; list and describe Triggers
    #[command(subcommand)]
    Trigger(commands::trigger::Verb),
    /// List, describe and delete TriggerBindings
    #[command(subcommand)]
    TriggerBinding(commands::definition::Verb),
    /// List, describe and delete TriggerTemplates
    #[command(subcommand)]
    TriggerTemplate(commands::definition::Verb),
    /// List, describe and delete ClusterTriggerBindings
    #[command(subcommand)]
    ClusterTriggerBinding(commands::definition::ClusterVerb),
    /// List, describe and delete ClusterInterceptors
    #[command(subcommand)]
    ClusterInterceptor(commands::definition::ClusterVerb),
    /// Make and list the Secrets that Tekton needs; values are never shown
    #[command(subcommand)]
    Secret(commands::secret::Verb),
    /// Make ServiceAccounts, give them Secrets and rights, and see what they may do
    #[command(subcommand)]
    Sa(commands::sa::Verb),
    /// Start, stop and look at the sandbox on this machine
    #[command(subcommand)]
    Sandbox(commands::sandbox::Verb),
    /// Make the objects of manifests, or bring them in line (server-side apply)
    Apply(commands::apply::Arguments),
    /// Say why a run or an EventListener hangs or fails, and what mends it
    Diagnose(commands::diagnose::Arguments),
    /// Play the whole story in the sandbox: Secret, triggers, an event, logs, a failure explained
    Demo(commands::demo::Arguments),
    /// Print the lines that teach a shell to complete commands and names
    Completion(commands::completion::Arguments),
    /// Print the versions of this program and of Tekton
    Version(commands::version::Arguments),
}

/// Runs the program on these arguments and gives its exit status.
pub async fn run(args: Vec<OsString>) -> Exit {
    let program = program_name(args.first().map(OsString::as_os_str));
    let parsed = tree(&program).try_get_matches_from(args).and_then(|m| Ok((Cli::from_arg_matches(&m)?, m)));
    let (mut cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error),
    };
    let typed = matches.value_source("sandbox") == Some(ValueSource::CommandLine);
    if let Err(failure) = settle(&mut cli.global, typed) {
        eprint!("{}", failure.text());
        return failure.exit();
    }
    let term = Term::new(cli.global.no_color);
    let wanted = Wanted { file: cli.global.kubeconfig, context: cli.global.context, namespace: cli.global.namespace };
    let stderr_is_terminal = term.stderr_is_terminal;
    let mut session = Session::new(program, term, wanted, cli.global.sandbox);
    let done = tokio::select! {
        // In this order, so that Ctrl-C is listened for before a command asks its first question.
        biased;
        _ = tokio::signal::ctrl_c() => {
            // The terminal shows `^C` and no line's end after it; the shell's prompt would stand there.
            if stderr_is_terminal {
                eprintln!();
            }
            Err(Failure::new(crate::failure::Kind::Interrupted, ""))
        }
        done = dispatch(&mut session, cli.command) => done,
    };
    let ended = session.end().await;
    let done = done.and_then(|exit| ended.map(|()| exit));
    let done = done.and_then(|exit| session.term.flush().map(|()| exit).map_err(Failure::from));
    match done {
        Ok(exit) => exit,
        Err(failure) => {
            let text = failure.text();
            if !text.is_empty() {
                session.term.say(text.trim_end_matches('\n'));
            }
            failure.exit()
        }
    }
}

/// A cluster that is named on the command line comes before a sandbox that only the environment names; naming both is
/// refused.
fn settle(global: &mut Global, sandbox_typed: bool) -> Result<(), Failure> {
    let named = match (&global.context, &global.kubeconfig) {
        (Some(context), _) if context == CONTEXT && global.kubeconfig.is_none() => {
            global.sandbox = true;
            None
        }
        (Some(_), _) => Some("--context"),
        (None, Some(_)) => Some("--kubeconfig"),
        (None, None) => None,
    };
    match named {
        Some(flag) if sandbox_typed => Err(Failure::usage(format!("--sandbox and {flag} name different servers; give one of them"))),
        Some(_) => {
            global.sandbox = false;
            Ok(())
        }
        None => Ok(()),
    }
}

/// The whole tree, under the name the program was called by.
pub fn tree(program: &str) -> clap::Command {
    let first_word = program.split(' ').next_back().unwrap_or(program).to_owned();
    let tree = Cli::command().name(first_word).bin_name(program.to_owned());
    kinds::ALL.iter().fold(tree, |tree, kind| {
        if tree.find_subcommand(kind.noun).is_none() {
            return tree;
        }
        tree.mut_subcommand(kind.noun, |group| speak(group.visible_aliases(kind.aliases), kind))
    })
}

/// Puts the kind's words into the texts of a group of commands: `{Kind}`, `{Kinds}` and `{noun}`.
/// An argument for names of objects completes them.
fn speak(command: clap::Command, kind: &'static Kind) -> clap::Command {
    let words = |text: &clap::builder::StyledStr| {
        text.to_string().replace("{Kinds}", &format!("{}s", kind.kind)).replace("{Kind}", kind.kind).replace("{noun}", kind.noun)
    };
    let mut command = command;
    if let Some(about) = command.get_about().map(words) {
        command = command.about(about);
    }
    if let Some(about) = command.get_long_about().map(words) {
        command = command.long_about(about);
    }
    command
        .mut_args(|mut arg| {
            if matches!(arg.get_id().as_str(), "name" | "names") {
                arg = arg.add(complete::names(kind));
            }
            if let Some(help) = arg.get_help().map(words) {
                arg = arg.help(help);
            }
            match arg.get_long_help().map(words) {
                Some(help) => arg.long_help(help),
                None => arg,
            }
        })
        .mut_subcommands(|sub| speak(sub, kind))
}

async fn dispatch(session: &mut Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Pipeline(verb) => commands::pipeline::run(session, verb).await,
        Command::PipelineRun(verb) => commands::pipelinerun::run(session, verb).await,
        Command::Task(verb) => commands::task::run(session, verb).await,
        Command::TaskRun(verb) => commands::taskrun::run(session, verb).await,
        Command::CustomRun(verb) => commands::customrun::run(session, verb).await,
        Command::EventListener(verb) => commands::eventlistener::run(session, verb).await,
        Command::Trigger(verb) => commands::trigger::run(session, verb).await,
        Command::TriggerBinding(verb) => commands::definition::run::<TriggerBinding>(session, verb).await,
        Command::TriggerTemplate(verb) => commands::definition::run::<TriggerTemplate>(session, verb).await,
        Command::ClusterTriggerBinding(verb) => commands::definition::run_cluster::<ClusterTriggerBinding>(session, verb).await,
        Command::ClusterInterceptor(verb) => commands::definition::run_cluster::<ClusterInterceptor>(session, verb).await,
        Command::Secret(verb) => commands::secret::run(session, verb).await,
        Command::Sa(verb) => commands::sa::run(session, verb).await,
        Command::Sandbox(verb) => commands::sandbox::run(session, verb).await,
        Command::Apply(arguments) => commands::apply::run(session, arguments).await,
        Command::Diagnose(arguments) => commands::diagnose::run(session, arguments).await,
        Command::Demo(arguments) => commands::demo::run(session, arguments).await,
        Command::Completion(arguments) => commands::completion::run(session, arguments).await,
        Command::Version(arguments) => commands::version::run(session, arguments).await,
    }
}

/// Help and version go to standard output with status 0; a wrong usage is an error like any other, with status 1.
fn usage(error: &clap::Error) -> Exit {
    // Help that nobody reads any more is no failure.
    let _ = error.print();
    if error.use_stderr() { Exit::Failed } else { Exit::Done }
}

/// Answers a shell that asks for completions (`COMPLETE=bash rtkn -- …`) and ends; otherwise does nothing.
pub fn complete_if_asked() {
    clap_complete::CompleteEnv::with_factory(|| tree("rtkn")).complete();
}
