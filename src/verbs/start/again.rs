//! Which run is started again: the newest of a definition, a named one, or the newest of a resolver.

use serde_json::Value;

use super::{Common, Own, Startable};
use crate::client::{Cluster, Select};
use crate::failure::Failure;
use crate::kinds::Kind;
use crate::objects::run::RunOf;
use crate::objects::{Object, Seen, upgrade};
use crate::session::Session;
use crate::verbs::{called, missing};

/// What `--resolvertype` may say.
pub(super) const RESOLVERS: [&str; 6] = ["hub", "git", "http", "cluster", "bundle", "remote"];

/// The run that is to be started again.
///
/// # Errors
/// When there is none, or it is of another kind of definition.
pub(super) async fn run<T: Startable>(
    session: &Session,
    cluster: &Cluster,
    name: &str,
    args: &Common,
    own: &Own,
) -> Result<Option<Value>, Failure> {
    if args.last {
        return last::<T>(cluster, name, session.stands_in_for_tkn()).await.map(Some);
    }
    let Some(typed) = &own.again else { return Ok(None) };
    let run = current(named::<T::Run>(cluster, typed).await?);
    check_kind::<T>(&run, name, session.stands_in_for_tkn())?;
    Ok(Some(run))
}

/// A run by its name, or by a word such as `@latest`.
///
/// # Errors
/// When there is none.
pub(super) async fn named<R: RunOf>(cluster: &Cluster, typed: &str) -> Result<Seen<R>, Failure> {
    let name = called::name(cluster, R::KIND, typed).await?;
    match cluster.get::<R>(&cluster.namespace, &name).await {
        Ok(seen) => Ok(seen),
        Err(error) => Err(missing::with_hints(cluster, R::KIND, &[&name], error.into()).await),
    }
}

/// The run as rtkn writes it, whatever version the server has it in.
pub(super) fn current<R: Object>(seen: Seen<R>) -> Value {
    let kind: &Kind = R::KIND;
    let mut value = seen.value();
    upgrade::to_v1(kind, &mut value);
    value
}

/// The Task of a TaskRun has to be one: there are others that only share the place of its name.
fn check_kind<T: Startable>(run: &Value, name: &str, as_tkn: bool) -> Result<(), Failure> {
    let field = format!("/spec/{}", T::LAYOUT.reference());
    let Some(reference) = run.pointer(&field).filter(|_| T::WORDS.checks_kind) else { return Ok(()) };
    let kind = reference["kind"].as_str().unwrap_or_default();
    let unsaid = kind.is_empty() && !as_tkn;
    if kind == T::KIND.kind || unsaid {
        return Ok(());
    }
    let run = run["metadata"]["name"].as_str().unwrap_or_default();
    Err(Failure::usage(format!("{run} doesn't belong to {name} of kind {}", T::KIND.kind)))
}

async fn last<T: Startable>(cluster: &Cluster, name: &str, as_tkn: bool) -> Result<Value, Failure> {
    let select = Select::labels(format!("{}={name}", T::Run::LABEL));
    let runs = cluster.list::<T::Run>(Some(&cluster.namespace), &select).await?;
    let own = runs.into_iter().filter(|seen| seen.lens.as_ref().is_ok_and(RunOf::is_of_parent)).collect();
    newest(own, as_tkn).map(current).ok_or_else(|| {
        let words = T::WORDS.no_runs.replace("{name}", name).replace("{namespace}", &cluster.namespace);
        Failure::not_found(words)
    })
}

/// The newest; of several that were made in one second the one that was written last. tkn takes the first, in the server's
/// order.
fn newest<R: Object>(runs: Vec<Seen<R>>, as_tkn: bool) -> Option<Seen<R>> {
    let written = |seen: &Seen<R>| if as_tkn { 0 } else { seen.meta().written() };
    runs.into_iter().rev().max_by_key(|seen| (seen.meta().creation_timestamp, written(seen)))
}

/// The newest run whose definition a resolver fetched: of this type, or of any with `remote`; of the named definition
/// where there is one.
///
/// # Errors
/// When there is none.
pub(super) async fn of_resolver<T: Startable>(cluster: &Cluster, name: Option<&str>, wanted: &str, as_tkn: bool) -> Result<Value, Failure> {
    if let Some(name) = name.filter(|_| wanted != "remote") {
        let run = last::<T>(cluster, name, as_tkn).await?;
        return match resolver::<T>(&run) {
            Some(_) => Ok(run),
            None => Err(Failure::usage(format!("last {} did not use a resolver", T::Run::KIND.kind))),
        };
    }
    let runs = T::Run::KIND.plural;
    let place = &cluster.namespace;
    let of = name.map(|name| format!(" for {} {name}", T::KIND.noun)).unwrap_or_default();
    let select = name.map(|name| Select::labels(format!("{}={name}", T::Run::LABEL))).unwrap_or_default();
    let all = cluster.list::<T::Run>(Some(place), &select).await?;
    if all.is_empty() {
        return Err(Failure::not_found(format!("no {runs} found{of} in namespace {place}")));
    }
    let fetched = all.into_iter().filter(|seen| resolver::<T>(&seen.value()).is_some_and(|found| is_of(&found, wanted))).collect();
    newest(fetched, as_tkn).map(current).ok_or_else(|| {
        let with = if wanted == "remote" { "resolvers".to_owned() } else { format!("resolver type '{wanted}'") };
        Failure::not_found(format!("no {runs} with {with} found{of} in namespace {place}"))
    })
}

fn resolver<T: Startable>(run: &Value) -> Option<String> {
    let reference = run.pointer(&format!("/spec/{}", T::LAYOUT.reference()))?;
    reference["resolver"].as_str().filter(|r| !r.is_empty()).map(str::to_owned)
}

/// The resolver of bundles is called `bundles`, though the flag's word is `bundle`.
fn is_of(resolver: &str, wanted: &str) -> bool {
    match wanted {
        "remote" => resolver == "bundles" || RESOLVERS[..4].contains(&resolver),
        "bundle" => matches!(resolver, "bundle" | "bundles"),
        other => resolver == other,
    }
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn remote_is_every_resolver_of_the_flag_s_words() {
        assert!(["hub", "git", "http", "cluster", "bundles"].iter().all(|resolver| is_of(resolver, "remote")));
        assert!(!is_of("own", "remote") && is_of("own", "own") && is_of("bundles", "bundle") && !is_of("git", "hub"));
    }
}
