//! Fields that a file has and Tekton does not: they are mistakes, and each is named with its line and column.

use serde_json::Value;

use super::files::{self, Text};
use crate::failure::Failure;
use crate::kinds::Kind;
use crate::near::nearest;
use crate::objects::shape::scalars;
use crate::objects::shape::strict::{self, Wrong};
use crate::scaffold::documents::Document;
use crate::scaffold::places::Places;

/// Refuses an object with fields that its kind does not have.
///
/// # Errors
/// When there are some.
pub(super) fn document(file: &str, kind: &Kind, document: &Document) -> Result<(), Failure> {
    refuse(file, &document.places, &strict::object(kind.kind, &document.written))
}

/// The same of a text that is one object.
///
/// # Errors
/// When there are some.
pub(super) fn value(text: &Text, kind: &Kind, value: &Value) -> Result<(), Failure> {
    refuse(&text.name, &Places::of(&text.text, 0), &strict::object(kind.kind, value))
}

/// Reads a file that holds a struct of the API by itself, such as a pod template.
///
/// # Errors
/// When it cannot be read, or has other fields.
pub(super) async fn part(place: &str, name: &str) -> Result<Value, Failure> {
    let text = files::yaml(place).await?;
    let mut value = text.value()?;
    if value.is_null() {
        value = Value::Object(serde_json::Map::new());
    }
    refuse(&text.name, &Places::of(&text.text, 0), &strict::part(name, &value))?;
    scalars::value(name, &mut value);
    Ok(value)
}

fn refuse(file: &str, places: &Places, wrong: &[Wrong]) -> Result<(), Failure> {
    let Some(first) = wrong.first() else { return Ok(()) };
    let lines: Vec<String> = wrong.iter().map(|wrong| line(file, places, wrong)).collect();
    let failure = Failure::invalid(lines.join("\n"));
    Err(match (first.wanted, first.path.last()) {
        (None, Some(name)) => {
            failure.in_words_of_tkn(format!("error unmarshaling JSON: while decoding JSON: json: unknown field {name:?}"))
        }
        _ => failure,
    })
}

fn line(file: &str, places: &Places, wrong: &Wrong) -> String {
    let place = places.at(&wrong.path).map(|(line, column)| format!(", line {line}, column {column}")).unwrap_or_default();
    let field = wrong.field();
    let near = || nearest(wrong.path.last()?, wrong.known.iter().copied()).map(|near| format!("; did you mean {near}?"));
    match wrong.wanted {
        Some(wanted) => format!("{file}{place}: {field}: expected {wanted}"),
        None => format!("{file}{place}: unknown field {field:?}{}", near().unwrap_or_default()),
    }
}
