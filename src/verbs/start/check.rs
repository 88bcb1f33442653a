//! Flags that contradict each other, each pair named by the message. What tkn refuses is refused in its words and order;
//! called by its own name the program also refuses what tkn lets pass and nobody can have meant.

use super::told::Shape;
use super::{Common, Own, Startable, again};
use crate::failure::Failure;
use crate::session::Session;

/// What is refused of a Pipeline's flags before the server is asked for anything.
///
/// # Errors
/// As tkn words them.
pub(super) fn of_pipeline<T: Startable>(session: &Session, args: &Common, own: &Own) -> Result<(), Failure> {
    let words = T::WORDS;
    if args.last && own.again.is_some() {
        return refuse(words.two_runs);
    }
    if args.filename.is_some() && args.last {
        return refuse(words.last_of_file);
    }
    defaults_of_again::<T>(args, own)?;
    if let Some(wanted) = &own.resolvertype {
        if !again::RESOLVERS.contains(&wanted.as_str()) {
            return refuse(&format!("invalid resolvertype '{wanted}'. Valid values are: {}", again::RESOLVERS.join(", ")));
        }
        if wanted != "remote" && !args.last && args.name.is_none() && args.filename.is_none() {
            return refuse("pipeline name is required when using --resolvertype flag");
        }
    }
    shape(args)?;
    contradictions::<T>(session, args, own)?;
    let needs_none = own.resolvertype.is_some() || args.resolver.is_some();
    if args.name.is_none() && args.filename.is_none() && !needs_none { refuse(words.no_name) } else { Ok(()) }
}

/// The same of a Task's flags.
///
/// # Errors
/// As tkn words them.
pub(super) fn of_task<T: Startable>(session: &Session, args: &Common, own: &Own) -> Result<(), Failure> {
    let (words, image) = (T::WORDS, own.image.as_ref());
    defaults_of_again::<T>(args, own)?;
    shape(args)?;
    if args.then.shape()? == Shape::Name && session.stands_in_for_tkn() {
        let typed = args.then.output.as_deref().unwrap_or_default();
        return refuse(&format!("output format specified is {typed} but must be yaml or json"));
    }
    contradictions::<T>(session, args, own)?;
    if args.name.is_some() && image.is_none() {
        return Ok(());
    }
    if args.name.is_none() && image.is_some() {
        return refuse("task name required with --image option");
    }
    if args.filename.is_some() && image.is_some() {
        return refuse("cannot use --filename option with --image option");
    }
    if args.filename.is_none() && args.name.is_none() && args.resolver.is_none() {
        return refuse(words.no_name);
    }
    if args.last {
        return refuse(words.last_of_file);
    }
    Ok(())
}

/// What tkn refuses of a Task's flags only after it has looked for the Task.
///
/// # Errors
/// As tkn words them.
pub(super) fn after_source<T: Startable>(args: &Common, own: &Own) -> Result<(), Failure> {
    if args.last && own.again.is_some() { refuse(T::WORDS.two_runs) } else { Ok(()) }
}

fn defaults_of_again<T: Startable>(args: &Common, own: &Own) -> Result<(), Failure> {
    if args.use_param_defaults && (args.last || own.again.is_some()) {
        let again = T::WORDS.again;
        return refuse(&format!("cannot use --last or {again} options with --use-param-defaults option"));
    }
    Ok(())
}

fn shape(args: &Common) -> Result<(), Failure> {
    if args.then.shape()? != Shape::Words && args.then.showlog {
        return refuse("cannot use --output option with --showlog option");
    }
    Ok(())
}

/// Pairs that tkn lets pass, or does not have.
fn contradictions<T: Startable>(session: &Session, args: &Common, own: &Own) -> Result<(), Failure> {
    let again = T::WORDS.again;
    let resolver = args.resolver.is_some();
    if !args.resolver_param.is_empty() && !resolver {
        return refuse("--resolver-param goes with --resolver, which says whom it is for");
    }
    let own_pairs = [
        (resolver && args.filename.is_some(), "--resolver", "--filename"),
        (resolver && args.last, "--resolver", "--last"),
        (resolver && own.again.is_some(), "--resolver", again),
        (resolver && own.image.is_some(), "--resolver", "--image"),
        (resolver && own.resolvertype.is_some(), "--resolver", "--resolvertype"),
    ];
    let of_tkn = [
        (args.filename.is_some() && args.name.is_some(), "NAME", "--filename"),
        (args.filename.is_some() && own.again.is_some(), "--filename", again),
        (own.image.is_some() && own.again.is_some(), "--image", again),
        (args.filename.is_some() && own.resolvertype.is_some(), "--filename", "--resolvertype"),
        (own.again.is_some() && own.resolvertype.is_some(), again, "--resolvertype"),
    ];
    let of_tkn = of_tkn.into_iter().filter(|_| !session.stands_in_for_tkn());
    if let Some((_, one, other)) = own_pairs.into_iter().chain(of_tkn).find(|(both, ..)| *both) {
        return refuse(&format!("cannot use {one} with {other}: each says what is to be started"));
    }
    args.then.check(session.stands_in_for_tkn(), own.exit_with_error)
}

fn refuse(text: &str) -> Result<(), Failure> {
    Err(Failure::usage(text))
}
