//! `-o`: the one place where a word and a template become a printer. JSON, YAML and names; JSONPath and Go templates as
//! kubectl has them; and beyond tkn, columns of one's own.

mod columns;
pub(in crate::render) mod gotext;
mod jsonpath;
mod template;

use std::path::Path;

use serde_json::{Number, Value};

use super::raw::{self, Format};
use super::yaml as to_yaml;
pub use columns::Columns;
use jsonpath::JsonPath;
use template::Template;

/// What prints an object or a list.
#[derive(Debug)]
pub enum Printer {
    /// JSON, YAML, names
    Plain(Format),
    /// `jsonpath`, `jsonpath-file`, `jsonpath-as-json`
    JsonPath {
        /// The template
        path: Box<JsonPath>,
        /// Whether each action's results are an array
        as_json: bool,
        /// Whether a key that is not there is no error
        missing_is_empty: bool,
    },
    /// `go-template`, `go-template-file`, `template`, `templatefile`
    Template(Box<Template>),
    /// `custom-columns`, `custom-columns-file`: rows of a table, one to an object
    Columns(Columns),
}

/// What the flags say about the printer.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// After `-o`; empty for none
    pub word: &'a str,
    /// After `--template`; empty for none
    pub template: &'a str,
    /// `--allow-missing-template-keys`
    pub missing_is_empty: bool,
    /// Whether columns of one's own can be asked for, which tkn does not have
    pub columns: bool,
}

/// Why nothing, or not all, was printed.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// What stands on standard output nevertheless
    pub printed: String,
    /// What went wrong
    pub message: String,
}

impl From<String> for Refused {
    fn from(message: String) -> Self {
        Self { printed: String::new(), message }
    }
}

/// What is printed.
#[derive(Debug)]
pub struct Document {
    /// The object or the list
    pub value: Value,
    /// Where tkn writes the list through a struct: the struct's name in Go. Its keys stand in the struct's order then.
    pub structure: Option<String>,
}

/// The formats that take a template, with the flag that says whether the template stands in a file.
const JSON_PATHS: [(&str, bool); 3] = [("jsonpath", false), ("jsonpath-as-json", false), ("jsonpath-file", true)];
const TEMPLATES: [(&str, bool); 4] = [("go-template", false), ("go-template-file", true), ("template", false), ("templatefile", true)];
const COLUMNS: [(&str, bool); 2] = [("custom-columns", false), ("custom-columns-file", true)];

/// A word after `-o` that is no format.
fn unknown(wanted: Wanted<'_>) -> String {
    let columns = COLUMNS.iter().filter(|_| wanted.columns);
    let mut known: Vec<&str> = JSON_PATHS.iter().chain(&TEMPLATES).chain(columns).map(|(word, _)| *word).collect();
    known.extend(Format::ALL.iter().map(|(word, _)| *word));
    known.extend(wanted.columns.then_some("wide"));
    known.sort_unstable();
    let word = gotext::quoted(wanted.word);
    format!("unable to match a printer suitable for the output format {word}, allowed formats are: {}", known.join(","))
}

/// The form among these that the word names, and the template: from the flag, or from what follows `=`.
fn among<'a>(forms: &[(&'static str, bool)], wanted: Wanted<'a>) -> Option<(&'static str, bool, &'a str)> {
    forms.iter().find_map(|(form, file)| {
        let rest = wanted.word.strip_prefix(form)?;
        match (wanted.template, rest.strip_prefix('=')) {
            ("", Some(template)) => Some((*form, *file, template)),
            (template, None) if rest.is_empty() => Some((*form, *file, template)),
            _ => None,
        }
    })
}

impl Printer {
    /// The printer that the flags ask for; files are read with `read`.
    ///
    /// # Errors
    /// In kubectl's words, when there is no such format, or its template is missing or is none.
    pub fn of(wanted: Wanted<'_>, read: impl Fn(&Path) -> Result<String, String>) -> Result<Self, String> {
        if let Ok(format) = wanted.word.parse() {
            return Ok(Self::Plain(format));
        }
        let text = |file: bool, template: &str| match (template, file) {
            ("", _) => Err("template format specified but no template given".to_owned()),
            (path, true) => read(Path::new(path)).map_err(|why| format!("error reading --template {path}, {why}")),
            (text, false) => Ok(text.to_owned()),
        };
        let missing_is_empty = wanted.missing_is_empty;
        if let Some((form, file, template)) = among(&JSON_PATHS, wanted) {
            let path = JsonPath::parse(&text(file, template)?)?;
            return Ok(Self::JsonPath { path: Box::new(path), as_json: form == "jsonpath-as-json", missing_is_empty });
        }
        if let Some((_, file, template)) = among(&TEMPLATES, wanted) {
            return Ok(Self::Template(Box::new(Template::parse(&text(file, template)?, missing_is_empty)?)));
        }
        match among(&COLUMNS, wanted).filter(|_| wanted.columns) {
            Some((_, true, template)) => Ok(Self::Columns(Columns::parse_file(&text(true, template)?)?)),
            Some((_, false, template)) => Ok(Self::Columns(Columns::parse(&text(false, template)?)?)),
            None => Err(unknown(wanted)),
        }
    }

    /// The same for what stands below headings that are not wanted, or there already.
    #[must_use]
    pub fn without_headings(self) -> Self {
        match self {
            Self::Columns(columns) => Self::Columns(columns.bare()),
            other => other,
        }
    }

    /// Whether it prints objects as JSON or YAML, so that what nobody reads is better left out.
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Plain(Format::Json | Format::Yaml))
    }

    /// Whether a line of `---` stands between two objects.
    pub fn parts_documents(&self) -> bool {
        matches!(self, Self::Plain(Format::Yaml))
    }

    /// The text of an object or a list.
    ///
    /// # Errors
    /// When a template does not fit, with what is printed nevertheless.
    pub fn print(&self, document: &Document) -> Result<String, Refused> {
        let (value, sorted) = (&document.value, document.structure.is_none());
        match self {
            Self::Plain(Format::Json) => Ok(gotext::json_indented(value, sorted) + "\n"),
            Self::Plain(Format::Yaml) => Ok(to_yaml(value)),
            Self::Plain(Format::Name) => match (&document.structure, value.get("items").and_then(Value::as_array)) {
                (Some(structure), _) => Err(format!("list types are not supported by name printing: {structure}").into()),
                (None, Some(items)) => Ok(items.iter().map(raw::name).collect()),
                (None, None) => Ok(raw::name(value)),
            },
            // What went through a struct was read again by a library that knows no integers.
            Self::JsonPath { path, as_json, missing_is_empty } if !sorted => {
                Ok(path.print(&with_floats(value), *missing_is_empty, *as_json)?)
            }
            Self::JsonPath { path, as_json, missing_is_empty } => Ok(path.print(value, *missing_is_empty, *as_json)?),
            Self::Template(template) => {
                let raw = if sorted { gotext::json(value) } else { gotext::json_as_is(value) };
                template.print(value, &raw)
            }
            Self::Columns(columns) => Ok(rows(columns, value)?),
        }
    }
}

/// The table of the objects of a list, or of one object.
fn rows(columns: &Columns, value: &Value) -> Result<String, String> {
    let objects = value.get("items").and_then(Value::as_array).map_or(std::slice::from_ref(value), Vec::as_slice);
    let rows = objects.iter().map(|object| columns.row(object)).collect::<Result<Vec<_>, _>>()?;
    Ok(super::table::aligned(columns.headings(), rows))
}

fn with_floats(value: &Value) -> Value {
    match value {
        Value::Number(n) => n.as_f64().and_then(Number::from_f64).map_or_else(|| value.clone(), Value::Number),
        Value::Array(items) => items.iter().map(with_floats).collect(),
        Value::Object(fields) => Value::Object(fields.iter().map(|(k, v)| (k.clone(), with_floats(v))).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wanted<'a>(word: &'a str, template: &'a str) -> Wanted<'a> {
        Wanted { word, template, missing_is_empty: true, columns: false }
    }

    fn printed(word: &str, template: &str) -> Result<String, String> {
        let printer = Printer::of(wanted(word, template), |path| Err(format!("open {}: no such file or directory", path.display())))?;
        let value = json!({"kind": "Task", "apiVersion": "tekton.dev/v1", "metadata": {"name": "a", "generation": 1_000_000}});
        printer.print(&Document { value, structure: None }).map_err(|refused| refused.message)
    }

    #[test]
    fn every_format_prints() {
        for (word, template, text) in [
            ("name", "", "task.tekton.dev/a\n"),
            ("NAME", "", "task.tekton.dev/a\n"),
            ("jsonpath={.kind}", "", "Task"),
            ("jsonpath", "{.metadata.generation}", "1000000"),
            ("jsonpath-as-json={.kind}", "", "[\n    \"Task\"\n]\n"),
            ("go-template={{.metadata.name}} {{.nope}}", "", "a <no value>"),
            ("template", "{{exists . \"metadata\" \"name\"}}", "true"),
            ("go-template={{\"aGk=\" | base64decode}}", "", "hi"),
        ] {
            assert_eq!(printed(word, template).as_deref(), Ok(text), "{word} {template}");
        }
    }

    #[test]
    fn what_is_no_format_is_refused_in_kubectls_words() {
        let known = "go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,yaml";
        let unknown =
            |word: &str| format!("unable to match a printer suitable for the output format \"{word}\", allowed formats are: {known}");
        for (word, template, why) in [
            ("wide", "", unknown("wide")),
            ("jsonpath={.a}", "{.b}", unknown("jsonpath={.a}")),
            ("custom-columns=A:.b", "", unknown("custom-columns=A:.b")),
            ("jsonpath", "", "template format specified but no template given".to_owned()),
            ("jsonpath=", "", "template format specified but no template given".to_owned()),
            ("jsonpath-file=x", "", "error reading --template x, open x: no such file or directory".to_owned()),
        ] {
            assert_eq!(printed(word, template), Err(why), "{word} {template}");
        }
    }

    #[test]
    fn a_list_that_went_through_a_struct_keeps_its_order_and_has_no_integers() {
        let value = json!({"kind": "TaskRunList", "items": [{"kind": "TaskRun", "n": 1_000_000}]});
        let document = Document { value, structure: Some("*v1.TaskRunList".to_owned()) };
        let print = |word: &str| Printer::of(wanted(word, ""), |_| Err(String::new())).unwrap().print(&document);
        assert!(print("json").unwrap().starts_with("{\n    \"kind\": \"TaskRunList\",\n    \"items\""));
        assert_eq!(print("jsonpath={.items[0].n}").unwrap(), "1e+06");
        assert_eq!(print("go-template={{(index .items 0).n}}").unwrap(), "1000000");
        assert_eq!(print("name").unwrap_err().message, "list types are not supported by name printing: *v1.TaskRunList");
    }
}
