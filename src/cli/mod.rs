//! The command line: the one tree of commands and flags, from which help, completion and man pages are made, and the
//! way from it to the commands.

pub mod complete;
mod damage;
pub mod flag;
pub mod marks;
mod plugins;
mod protocol;
mod suggest;
pub mod surface;
mod words;

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands;
use crate::failure::{Exit, Failure};
use crate::kinds::{self, Kind};
use crate::kubeconfig::Wanted;
use crate::objects::trigger::{ClusterInterceptor, ClusterTriggerBinding, TriggerBinding, TriggerTemplate};
use crate::sandbox::serve::CONTEXT;
use crate::session::{Session, is_tkn, program_name};
use crate::term::Term;
use surface::Known;
use words::{Asked, Found, Reader};

/// Tekton on the command line: tkn's commands, set-up, explained failures, and a sandbox without a cluster
#[derive(Debug, Parser)]
#[command(name = "rtkn", version, subcommand_required = true)]
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
    damage::explain(&program);
    let words: Result<Vec<String>, OsString> = args.iter().skip(1).map(|word| word.clone().into_string()).collect();
    let words = match words {
        Ok(words) => words,
        Err(odd) => return fail(&program, &Failure::usage(format!("an argument is no UTF-8: {}", odd.display()))),
    };
    let tree = tree_for(&program, |kind| words.iter().any(|word| kind.is_called(word)));
    let reader = Reader { tree: &tree, as_tkn: is_tkn(&program) };
    if let Some(exit) = run_plugin(reader, &args, &words) {
        return exit;
    }
    let (found, asked) = match reader.read(&words) {
        Ok(read) => read,
        Err(failure) => return fail(&program, &failure),
    };
    let path = found.path();
    // tkn looks at the configuration before it looks at what the command is given.
    let known = reader.of_tkn(&found);
    let first_reach = known.is_some_and(Known::speaks_to_cluster);
    let command = match asked {
        Asked::Help { brief } => return help(tree, &path, brief),
        Asked::Version => return print(tree, &[&program, "--version"]),
        Asked::Group { word, wanted, sandbox } => {
            // The sandbox needs no configuration.
            let sandbox = sandbox || (complete::sandbox_by_environment() && wanted.context.is_none() && wanted.file.is_none());
            let wanted = (!sandbox && first_reach).then_some(wanted);
            return group(program, reader, &found, word, wanted).await;
        }
        Asked::Run { line, notices } => {
            for notice in notices {
                eprintln!("{notice}");
            }
            parse(tree, &path, line)
        }
    };
    let (cli, sandbox_typed) = match command {
        Ok(command) => command,
        Err(error) => return fail(&program, &refused(&error)),
    };
    start(program, cli, sandbox_typed, known).await
}

/// Lets a plugin take the place of a command that is not there, or that tkn does not have in whose place this is called.
fn run_plugin(reader: Reader<'_>, args: &[OsString], words: &[String]) -> Option<Exit> {
    let (found, _) = reader.find(words);
    let at_root = match found.path().first().map(String::as_str) {
        None => true,
        // Before tkn looks for plugins it knows no `help`.
        Some("help") => found.commands.len() == 2,
        Some(command) => reader.as_tkn && surface::of(command).is_none(),
    };
    let plugin = plugins::find(words.first().filter(|_| at_root)?)?;
    plugins::run(&plugin, &args[2..]);
    Some(Exit::NotRun)
}

/// Prints a command's help.
fn help(tree: clap::Command, path: &[String], brief: bool) -> Exit {
    let plugins = if path.is_empty() { plugins::words() } else { Vec::new() };
    let tree = match plugins.as_slice() {
        [] => tree,
        words => tree.after_help(format!("Available Plugins:\n  {}", words.join("\n  "))),
    };
    let line: Vec<&str> =
        std::iter::once("help").chain(path.iter().map(String::as_str)).chain([if brief { "-h" } else { "--help" }]).collect();
    print(tree, &line)
}

/// Lets clap print what it answers by itself: help, and the version.
fn print(tree: clap::Command, line: &[&str]) -> Exit {
    let program = tree.get_name().to_owned();
    match tree.try_get_matches_from(line) {
        Err(answer) if !answer.use_stderr() => answer.print().map_or_else(|error| fail(&program, &error.into()), |()| Exit::Done),
        Err(_) | Ok(_) => Exit::Done,
    }
}

/// A group of commands alone shows its help; with a word that it does not know it is a mistake.
async fn group(program: String, reader: Reader<'_>, found: &Found<'_>, word: Option<String>, wanted: Option<Wanted>) -> Exit {
    if let Some(wanted) = wanted {
        let mut session = Session::new(program.clone(), Term::new(true), wanted, false);
        if let Err(failure) = session.cluster().await {
            return fail(&program, &failure);
        }
    }
    match word {
        None => help(reader.tree.clone(), &found.path(), false),
        Some(word) if word == "help" && !reader.as_tkn => help(reader.tree.clone(), &found.path(), false),
        Some(word) => fail(&program, &Failure::usage(suggest::unknown(found, &word, reader.as_tkn))),
    }
}

/// Says what went wrong where there is no session yet.
fn fail(program: &str, failure: &Failure) -> Exit {
    eprint!("{}", if is_tkn(program) { failure.text_as_tkn() } else { failure.text() });
    failure.exit()
}

/// Parses a line that was read already. Values were split at commas then, by rules that clap does not have.
fn parse(tree: clap::Command, path: &[String], line: Vec<String>) -> Result<(Cli, bool), clap::Error> {
    let matches = undelimited(tree, path).try_get_matches_from(line)?;
    let sandbox_typed = matches.value_source("sandbox") == Some(ValueSource::CommandLine);
    Ok((Cli::from_arg_matches(&matches)?, sandbox_typed))
}

fn undelimited(command: clap::Command, path: &[String]) -> clap::Command {
    match path {
        [] => command.mut_args(|arg| arg.value_delimiter(None)),
        [name, rest @ ..] => command.mut_subcommand(name, |sub| undelimited(sub, rest)),
    }
}

/// What clap refuses: flags that contradict each other, flags that are missing, values that the tree does not take.
fn refused(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut parts = text.trim_start_matches("error: ").split("\n\n");
    let message = parts.next().unwrap_or_default().trim_end().to_owned();
    // clap shows what was given; where the environment gives it, nobody typed it and nobody has to.
    let usage = parts.find_map(|part| part.trim().strip_prefix("Usage: ")).map(|usage| usage.replace(" --sandbox", ""));
    usage.into_iter().fold(Failure::usage(message), |failure, usage| failure.hint(format!("usage: {usage}")))
}

/// Carries a command out; `known` is tkn's where the program stands in its place.
async fn start(program: String, mut cli: Cli, sandbox_typed: bool, known: Option<&'static Known>) -> Exit {
    if let Err(failure) = settle(&mut cli.global, sandbox_typed) {
        return fail(&program, &failure);
    }
    let term = Term::new(cli.global.no_color);
    let wanted = Wanted { file: cli.global.kubeconfig, context: cli.global.context, namespace: cli.global.namespace };
    let stderr_is_terminal = term.stderr_is_terminal;
    let mut session = Session::new(program, term, wanted, cli.global.sandbox);
    let broken = session.sandbox_failure();
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
        done = work(&mut session, cli.command, known.is_some_and(Known::speaks_to_cluster)) => done,
        failure = broken => Err(failure),
    };
    let ended = session.end().await;
    let done = done.and_then(|exit| ended.map(|()| exit));
    let done = done.and_then(|exit| session.term.flush().map(|()| exit).map_err(Failure::from));
    match done {
        Ok(exit) => exit,
        Err(failure) => {
            // What scripts compare with tkn's words is what tkn has, too.
            let text = if known.is_some() { failure.text_as_tkn() } else { failure.text() };
            if !text.is_empty() {
                session.term.say(text.strip_suffix('\n').unwrap_or(&text));
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
    tree_for(program, |_| true)
}

/// The tree with finished texts in the groups of some kinds; the others need none, when the line does not name them.
fn tree_for(program: &str, is_meant: impl Fn(&Kind) -> bool) -> clap::Command {
    let first_word = program.split(' ').next_back().unwrap_or(program).to_owned();
    let help = clap::Command::new("help").about("Print the help of a command").arg(clap::arg!([COMMAND] ... "The command's words"));
    let tree = without_help_words(Cli::command()).name(first_word).bin_name(program.to_owned()).subcommand(help);
    let tree = kinds::ALL.iter().fold(tree, |tree, kind| {
        if tree.find_subcommand(kind.noun).is_none() {
            return tree;
        }
        tree.mut_subcommand(kind.noun, |group| {
            let group = group.visible_aliases(kind.aliases);
            if is_meant(kind) { speak(group, kind) } else { group }
        })
    });
    if is_tkn(program) { surface::without_own_letters(surface::with_idle_flags(tree)) } else { tree }
}

/// The tree without the subcommand `help` that clap would give every group; there is one at the root.
fn without_help_words(command: clap::Command) -> clap::Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help_words)
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

async fn work(session: &mut Session, command: Command, first_reach: bool) -> Result<Exit, Failure> {
    if first_reach {
        session.cluster().await?;
    }
    dispatch(session, command).await
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

/// Answers a shell that asks for completions, as clap's scripts ask (`COMPLETE=bash rtkn -- …`) or as cobra's do
/// (`tkn __complete …`); none when nobody asks.
pub fn complete_if_asked() -> Option<Exit> {
    clap_complete::CompleteEnv::with_factory(|| tree("rtkn")).complete();
    let args: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let described = protocol::asked(args.get(1).map(String::as_str))?;
    let program = program_name(args.first().map(OsStr::new));
    if args.len() < 3 {
        return Some(fail(&program, &Failure::usage("requires at least 1 arg(s), only received 0")));
    }
    let tree = tree(&program);
    let (words, said) = protocol::answer(Reader { tree: &tree, as_tkn: is_tkn(&program) }, &args[2..], described);
    // A shell that has gone away needs no answer.
    let _ = std::io::stdout().write_all(words.as_bytes());
    let _ = std::io::stderr().write_all(said.as_bytes());
    Some(Exit::Done)
}
