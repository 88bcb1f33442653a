//! Parts that the pages of several kinds share.

use indexmap::IndexMap;

use super::values;
use super::{ABSENT, Cell, Line, Page, Section};
use crate::objects::Meta;
use crate::objects::meta::LAST_APPLIED;
use crate::objects::pipeline::{ParamSpec, ResultSpec, WorkspaceDeclaration};
use crate::objects::run::{Param, Run, WorkspaceBinding};

/// Pictures before headings, where there is colour.
pub mod icons {
    pub const MESSAGE: &str = "💌 ";
    pub const PARAMS: &str = "⚓ ";
    pub const PIPELINE_RUNS: &str = "⛩  ";
    pub const RESOURCES: &str = "📦 ";
    pub const RESULTS: &str = "📝 ";
    pub const SIDECARS: &str = "🚗 ";
    pub const SKIPPED_TASKS: &str = "⏭️  ";
    pub const STATUS: &str = "🌡️  ";
    pub const STEPS: &str = "🦶 ";
    pub const TASKS: &str = "🗒  ";
    pub const TASK_RUNS: &str = "🗂  ";
    pub const TIMEOUTS: &str = "⏱  ";
    pub const WORKSPACES: &str = "📂 ";
}

/// A page that begins with the object's name, and its namespace where it has one.
pub fn named(meta: &Meta) -> Page {
    let mut page = Page::default();
    page.head.push(Line::field("Name", &meta.name));
    page.field("Namespace", Some(&meta.namespace));
    page
}

/// Labels or annotations, a line each, sorted by key.
pub fn map(page: &mut Page, label: &'static str, entries: &IndexMap<String, String>) {
    // What kubectl notes for itself says nothing that the object does not say.
    let mut entries: Vec<_> = entries.iter().filter(|(k, _)| *k != LAST_APPLIED).collect();
    if entries.is_empty() {
        return;
    }
    entries.sort_unstable();
    page.head.push(Line::text(Cell::Label(label)));
    page.head.extend(entries.into_iter().map(|(k, v)| Line::text(format!("{k}={v}")).indented(1)));
}

/// When a run started, how long it took and how it stands.
pub fn status(run: &impl Run, headings: [&'static str; 3]) -> Section {
    let head = Line { cells: headings.map(Cell::from).to_vec(), ..Line::default() };
    Section::new(icons::STATUS, "Status", vec![head, Line { cells: how(run).to_vec(), ..Line::default() }])
}

/// The cells STARTED, DURATION and STATUS of a run.
pub fn how(run: &impl Run) -> [Cell; 3] {
    [Cell::Age(run.started()), Cell::Took(run.started(), run.completed()), Cell::Status(run.verdict())]
}

/// The message of a run that has failed.
pub fn failure(run: &impl Run) -> Option<&str> {
    run.succeeded().filter(|c| c.status == "False").map(|c| c.message.as_deref().unwrap_or_default())
}

/// Adds the section of a message, unless it is empty.
pub fn message(page: &mut Page, icon: &'static str, text: &str) {
    if !text.is_empty() {
        page.sections.push(Section::new(icon, "Message", vec![Line::text(text)]));
    }
}

/// Params that a run gives.
pub fn params(page: &mut Page, params: &[Param]) {
    pairs(page, icons::PARAMS, "Params", params, values::param);
}

/// Params or results by name.
pub fn pairs(page: &mut Page, icon: &'static str, heading: &'static str, pairs: &[Param], text: fn(&serde_json::Value) -> String) {
    let rows = pairs.iter().map(|p| vec![Cell::from(&p.name), text(&p.value).into()]).collect();
    page.table(icon, heading, &["NAME", "VALUE"], rows);
}

/// Workspaces that a run binds.
pub fn bindings(page: &mut Page, workspaces: &[WorkspaceBinding]) {
    let row = |w: &WorkspaceBinding| vec![Cell::from(&w.name), Cell::or_absent(w.sub_path.as_deref()), values::binding(w).into()];
    page.table(icons::WORKSPACES, "Workspaces", &["NAME", "SUB PATH", "WORKSPACE BINDING"], workspaces.iter().map(row).collect());
}

/// Params that a Pipeline or Task declares.
pub fn declared_params(page: &mut Page, params: &[ParamSpec]) {
    let row = |p: &ParamSpec| {
        let default = p.default.as_ref().map_or_else(|| ABSENT.to_owned(), values::param);
        vec![Cell::from(&p.name), p.kind.clone().unwrap_or_default().into(), described(p.description.as_deref()), default.into()]
    };
    page.table(icons::PARAMS, "Params", &["NAME", "TYPE", "DESCRIPTION", "DEFAULT VALUE"], params.iter().map(row).collect());
}

/// Results that a Pipeline or Task declares.
pub fn declared_results(page: &mut Page, results: &[ResultSpec]) {
    let rows = results.iter().map(|r| vec![Cell::from(&r.name), described(r.description.as_deref())]).collect();
    page.table(icons::RESULTS, "Results", &["NAME", "DESCRIPTION"], rows);
}

/// Workspaces that a Pipeline or Task declares.
pub fn declared_workspaces(page: &mut Page, workspaces: &[WorkspaceDeclaration]) {
    let row = |w: &WorkspaceDeclaration| vec![Cell::from(&w.name), described(w.description.as_deref()), w.optional.to_string().into()];
    page.table(icons::WORKSPACES, "Workspaces", &["NAME", "DESCRIPTION", "OPTIONAL"], workspaces.iter().map(row).collect());
}

/// A description, shortened.
pub fn described(description: Option<&str>) -> Cell {
    values::shortened(description.unwrap_or_default()).into()
}
