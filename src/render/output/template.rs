//! Go templates, as `-o go-template` takes them: the language is gotmpl's, kubectl's two functions are added, and what
//! goes wrong is told as kubectl tells it.

mod place;
mod unnoticed;

use std::fmt::Write as _;
use std::sync::Arc;

use base64::{DecodeError, Engine as _};
use gotmpl::{MissingKey, Template as Parsed, TemplateError, Value as Data};
use serde_json::Value;

use super::Refused;
use super::gotext;

/// The name of every template, as errors tell it.
const NAME: &str = "output";

/// A parsed template.
pub struct Template {
    parsed: Parsed,
    text: String,
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Template").field(&self.text).finish()
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// In kubectl's words, when it is none.
    pub fn parse(text: &str, missing_is_empty: bool) -> Result<Self, String> {
        let missing = if missing_is_empty { MissingKey::ZeroValue } else { MissingKey::Error };
        let template = Parsed::new(NAME).missing_key(missing).func("exists", exists).func("base64decode", base64decode);
        let refused = |why: String| format!("error parsing template {text}, {why}");
        let parsed = template.parse(text).map_err(|why| refused(parse_error(&why)))?;
        if let Some(why) = unnoticed::by_the_library(&parsed, text) {
            return Err(refused(format!("template: {NAME}:{why}")));
        }
        Ok(Self { parsed, text: text.to_owned() })
    }

    /// The text that it makes of an object; `raw` is the object as JSON.
    ///
    /// # Errors
    /// In kubectl's words, with what was printed before and the whole object after it.
    pub fn print(&self, object: &Value, raw: &str) -> Result<String, Refused> {
        let mut out = String::new();
        let Err(why) = self.parsed.execute_fmt(&mut out, &data(object)) else { return Ok(out) };
        let why = place::execution_error(&why, self.parsed.lookup(NAME), &self.text, object);
        write!(
            out,
            "Error executing template: {why}. Printing more information for debugging the template:\n\
             \ttemplate was:\n\t\t{}\n\traw data was:\n\t\t{raw}\n\tobject given to template engine was:\n\t\t{}\n\n",
            self.text,
            gotext::plain(object)
        )
        .expect("a string takes all");
        Err(Refused { printed: out, message: format!("error executing template {}: {why}", gotext::quoted(&self.text)) })
    }
}

fn data(value: &Value) -> Data {
    match value {
        Value::Null => Data::Nil,
        Value::Bool(b) => Data::Bool(*b),
        Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(int), _) => Data::Int(int),
            (None, float) => Data::Float(float.unwrap_or_default()),
        },
        Value::String(s) => Data::String(s.as_str().into()),
        Value::Array(items) => Data::List(items.iter().map(data).collect()),
        Value::Object(fields) => Data::Map(Arc::new(fields.iter().map(|(k, v)| (k.as_str().into(), data(v))).collect())),
    }
}

/// Whether an index or a chain of keys leads to something.
fn exists(args: &[Data]) -> Result<Data, TemplateError> {
    let Some((item, keys)) = args.split_first() else { return Ok(Data::Bool(false)) };
    let found = keys.iter().try_fold(item.clone(), |item, key| match (&item, key) {
        (Data::Map(fields), Data::String(key)) => fields.get(key).cloned(),
        (Data::List(items), Data::Int(at)) => usize::try_from(*at).ok().and_then(|at| items.get(at).cloned()),
        _ => None,
    });
    Ok(Data::Bool(found.is_some_and(|found| !matches!(found, Data::Nil))))
}

fn base64decode(args: &[Data]) -> Result<Data, TemplateError> {
    let text = args.first().and_then(Data::as_str).unwrap_or_default();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    let bytes = bytes.map_err(|why| {
        let at = match why {
            DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => at,
            DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => text.len(),
        };
        TemplateError::Exec(format!("error calling base64decode: base64 decode failed: illegal base64 data at input byte {at}"))
    })?;
    Ok(Data::String(String::from_utf8_lossy(&bytes).into_owned().into()))
}

/// An error of the text as Go words it, which does not name the column.
fn parse_error(error: &TemplateError) -> String {
    match error {
        TemplateError::Parse { line, message, .. } | TemplateError::Lex { line, message, .. } => {
            format!("template: {NAME}:{line}: {message}")
        }
        other => format!("template: {NAME}:1: {other}"),
    }
}
