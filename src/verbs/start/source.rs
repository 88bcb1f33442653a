//! What is started: a definition on the server or in a file, a run in a file, or what a resolver fetches.

use serde_json::Value;

use super::build::Base;
use super::files::Text;
use super::params::{self, Declared};
use super::{Common, Own, Startable, again, files, strict};
use crate::bundle::{self, Access, Reference};
use crate::client::Cluster;
use crate::failure::Failure;
use crate::kinds::Kind;
use crate::objects::pipeline::WorkspaceDeclaration;
use crate::objects::shape::scalars;
use crate::objects::upgrade;
use crate::objects::{self, Object};
use crate::scaffold::documents::{Document, Wrong, documents};
use crate::session::Session;
use crate::verbs::missing;

/// What is started, and what it needs.
pub(super) struct Source {
    /// Name of the definition
    pub(super) name: String,
    /// What the run begins as
    pub(super) base: Base,
    /// Params it takes
    pub(super) declared: Declared,
    /// Workspaces it takes
    pub(super) workspaces: Vec<WorkspaceDeclaration>,
    /// Whether somebody is asked for what the flags leave out
    pub(super) asks: bool,
}

impl Source {
    /// What is started as it stands: nobody is asked for anything.
    pub(super) fn of_run(name: String, base: Base, run: &Value) -> Self {
        Self { name, base, declared: Declared::by_run(run), workspaces: Vec::new(), asks: false }
    }

    fn of_definition<T: Startable>(name: String, definition: &T, base: Base) -> Self {
        let declared = Declared::Only(definition.params().to_vec());
        Self { name, base, declared, workspaces: definition.workspaces().to_vec(), asks: true }
    }
}

/// Finds out what the flags mean.
///
/// # Errors
/// When there is no such thing, or it cannot be read.
pub(super) async fn source<T: Startable>(session: &Session, cluster: &Cluster, args: &Common, own: &Own) -> Result<Source, Failure> {
    if let Some(wanted) = &own.resolvertype {
        return resolvertype::<T>(session, cluster, args, wanted).await;
    }
    if let Some(resolver) = &args.resolver {
        return resolved(args, resolver);
    }
    if let Some((image, access)) = &own.image {
        let name = args.name.as_deref().unwrap_or_default();
        return of_definition::<T>(session, cluster, &of_image(image, access, T::KIND, name).await?).await;
    }
    // Beside a file tkn has no use for a name, and of a Task none for the file.
    match (&args.filename, &args.name) {
        (Some(file), name) if name.is_none() || !T::WORDS.name_first => {
            of_definition::<T>(session, cluster, &files::yaml(file).await?).await
        }
        (_, name) => {
            let name = name.clone().unwrap_or_default();
            let definition = existing::<T>(cluster, &name).await?;
            Ok(Source::of_definition(name, &definition, Base::Named))
        }
    }
}

async fn existing<T: Startable>(cluster: &Cluster, name: &str) -> Result<T, Failure> {
    let message = format!("{} name {name} does not exist in namespace {}", T::KIND.kind, cluster.namespace);
    if name.is_empty() {
        // The path of no name is that of all objects.
        return Err(Failure::not_found(message));
    }
    let error = match cluster.get::<T>(&cluster.namespace, name).await {
        Ok(seen) => return seen.lens.map_err(|e| Failure::invalid(e.to_string())),
        Err(error) => error,
    };
    let missing = error.is_not_found();
    let failure = Failure::from(error);
    if !missing {
        // tkn says so of every failure; scripts may read it.
        return Err(failure.in_words_of_tkn(message));
    }
    Err(missing::with_hints(cluster, T::KIND, &[name], Failure { message, as_tkn: None, ..failure }).await)
}

async fn resolvertype<T: Startable>(session: &Session, cluster: &Cluster, args: &Common, wanted: &str) -> Result<Source, Failure> {
    let name = args.name.as_deref();
    if wanted == "remote" || args.last {
        if let Some(name) = name.filter(|_| wanted != "remote") {
            existing::<T>(cluster, name).await?;
        }
        let run = again::of_resolver::<T>(cluster, name, wanted, session.stands_in_for_tkn()).await?;
        return Ok(Source::of_run(name.unwrap_or_default().to_owned(), Base::Again(run.clone()), &run));
    }
    let name = name.ok_or_else(|| Failure::usage(format!("{} name is required when using --resolvertype flag", T::KIND.noun)))?;
    existing::<T>(cluster, name).await?;
    // The flag's word for bundles is not the name of their resolver; tkn makes a run of it that nothing can resolve.
    let resolver = if wanted == "bundle" && !session.stands_in_for_tkn() { "bundles" } else { wanted };
    let base = Base::Resolved { resolver: resolver.to_owned(), params: vec![("name".to_owned(), name.into())] };
    Ok(Source::of_run(name.to_owned(), base, &Value::Null))
}

/// `--resolver git --resolver-param url=…`
fn resolved(args: &Common, resolver: &str) -> Result<Source, Failure> {
    let params = params::parse(&args.resolver_param, &Declared::Known(Vec::new()), false)?;
    let of_params = ["name", "pathInRepo", "url"].iter().find_map(|wanted| {
        let value = params.iter().find(|(name, _)| name == wanted)?.1.as_str()?;
        let file = value.rsplit('/').next()?;
        let name = file.trim_end_matches(".yaml").trim_end_matches(".yml").trim_end_matches(".git");
        (!name.is_empty()).then(|| name.to_owned())
    });
    let name = args.name.clone().or(of_params).unwrap_or_else(|| resolver.to_owned());
    let base = Base::Resolved { resolver: resolver.to_owned(), params };
    Ok(Source::of_run(name, base, &Value::Null))
}

/// An object of a bundle, under the name that messages have for it.
async fn of_image(image: &str, access: &Access, kind: &Kind, name: &str) -> Result<Text, Failure> {
    let text = bundle::object(&Reference::parse(image)?, access, kind.noun, name).await?;
    Ok(Text { name: format!("{} {name} of {image}", kind.kind), text })
}

/// What a text defines: a definition, or a run.
async fn of_definition<T: Startable>(session: &Session, cluster: &Cluster, text: &Text) -> Result<Source, Failure> {
    let file = text.name.as_str();
    let read = documents(&text.text).map_err(|wrong| unread::<T>(text, &wrong))?;
    let is = |kind: &'static Kind| move |d: &&Document| d.manifest.kind == kind;
    let run = read.iter().find(is(T::Run::KIND));
    // A file of something else is read as if it were what is wanted, so that its first wrong field is told.
    let found = read.iter().find(is(T::KIND)).or(run).or(read.first());
    let document = found.ok_or_else(|| Failure::invalid(format!("{file}: there is no {} in this file", T::KIND.kind)))?;
    let kind = if run.is_some_and(|run| std::ptr::eq(run, document)) { T::Run::KIND } else { T::KIND };
    if !session.stands_in_for_tkn() {
        refuse_others::<T>(file, &read, document)?;
    }
    strict::document(file, kind, document)?;
    if document.manifest.kind != kind {
        return Err(Failure::invalid(format!("{file}: there is no {} in this file", T::KIND.kind)));
    }
    let mut value = document.manifest.value.clone();
    scalars::object(kind.kind, &mut value);
    if kind == T::Run::KIND {
        return written::<T>(cluster, &value).await;
    }
    if session.stands_in_for_tkn() {
        check_types(&document.written)?;
    }
    let definition: T = objects::lens(&value).map_err(|e| Failure::invalid(format!("{file}: {e}")))?;
    Ok(Source::of_definition(document.manifest.name().to_owned(), &definition, Base::Inline(value["spec"].clone())))
}

/// Refuses a file of something else, and one with more than one thing to start. tkn reads the former as if it were what is wanted.
fn refuse_others<T: Startable>(file: &str, read: &[Document], document: &Document) -> Result<(), Failure> {
    let (kind, wanted) = (document.manifest.kind, [T::KIND, T::Run::KIND]);
    if !wanted.contains(&kind) {
        return Err(Failure::invalid(format!(
            "{file}, line {}: this is a {}; {} start takes a {} or a {}",
            document.line,
            kind.kind,
            T::KIND.noun,
            wanted[0].kind,
            wanted[1].kind
        )));
    }
    match read.iter().filter(|other| other.manifest.kind == kind).nth(1) {
        Some(second) => {
            Err(Failure::invalid(format!("{file}, line {}: this is a second {}; one is started at a time", second.line, kind.kind)))
        }
        None => Ok(()),
    }
}

/// Why a file cannot be read. Where it is no manifest at all, its first field that has no place in one is told.
fn unread<T: Startable>(text: &Text, wrong: &Wrong) -> Failure {
    if wrong.reason.contains("tekton.dev/v1alpha1 of ") {
        return Failure::invalid("v1alpha1 is no longer supported").hint(format!("{}, line {}", text.name, wrong.line));
    }
    let fields = || strict::value(text, T::KIND, &text.value().ok()?).err();
    wrong.reason.ends_with(": is missing").then(fields).flatten().unwrap_or_else(|| text.wrong(wrong))
}

/// In v1 a param without a type is a string; before, it had to say so.
fn check_types(written: &Value) -> Result<(), Failure> {
    let older = written["apiVersion"].as_str().is_some_and(|version| version.ends_with("/v1beta1"));
    let wrong = |param: &&Value| match param["type"].as_str() {
        Some("string" | "array" | "object") => false,
        Some(_) => true,
        None => older,
    };
    let params = written.pointer("/spec/params").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<String> = params.filter(wrong).map(|p| format!(" '{}'", p["name"].as_str().unwrap_or_default())).collect();
    if names.is_empty() { Ok(()) } else { Err(Failure::invalid(format!("params does not have a valid type -{}", names.concat()))) }
}

/// A run as its file has it. What its params are is told by its definition, where that can be had.
async fn written<T: Startable>(cluster: &Cluster, run: &Value) -> Result<Source, Failure> {
    let spec = &run["spec"];
    let name = spec[T::LAYOUT.reference()]["name"].as_str();
    let definition = match (&spec[T::LAYOUT.spec()], name) {
        (Value::Null, Some(name)) => cluster.find::<T>(&cluster.namespace, name).await?.map(|seen| seen.value()),
        (Value::Null, None) => None,
        (spec, _) => Some(serde_json::json!({"apiVersion": T::KIND.api_version(T::KIND.version()), "spec": spec})),
    };
    let definition = definition.and_then(|mut value| {
        upgrade::to_v1(T::KIND, &mut value);
        objects::lens::<T>(&value).ok()
    });
    let name = name.unwrap_or(T::KIND.noun).to_owned();
    let mut source = Source::of_run(name, Base::Written(run.clone()), run);
    if let Some(definition) = definition {
        source.declared = Declared::Only(definition.params().to_vec());
    }
    Ok(source)
}
