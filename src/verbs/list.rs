//! `list` of any kind: which objects, in which order, as a table or as they are.

use clap::Args;
use jiff::Timestamp;

use super::fetch::Beside;
use super::missing::absent_namespace;
use crate::client::{Cluster, Select};
use crate::failure::{Exit, Failure};
use crate::kinds::Kind;
use crate::objects::run::RunOf;
use crate::objects::{Object, Seen};
use crate::render::{self, Format, Look};
use crate::session::Session;
use crate::views;

/// Flags of every list.
#[derive(Args, Clone, Debug, Default)]
pub struct Shown {
    /// Only {Kinds} with these labels: `env=prod,tier!=web,zone in (a,b),!draft`
    #[arg(long, value_name = "SELECTOR")]
    pub label: Option<String>,
    /// At most so many {Kinds}; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub limit: i64,
    /// In reverse order
    #[arg(long)]
    pub reverse: bool,
    /// Without the line of headings
    #[arg(long)]
    pub no_headers: bool,
    /// The form of the answer
    #[command(flatten)]
    pub output: Output,
}

/// Flags about the form of the answer.
#[derive(Args, Clone, Debug, Default)]
pub struct Output {
    /// As the server has it: json, yaml or name
    #[arg(long, short, value_name = "FORMAT")]
    output: Option<String>,
    /// Keep metadata.managedFields in JSON and YAML
    #[arg(long)]
    show_managed_fields: bool,
}

/// Flags of a list of a namespaced kind.
#[derive(Args, Clone, Debug, Default)]
pub struct Arguments {
    /// {Kinds} of all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    #[command(flatten)]
    shown: Shown,
}

/// Which objects a list shows.
pub struct Which<T> {
    /// What the server selects
    pub select: Select,
    /// What is left of that
    pub keep: fn(&T) -> bool,
}

impl<T> Default for Which<T> {
    fn default() -> Self {
        Self { select: Select::default(), keep: |_| true }
    }
}

impl<R: RunOf> Which<R> {
    /// The runs of a Pipeline or Task; all runs when none is named.
    pub fn of_parent(name: Option<&str>) -> Self {
        match name {
            Some(name) => Self { select: Select::labels(format!("{}={name}", R::LABEL)), keep: R::is_of_parent },
            None => Self::default(),
        }
    }
}

impl Output {
    /// The format; none for tables and pages.
    ///
    /// # Errors
    /// When the word is no format.
    pub fn format(&self) -> Result<Option<Format>, Failure> {
        let word = self.output.as_deref().filter(|word| !word.is_empty());
        word.map(|word| word.parse().map_err(|e: render::UnknownFormat| Failure::usage(e.to_string()))).transpose()
    }

    /// The word after `-o`, as typed.
    pub fn word(&self) -> Option<&str> {
        self.output.as_deref()
    }

    /// The object as it is to be printed; of a Secret no value.
    pub fn raw<T: Object>(&self, seen: &Seen<T>) -> serde_json::Value {
        let mut value = crate::scaffold::secret::redacted(&seen.value());
        if !self.show_managed_fields
            && let Some(metadata) = value.get_mut("metadata").and_then(serde_json::Value::as_object_mut)
        {
            metadata.shift_remove("managedFields");
        }
        value
    }
}

impl Arguments {
    /// Lists objects of the namespace, or of all.
    ///
    /// # Errors
    /// When the flags are wrong or the server refuses.
    pub async fn list<T: Beside>(&self, session: &mut Session, which: Which<T>) -> Result<Exit, Failure> {
        let namespace = match self.all_namespaces {
            true => None,
            false => Some(session.cluster().await?.namespace),
        };
        list::<T>(session, namespace.as_deref(), which, &self.shown).await
    }
}

/// Lists the objects of a namespace; `None` means all namespaces, or none for a cluster-scoped kind.
///
/// # Errors
/// When the flags are wrong or the server refuses.
pub async fn list<T: Beside>(session: &mut Session, namespace: Option<&str>, which: Which<T>, shown: &Shown) -> Result<Exit, Failure> {
    let format = shown.output.format()?;
    let limit =
        usize::try_from(shown.limit).map_err(|_| Failure::usage(format!("limit was {} but must be a positive number", shown.limit)))?;
    let cluster = session.cluster().await?;
    let refused = |e| Failure::from(e).context(refusal(T::KIND, namespace));
    let mut objects = cluster.list::<T>(namespace, &both(which.select, shown.label.as_deref())).await.map_err(refused)?;
    objects.retain(|seen| seen.lens.as_ref().map_or(true, which.keep));
    let everywhere = namespace.is_none() && T::KIND.namespaced;
    order(&mut objects, everywhere);
    if limit > 0 {
        objects.truncate(limit);
    }
    if shown.reverse {
        objects.reverse();
    }
    if objects.is_empty() && namespace.is_some() {
        check_namespace(session, &cluster, T::KIND).await?;
    }
    if let Some(format) = format {
        let items = objects.iter().map(|seen| shown.output.raw(seen)).collect();
        let text = render::list(T::KIND, &T::KIND.api_version(T::KIND.version()), items, format);
        write!(session.term.out(), "{text}")?;
        return Ok(Exit::Done);
    }
    if objects.is_empty() {
        say_nothing_found(session, T::KIND)?;
        return Ok(Exit::Done);
    }
    let beside = T::beside(&cluster, namespace).await.map_err(refused)?;
    let table = views::table(&objects, &beside, everywhere);
    let look = Look::at(Timestamp::now(), &session.term);
    write!(session.term.out(), "{}", render::table(&table, !shown.no_headers, look))?;
    say_unreadable(session, &objects);
    Ok(Exit::Done)
}

/// An empty list of a namespace that is not there is a mistake; called as tkn it is only said, since tkn's scripts get an
/// empty list.
async fn check_namespace(session: &mut Session, cluster: &Cluster, kind: &Kind) -> Result<(), Failure> {
    match absent_namespace(cluster, kind).await {
        Some(absent) if session.stands_in_for_tkn() => session.term.say(format!("Hint: {absent}")),
        Some(absent) => return Err(Failure::not_found(absent)),
        None => {}
    }
    Ok(())
}

fn both(select: Select, label: Option<&str>) -> Select {
    let labels = [select.labels.as_str(), label.unwrap_or_default()].into_iter().filter(|l| !l.is_empty()).collect::<Vec<_>>().join(",");
    Select { labels, ..select }
}

/// Runs come newest first, those that have not started before all others; over all namespaces, namespace by namespace.
pub fn order<T: views::Listed>(objects: &mut [Seen<T>], by_namespace: bool) {
    let Some(started) = T::STARTED else { return };
    let started = |seen: &Seen<T>| seen.lens.as_ref().ok().and_then(started);
    objects.sort_by(|a, b| {
        let by_start = || match (started(a), started(b)) {
            (Some(a), Some(b)) => b.cmp(&a),
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        let namespaces = if by_namespace { a.meta().namespace.cmp(&b.meta().namespace) } else { std::cmp::Ordering::Equal };
        namespaces.then_with(by_start)
    });
}

/// Whether tkn words the kind's messages as it words those of Triggers, and tells an empty list on standard error.
fn of_triggers(kind: &Kind) -> bool {
    kind.group == "triggers.tekton.dev"
}

fn refusal(kind: &Kind, namespace: Option<&str>) -> String {
    let kinds = format!("{}s", kind.kind);
    match namespace {
        _ if !kind.namespaced => format!("failed to list {kinds}"),
        None => format!("failed to list {kinds} from all namespaces"),
        Some(namespace) if of_triggers(kind) => format!("failed to list {kinds} from {namespace} namespace"),
        Some(namespace) => format!("failed to list {kinds} from namespace {namespace}"),
    }
}

fn say_nothing_found(session: &mut Session, kind: &Kind) -> Result<(), Failure> {
    // tkn writes this one kind in small letters.
    let kinds = if kind.kind == "EventListener" { kind.plural.to_owned() } else { format!("{}s", kind.kind) };
    let text = format!("No {kinds} found");
    match of_triggers(kind) {
        true => session.term.say(text),
        false => session.term.answer(text)?,
    }
    Ok(())
}

fn say_unreadable<T: Object>(session: &mut Session, objects: &[Seen<T>]) {
    let names: Vec<&str> = objects.iter().filter(|seen| seen.lens.is_err()).map(|seen| seen.meta().name.as_str()).collect();
    if !names.is_empty() {
        session.term.say(format!("Warning: of {} {}s, {} cannot be read: {}", objects.len(), T::KIND.kind, names.len(), names.join(", ")));
    }
}
