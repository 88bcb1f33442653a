//! `$(steps.NAME.results.RESULT)` in a later step's env, command and args: the only variables that are known while a task
//! runs, which Tekton's entrypoint replaces just before the step as well.

use std::collections::BTreeMap;

use serde_json::Value;

/// Results by step and name.
pub type Known = BTreeMap<(String, String), String>;

const BEGIN: &str = "$(steps.";

/// The text with every known reference replaced; what is not known stays as it is.
pub fn replace(text: &str, known: &Known) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(BEGIN) {
        out.push_str(&rest[..start]);
        let end = rest[start..].find(')').map_or(rest.len(), |end| start + end + 1);
        let reference = &rest[start..end];
        match lookup(reference, known).and_then(|(value, part)| text_of(value, part)) {
            Some(value) => out.push_str(&value),
            None => out.push_str(reference),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// An argument with every known reference replaced; one that is nothing but a whole array (`[*]`) becomes its elements.
pub fn replace_argument(argument: &str, known: &Known) -> Vec<String> {
    if let Some((value, Part::All)) = lookup(argument, known)
        && let Ok(Value::Array(items)) = serde_json::from_str(value)
    {
        return items.iter().map(plain).collect();
    }
    vec![replace(argument, known)]
}

enum Part<'a> {
    Whole,
    All,
    Index(usize),
    Key(&'a str),
}

/// Takes `$(steps.NAME.results.RESULT)` apart, with `[*]`, `[0]` or `.key` behind the result's name.
fn lookup<'k, 'r>(reference: &'r str, known: &'k Known) -> Option<(&'k str, Part<'r>)> {
    let inner = reference.strip_prefix(BEGIN)?.strip_suffix(')')?;
    let (step, result) = inner.split_once(".results.")?;
    let (name, part) = if let Some((name, index)) = result.strip_suffix(']').and_then(|r| r.split_once('[')) {
        (name, if index == "*" { Part::All } else { Part::Index(index.parse().ok()?) })
    } else if let Some((name, key)) = result.split_once('.') {
        (name, Part::Key(key))
    } else {
        (result, Part::Whole)
    };
    let value = known.get(&(step.to_owned(), name.to_owned()))?;
    Some((value, part))
}

fn text_of(value: &str, part: Part<'_>) -> Option<String> {
    let parsed = || serde_json::from_str::<Value>(value).ok();
    match part {
        Part::Whole => Some(value.to_owned()),
        Part::All => None,
        Part::Index(index) => parsed()?.get(index).map(plain),
        Part::Key(key) => parsed()?.get(key).map(plain),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_earlier_steps_are_replaced() {
        let pairs = [("a", "s", "text"), ("a", "l", r#"["x","y"]"#), ("a", "o", r#"{"k":"v"}"#)];
        let known: Known = pairs.iter().map(|(s, r, v)| ((s.to_string(), r.to_string()), v.to_string())).collect();
        assert_eq!(replace("<$(steps.a.results.s)> $(steps.a.results.l[1]) $(steps.a.results.o.k)", &known), "<text> y v");
        assert_eq!(replace("$(steps.b.results.s) $(params.x) $(steps.", &known), "$(steps.b.results.s) $(params.x) $(steps.");
        assert_eq!(replace_argument("$(steps.a.results.l[*])", &known), ["x", "y"]);
        assert_eq!(replace_argument("n=$(steps.a.results.s)", &known), ["n=text"]);
    }
}
