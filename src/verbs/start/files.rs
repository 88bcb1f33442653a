//! The texts that flags name: files of this machine, or URLs.

use std::io::ErrorKind;

use serde_json::Value;

use crate::failure::{Failure, Kind};
use crate::input;
use crate::scaffold::documents::{self, Wrong};
use crate::scaffold::places::{Place, Places};
use crate::verbs::page;

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
    let text = match page::is_url(place) {
        true => page::text(place).await.map_err(|failure| match failure.kind {
            Kind::NotFound => Failure::not_found("url specified returned a 404: not found"),
            _ => failure,
        })?,
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

impl Text {
    /// The text as one YAML value.
    ///
    /// # Errors
    /// Where it is no YAML.
    pub(super) fn value(&self) -> Result<Value, Failure> {
        documents::value(&self.text).map_err(|wrong| self.wrong(&wrong))
    }

    /// The same with numbers and truths as texts, as they are written: `1.10` is a version, and no number that has lost its zero.
    ///
    /// # Errors
    /// Where it is no YAML.
    pub(super) fn value_of_texts(&self) -> Result<Value, Failure> {
        let mut value = self.value()?;
        keep_writing(&mut value, &mut Vec::new(), &Places::of(&self.text, 0), &self.text);
        Ok(value)
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

fn keep_writing(value: &mut Value, path: &mut Vec<String>, places: &Places, text: &str) {
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                path.push(i.to_string());
                keep_writing(item, path, places, text);
                path.pop();
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                path.push(name.clone());
                keep_writing(field, path, places, text);
                path.pop();
            }
        }
        Value::Number(_) | Value::Bool(_) => {
            let place = places.at(path).zip(path.last());
            if let Some(word) = place.and_then(|(place, field)| word(text, place, field, value)) {
                *value = word.into();
            }
        }
        Value::String(_) | Value::Null => {}
    }
}

/// The word that a number or truth is written as: what stands at a field's place behind its name, or at an item's, if it reads as
/// that value.
fn word<'t>(text: &'t str, (line, column): Place, field: &str, value: &Value) -> Option<&'t str> {
    let line = text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
    let (at, _) = line.char_indices().nth(usize::try_from(column).ok()?.checked_sub(1)?)?;
    let rest = &line[at..];
    let behind_name =
        rest.trim_start_matches(['"', '\'']).strip_prefix(field).map(|rest| rest.trim_start_matches(['"', '\'']).trim_start());
    let rest = behind_name.and_then(|rest| rest.strip_prefix(':')).unwrap_or(rest);
    let word = rest.trim_start().split([',', '}', ']', ' ', '\t']).next()?;
    (documents::value(word).ok()? == *value).then_some(word)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_kept_as_they_are_written() {
        let text = "version: 1.10\nhex: 0x10 # sixteen\nlist: [1.0, yes, a]\nflow: {\"on\": 1e3, b: [2.50]}\nword: text\n".to_owned();
        let text = Text { name: "p.yaml".into(), text };
        let wanted =
            json!({"version": "1.10", "hex": "0x10", "list": ["1.0", "yes", "a"], "flow": {"on": "1e3", "b": ["2.50"]}, "word": "text"});
        assert_eq!(text.value_of_texts().expect("YAML"), wanted);
    }
}
