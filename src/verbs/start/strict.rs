//! Fields that a file has and Tekton does not: they are mistakes, and each is named with its line and column.

use serde_json::Value;

use super::files::{self, Text};
use crate::failure::Failure;
use crate::kinds::Kind;
use crate::near::nearest;
use crate::objects::shape::strict::{self, Wrong};
use crate::scaffold::documents::Document;
use crate::scaffold::places::Places;
use crate::session::Session;

/// Refuses an object with fields that its kind does not have.
///
/// # Errors
/// When there are some.
pub(super) fn document(session: &Session, file: &str, kind: &Kind, document: &Document) -> Result<(), Failure> {
    refuse(session, file, &document.places, &strict::object(kind.kind, &document.written))
}

/// Reads a file that holds a struct of the API by itself, such as a pod template.
///
/// # Errors
/// When it cannot be read, or has other fields.
pub(super) async fn part(session: &Session, place: &str, name: &str) -> Result<Value, Failure> {
    let text = files::yaml(place).await?;
    let value = text.value(session.stands_in_for_tkn())?;
    refuse_part(session, &text, &strict::part(name, &value))?;
    Ok(value)
}

fn refuse_part(session: &Session, text: &Text, wrong: &[Wrong]) -> Result<(), Failure> {
    if wrong.is_empty() {
        return Ok(());
    }
    refuse(session, &text.name, &Places::of(&text.text, 0), wrong)
}

fn refuse(session: &Session, file: &str, places: &Places, wrong: &[Wrong]) -> Result<(), Failure> {
    let Some(first) = wrong.first() else { return Ok(()) };
    if let (None, true, Some(name)) = (first.wanted, session.stands_in_for_tkn(), first.path.last()) {
        // Scripts read these words; where the field stands is a hint.
        let place = places.at(&first.path).map(|(line, column)| format!("{file}, line {line}, column {column}"));
        let failure = Failure::invalid(format!("error unmarshaling JSON: while decoding JSON: json: unknown field {name:?}"));
        return Err(place.into_iter().fold(failure, Failure::hint));
    }
    let lines: Vec<String> = wrong.iter().map(|wrong| line(file, places, wrong)).collect();
    Err(Failure::invalid(lines.join("\n")))
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
