//! The flags about the form of an answer, and what is made of them: a printer, or none for tables and pages.

use std::path::Path;

use clap::{ArgAction, Args};

use crate::failure::Failure;
use crate::input;
use crate::objects::{Object, Seen};
use crate::render::{Document, ObjectPrinter, Refused, Wanted};
use crate::session::Session;

/// Flags about the form of the answer.
#[derive(Args, Clone, Debug)]
pub struct Output {
    /// As the server has it: json, yaml, name, jsonpath=…, go-template=…; of a list also wide and custom-columns=…
    #[arg(long, short, value_name = "FORMAT")]
    output: Option<String>,
    /// The template, or the file that it stands in, for a FORMAT without `=`; a Go template without any -o
    #[arg(long, value_name = "TEMPLATE")]
    template: Option<String>,
    /// Whether a template may name keys that are not there
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, value_parser = go_bool, num_args = 0..=1, require_equals = true,
        default_value = "true", default_missing_value = "true", hide_default_value = true, hide_possible_values = true)]
    allow_missing_template_keys: bool,
    /// Keep metadata.managedFields in JSON and YAML
    #[arg(long)]
    show_managed_fields: bool,
}

impl Default for Output {
    fn default() -> Self {
        Self { output: None, template: None, allow_missing_template_keys: true, show_managed_fields: false }
    }
}

/// The words that Go reads as a bool.
fn go_bool(word: &str) -> Result<bool, String> {
    match word {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("{word:?} is neither true nor false")),
    }
}

impl Output {
    /// The word after `-o`, as typed.
    pub fn word(&self) -> Option<&str> {
        self.output.as_deref()
    }

    /// Whether the table is wanted with all of its columns. tkn has no such table.
    pub fn is_wide(&self, session: &Session) -> bool {
        self.word() == Some("wide") && !session.stands_in_for_tkn()
    }

    /// The printer; none for tables and pages.
    ///
    /// # Errors
    /// When the word is no format, or its template is missing, cannot be read or is none.
    pub fn printer(&self, session: &Session) -> Result<Option<ObjectPrinter>, Failure> {
        let template = self.template.as_deref().unwrap_or_default();
        let word = match self.word() {
            Some(word) => word,
            // tkn looks at it behind -o only.
            None if template.is_empty() || session.stands_in_for_tkn() => "",
            None => "go-template",
        };
        if word.is_empty() {
            return Ok(None);
        }
        let missing_is_empty = self.allow_missing_template_keys;
        let wanted = Wanted { word, template, missing_is_empty, columns: !session.stands_in_for_tkn() };
        ObjectPrinter::of(wanted, read).map(Some).map_err(Failure::usage)
    }

    /// The object as it is to be printed; of a Secret no value.
    pub fn value<T: Object>(&self, seen: &Seen<T>, printer: &ObjectPrinter) -> serde_json::Value {
        let mut value = crate::scaffold::secret::redacted(&seen.value());
        if printer.is_whole()
            && !self.show_managed_fields
            && let Some(metadata) = value.get_mut("metadata").and_then(serde_json::Value::as_object_mut)
        {
            metadata.shift_remove("managedFields");
        }
        value
    }
}

/// A file as text; the error as Go words it, since it stands in the middle of kubectl's message.
fn read(path: &Path) -> Result<String, String> {
    let why = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    };
    let verb = if path.is_dir() { "read" } else { "open" };
    input::text(path).map_err(|error| format!("{verb} {}: {}", path.display(), why(error)))
}

/// Prints an object or a list. What a template printed before it failed stands on standard output nevertheless.
///
/// # Errors
/// When the template does not fit.
pub fn print(session: &mut Session, printer: &ObjectPrinter, document: &Document) -> Result<(), Failure> {
    match printer.print(document) {
        Ok(text) => write!(session.term.out(), "{text}")?,
        Err(Refused { printed, message }) => {
            write!(session.term.out(), "{printed}")?;
            return Err(Failure::invalid(message));
        }
    }
    Ok(())
}
