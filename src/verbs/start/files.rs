//! The texts that flags name: files of this machine, or URLs.

use std::io::ErrorKind;

use serde_json::Value;

use crate::client::web;
use crate::failure::Failure;
use crate::input;
use crate::scaffold::documents::{self, Wrong};

/// A text, and the name under which messages speak of it.
pub(super) struct Text {
    pub(super) name: String,
    pub(super) text: String,
}

/// Reads what a flag names; only YAML is taken, and only under a name that says so.
///
/// # Errors
/// As tkn words them: another suffix, no such file, no such page.
pub(super) async fn yaml(place: &str) -> Result<Text, Failure> {
    if !place.ends_with(".yaml") && !place.ends_with(".yml") {
        return Err(Failure::usage(format!("invalid file format for {place}: .yaml or .yml file extension and format required")));
    }
    read(place).await
}

/// Reads what a flag names, be it called as it will.
///
/// # Errors
/// No such file, no such page.
pub(super) async fn read(place: &str) -> Result<Text, Failure> {
    let text = match place.starts_with("http://") || place.starts_with("https://") {
        true => page(place).await?,
        false => file(place)?,
    };
    Ok(Text { name: place.to_owned(), text })
}

fn file(path: &str) -> Result<String, Failure> {
    let bytes = input::bytes(path).map_err(|error| {
        let verb = if error.kind() == ErrorKind::IsADirectory { "read" } else { "open" };
        let words = error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase();
        Failure::other(format!("{verb} {path}: {words}"))
    })?;
    String::from_utf8(bytes).map_err(|_| Failure::invalid(format!("{path} is no UTF-8")))
}

async fn page(url: &str) -> Result<String, Failure> {
    let (status, text) = web::get(url).await?;
    match status {
        200..300 => Ok(text),
        404 => Err(Failure::not_found("url specified returned a 404: not found")),
        _ => Err(Failure::other(format!("{url} answered with status {status}"))),
    }
}

impl Text {
    /// The text as one YAML value.
    ///
    /// # Errors
    /// Where it is no YAML.
    pub(super) fn value(&self) -> Result<Value, Failure> {
        documents::value(&self.text).map_err(|wrong| self.wrong(&wrong))
    }

    /// What is wrong with the text, and where.
    pub(super) fn wrong(&self, wrong: &Wrong) -> Failure {
        let Wrong { line, reason, .. } = wrong;
        let unclosed = [("unclosed bracket '['", "]"), ("unclosed bracket '{'", "}")];
        let failure = Failure::invalid(format!("{}, {wrong}", self.name));
        match unclosed.iter().find(|(begin, _)| reason.starts_with(begin)) {
            Some((_, end)) => {
                failure.in_words_of_tkn(format!("error converting YAML to JSON: yaml: line {line}: did not find expected ',' or '{end}'"))
            }
            None => failure,
        }
    }
}
