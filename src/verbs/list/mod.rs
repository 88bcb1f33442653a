//! `list` of any kind: which objects, in which order, as a table or as they are.

mod filter;
mod rows;
mod watch;

use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::fetch::Beside;
use super::missing::absent_namespace;
use super::newest;
use super::output::{self, Output};
use crate::client::{Cluster, Error, Select};
use crate::failure::{Exit, Failure};
use crate::kinds::Kind;
use crate::objects::newest::Unbegun;
use crate::objects::run::RunOf;
use crate::objects::{Seen, shape};
use crate::render::{self, Document, Look, ObjectPrinter};
use crate::session::Session;
use crate::views::{self, Listed};
pub use filter::{Filter, StatusFilter};
pub use rows::order;
use rows::{Row, Wants, What};

/// Flags of every list.
#[derive(Args, Clone, Debug, Default)]
pub struct Shown {
    /// Only {Kinds} with these labels: `env=prod,tier!=web,zone in (a,b),!draft`
    #[arg(long, value_name = "SELECTOR")]
    pub label: Option<String>,
    /// What else selects
    #[command(flatten)]
    pub filter: Filter,
    /// At most so many {Kinds}; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub limit: i64,
    /// In reverse order
    #[arg(long)]
    pub reverse: bool,
    /// Without the line of headings
    #[arg(long)]
    pub no_headers: bool,
    /// Go on, and keep the table current; in a pipe, a line for each change
    #[arg(long, short)]
    pub watch: bool,
    /// The form of the answer
    #[command(flatten)]
    pub output: Output,
    /// Words that tkn takes and does not look at
    #[arg(hide = true)]
    pub ignored: Vec<String>,
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
    pub keep: Arc<dyn Fn(&T) -> bool + Send + Sync>,
    /// The Pipeline or Task whose runs are meant, with the word for it
    pub parent: Option<&'static str>,
}

impl<T> Default for Which<T> {
    fn default() -> Self {
        Self { select: Select::default(), keep: Arc::new(|_| true), parent: None }
    }
}

impl<R: RunOf> Which<R> {
    /// The runs of a Pipeline or Task; all runs when none is named.
    pub fn of_parent(name: Option<&str>) -> Self {
        match name.filter(|name| !name.is_empty()) {
            Some(name) => Self {
                select: Select::labels(format!("{}={name}", R::LABEL)),
                keep: Arc::new(R::is_of_parent),
                parent: Some(<R::Parent as crate::objects::Object>::KIND.kind),
            },
            None => Self::default(),
        }
    }
}

impl<T: 'static> Which<T> {
    /// The same, and of those only what a closure keeps as well.
    #[must_use]
    fn and(self, also: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        let keep = self.keep;
        Self { keep: Arc::new(move |object| keep(object) && also(object)), ..self }
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

impl<T: Listed> Question<'_, T> {
    fn wants(&self, what: What) -> Wants {
        Wants { what, everywhere: self.everywhere, wide: self.wide, last_written_first: self.last_written_first }
    }
}

/// What a list is asked for, once the flags are understood.
struct Question<'a, T> {
    shown: &'a Shown,
    which: Which<T>,
    /// `None` means all namespaces, or none for a cluster-scoped kind
    namespace: Option<&'a str>,
    limit: usize,
    /// Whether rows say their namespace
    everywhere: bool,
    wide: bool,
    /// Whether of those that began in one second the last written comes first; else the server's order, as for tkn
    last_written_first: bool,
}

/// What the server answered.
struct Answered<R> {
    rows: Vec<R>,
    /// The version of the list
    version: String,
}

/// Lists the objects of a namespace; `None` means all namespaces, or none for a cluster-scoped kind.
///
/// # Errors
/// When the flags are wrong or the server refuses.
pub async fn list<T: Beside>(session: &mut Session, namespace: Option<&str>, which: Which<T>, shown: &Shown) -> Result<Exit, Failure> {
    let limit =
        usize::try_from(shown.limit).map_err(|_| Failure::usage(format!("limit was {} but must be a positive number", shown.limit)))?;
    let wide = shown.output.is_wide(session);
    let printer = if wide { None } else { shown.output.printer(session)? };
    let printer = if shown.no_headers { printer.map(ObjectPrinter::without_headings) } else { printer };
    let cluster = session.cluster().await?;
    let which = selected(session, &cluster, which, shown)?;
    let everywhere = namespace.is_none() && T::KIND.namespaced;
    let last_written_first = !session.stands_in_for_tkn();
    let question = Question { shown, which, namespace, limit, everywhere, wide, last_written_first };
    if shown.watch {
        return watch::watch(session, &cluster, &question, printer).await;
    }
    match printer {
        Some(printer) => print(session, &cluster, &question, &printer).await,
        None => tabulate(session, &cluster, &question).await,
    }
}

/// What is selected by all flags together.
fn selected<T: Listed>(session: &Session, cluster: &Cluster, which: Which<T>, shown: &Shown) -> Result<Which<T>, Failure> {
    let label = shown.label.as_deref().unwrap_or_default();
    if let Some(parent) = which.parent.filter(|_| !label.is_empty() && session.stands_in_for_tkn()) {
        let refused = Failure::usage(format!("specifying a {parent} and labels are not compatible"));
        return Err(refused.context(format!("failed to list {}s from namespace {}", T::KIND.kind, cluster.namespace)));
    }
    if let Some(word) = shown.ignored.first().filter(|_| !session.stands_in_for_tkn()) {
        return Err(Failure::usage(format!("unexpected argument {word:?}; a list takes no more names")));
    }
    let labels = [which.select.labels.as_str(), label].into_iter().filter(|l| !l.is_empty()).collect::<Vec<_>>().join(",");
    let select = Select { labels, fields: shown.filter.fields().to_owned() };
    let which = Which { select, ..which };
    Ok(match shown.filter.since(Timestamp::now())? {
        Some(since) => which.and(move |object| filter::began(object).is_none_or(|began| began >= since)),
        None => which,
    })
}

/// The table.
async fn tabulate<T: Beside>(session: &mut Session, cluster: &Cluster, question: &Question<'_, T>) -> Result<Exit, Failure> {
    let refused = |e: Error| Failure::from(e).context(refusal(T::KIND, cluster, question.namespace));
    let rows = fetched(cluster, question, What::Cells).await.map_err(refused)?.rows;
    if rows.is_empty() {
        check_namespace(session, cluster, T::KIND, question.namespace).await?;
        say_nothing_found(session, T::KIND)?;
        return Ok(Exit::Done);
    }
    let beside = T::beside(cluster, question.namespace).await.map_err(refused)?;
    let unreadable: Vec<String> = rows.iter().filter(|row| row.is_unreadable()).map(|row| row.name.clone()).collect();
    let total = rows.len();
    let rows = rows.into_iter().map(|row| row.cells(&beside, question.everywhere, question.wide));
    let table = views::Table { headings: views::headings::<T>(question.everywhere, question.wide), rows: rows.collect() };
    let look = Look::at(Timestamp::now(), &session.term);
    let lay_out = if session.stands_in_for_tkn() { render::table_of_tkn } else { render::table };
    write!(session.term.out(), "{}", lay_out(&table, !question.shown.no_headers, look))?;
    if !unreadable.is_empty() {
        session.term.say(format!("Warning: of {total} {}s, {} cannot be read: {}", T::KIND.kind, unreadable.len(), unreadable.join(", ")));
    }
    Ok(Exit::Done)
}

/// The objects themselves.
async fn print<T: Beside>(
    session: &mut Session,
    cluster: &Cluster,
    question: &Question<'_, T>,
    printer: &ObjectPrinter,
) -> Result<Exit, Failure> {
    let names_only = matches!(printer, ObjectPrinter::Plain(render::Format::Name)) && !refuses_names::<T>(session, question.shown);
    let what = if names_only { What::Name } else { What::Object };
    let typed = session.stands_in_for_tkn() && shape::is_known(T::KIND);
    let answered = fetched(cluster, question, what).await.map_err(|e| match typed || !session.stands_in_for_tkn() {
        true => Failure::from(e).context(refusal(T::KIND, cluster, question.namespace)),
        false => Failure::from(e),
    })?;
    if answered.rows.is_empty() {
        check_namespace(session, cluster, T::KIND, question.namespace).await?;
    }
    if names_only {
        for row in &answered.rows {
            writeln!(session.term.out(), "{}", T::KIND.label(&row.name))?;
        }
        return Ok(Exit::Done);
    }
    let typed = typed && cluster.serves_current(T::KIND);
    let items = answered.rows.into_iter().filter_map(Row::seen).map(|seen| {
        let value = complete::<T>(cluster, question.shown.output.value(&seen, printer));
        if typed { shape::written(T::KIND, &value) } else { value }
    });
    let items: Vec<serde_json::Value> = items.collect();
    // tkn looks through the runs of a Task once more; when none is left of them, Go writes null.
    let items = match typed && items.is_empty() && question.which.parent == Some("Task") {
        true => serde_json::Value::Null,
        false => items.into(),
    };
    let (kind, version) = (format!("{}List", T::KIND.kind), cluster.served(T::KIND));
    let (api_version, list_version) = (T::KIND.api_version(version), answered.version);
    let document = match typed {
        true => Document {
            value: json!({"kind": kind, "apiVersion": api_version, "metadata": {"resourceVersion": list_version}, "items": items}),
            structure: Some(format!("*{version}.{kind}")),
        },
        false => Document {
            value: json!({"apiVersion": api_version, "items": items, "kind": kind, "metadata": {"continue": "", "resourceVersion": list_version}}),
            structure: None,
        },
    };
    output::print(session, printer, &document)?;
    Ok(Exit::Done)
}

/// tkn prints the names of a list that went through a struct only where the word is spelled in small letters.
fn refuses_names<T: Listed>(session: &Session, shown: &Shown) -> bool {
    session.stands_in_for_tkn() && shape::is_known(T::KIND) && shown.output.word() != Some("name")
}

/// In the lists of the core group's kinds the objects do not say what they are.
fn complete<T: Listed>(cluster: &Cluster, mut value: serde_json::Value) -> serde_json::Value {
    if let Some(fields) = value.as_object_mut() {
        fields.entry("apiVersion").or_insert_with(|| T::KIND.api_version(cluster.served(T::KIND)).into());
        fields.entry("kind").or_insert_with(|| T::KIND.kind.into());
    }
    value
}

/// The rows in their order, as many as are wanted.
async fn fetched<T: Beside>(cluster: &Cluster, question: &Question<'_, T>, what: What) -> Result<Answered<Row<T>>, Error> {
    let (select, limit, wants) = (&question.which.select, question.limit, question.wants(what));
    let newest = match (question.namespace, T::STARTED) {
        (Some(namespace), Some(_)) if limit > 0 => {
            let wanted = newest::Wanted { namespace, select, count: limit, unbegun: Unbegun::First };
            newest::of(cluster, wanted, |object| (question.which.keep)(object)).await?
        }
        _ => None,
    };
    let mut answered = match newest {
        Some(newest) => Answered { rows: newest.objects.into_iter().map(|seen| Row::of(seen, wants)).collect(), version: newest.version },
        None => all(cluster, question, wants).await?,
    };
    rows::order_rows(&mut answered.rows, question.everywhere);
    if limit > 0 {
        answered.rows.truncate(limit);
    }
    if question.shown.reverse {
        answered.rows.reverse();
    }
    Ok(answered)
}

/// All rows, in the server's order. They are made where pages are read, so that no more is kept of a page.
async fn all<T: Beside>(cluster: &Cluster, question: &Question<'_, T>, wants: Wants) -> Result<Answered<Row<T>>, Error> {
    let keep = question.which.keep.clone();
    let row = move |seen: Seen<T>| seen.lens.as_ref().map_or(true, |object| keep(object)).then(|| Row::of(seen, wants));
    let (rows, version) = cluster.pages::<T>(question.namespace, &question.which.select).collect(row).await?;
    Ok(Answered { rows, version })
}

/// An empty list of a namespace that is not there is a mistake; called as tkn it is only said, since tkn's scripts get an
/// empty list.
async fn check_namespace(session: &mut Session, cluster: &Cluster, kind: &Kind, namespace: Option<&str>) -> Result<(), Failure> {
    if namespace.is_none() {
        return Ok(());
    }
    match absent_namespace(cluster, kind).await {
        Some(absent) if session.stands_in_for_tkn() => session.term.say(format!("Hint: {absent}")),
        Some(absent) => return Err(Failure::not_found(absent)),
        None => {}
    }
    Ok(())
}

/// Whether tkn words the kind's messages as it words those of Triggers, and tells an empty list on standard error.
fn of_triggers(kind: &Kind) -> bool {
    kind.group == "triggers.tekton.dev"
}

/// What failed, as tkn says it: for runs always with the namespace of the context, for definitions with none for all.
fn refusal(kind: &Kind, cluster: &Cluster, namespace: Option<&str>) -> String {
    let kinds = format!("{}s", kind.kind);
    match namespace {
        _ if !kind.namespaced => format!("failed to list {kinds}"),
        None if of_triggers(kind) => format!("failed to list {kinds} from all namespaces"),
        Some(namespace) if of_triggers(kind) => format!("failed to list {kinds} from {namespace} namespace"),
        None if kind.kind.ends_with("Run") => format!("failed to list {kinds} from namespace {}", cluster.namespace),
        _ => format!("failed to list {kinds} from namespace {}", namespace.unwrap_or_default()),
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
