//! The JSONPath expressions of TriggerBindings: `$(body.a.b)`, `$(body.list[0])`, `$(header.X-Y)`. What is found is
//! written as Triggers writes it: a string without its quotes but escaped as in JSON, everything else as Go's JSON.

use serde_json::Value;

/// Why an expression yields nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The event has no such field
    #[error("{0} is not found")]
    Missing(String),
    /// An index beyond the array's end
    #[error("array index out of bounds: index {index}, length {length}")]
    OutOfBounds {
        /// The index
        index: i64,
        /// Length of the array
        length: usize,
    },
    /// Something that is no index, or brackets that do not close
    #[error("invalid expression {0:?}")]
    Invalid(String),
    /// What the real listener can do and this one cannot
    #[error("{0} in an expression is not supported by the sandbox")]
    Unsupported(&'static str),
}

/// One step of an expression.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Field(String),
    Index(i64),
    All,
    Slice(Option<i64>, Option<i64>),
}

/// A parsed expression.
#[derive(Debug, PartialEq, Eq)]
pub struct Path {
    parts: Vec<Part>,
}

impl Path {
    /// Reads what stands between `$(` and `)`; the leading dot and the braces of a full JSONPath may be left out.
    ///
    /// # Errors
    /// When it is no expression, or one that the sandbox cannot evaluate.
    pub fn parse(expression: &str) -> Result<Path, PathError> {
        let inner = expression.strip_prefix('{').and_then(|e| e.strip_suffix('}')).unwrap_or(expression);
        let inner = inner.strip_prefix('.').unwrap_or(inner);
        let invalid = || PathError::Invalid(expression.to_owned());
        if inner.is_empty() || inner.contains(['{', '}']) {
            return Err(invalid());
        }
        let mut parts = Vec::new();
        let mut rest = inner;
        while !rest.is_empty() {
            if rest.starts_with("..") {
                return Err(PathError::Unsupported("recursive descent (..)"));
            }
            if let Some(bracket) = rest.strip_prefix('[') {
                let end = closing(bracket).ok_or_else(invalid)?;
                parts.push(bracketed(&bracket[..end], expression)?);
                rest = &bracket[end + 1..];
            } else {
                let field = rest.strip_prefix('.').unwrap_or(rest);
                let (name, after) = take_field(field);
                if name.is_empty() {
                    return Err(invalid());
                }
                parts.push(if name == "*" { Part::All } else { Part::Field(name) });
                rest = after;
            }
        }
        Ok(Path { parts })
    }

    /// The text of what the expression selects.
    ///
    /// # Errors
    /// When a field is missing or an index is out of bounds.
    pub fn find(&self, event: &Value) -> Result<String, PathError> {
        let mut found = vec![event];
        for part in &self.parts {
            found = part.select(&found)?;
        }
        match found.as_slice() {
            [Value::String(text)] => {
                let quoted = go_json(&Value::String(text.clone()));
                Ok(quoted[1..quoted.len() - 1].to_owned())
            }
            [value] => Ok(go_json(value)),
            values => Ok(go_json(&values.iter().map(|v| (*v).clone()).collect())),
        }
    }
}

impl Part {
    fn select<'v>(&self, from: &[&'v Value]) -> Result<Vec<&'v Value>, PathError> {
        let mut found = Vec::new();
        for value in from {
            match self {
                Part::Field(name) => found.push(value.get(name).ok_or_else(|| PathError::Missing(name.clone()))?),
                Part::Index(index) => found.push(at_index(value, *index)?),
                Part::All => match value {
                    Value::Array(items) => found.extend(items),
                    Value::Object(fields) => found.extend(fields.values()),
                    _ => {}
                },
                Part::Slice(from, to) => {
                    let items = value.as_array().ok_or_else(|| PathError::Missing("array".to_owned()))?;
                    let place =
                        |index: i64| if index < 0 { index + items.len() as i64 } else { index }.clamp(0, items.len() as i64) as usize;
                    let (from, to) = (from.map_or(0, place), to.map_or(items.len(), place));
                    found.extend(items.get(from..to).unwrap_or_default());
                }
            }
        }
        Ok(found)
    }
}

fn at_index(value: &Value, index: i64) -> Result<&Value, PathError> {
    let items = value.as_array().ok_or_else(|| PathError::Missing(format!("[{index}]")))?;
    let place = if index < 0 { index + items.len() as i64 } else { index };
    let item = usize::try_from(place).ok().and_then(|place| items.get(place));
    item.ok_or(PathError::OutOfBounds { index, length: items.len() })
}

/// The name up to the next `.` or `[`; a backslash takes the next character as it is.
fn take_field(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '.' | '[' => return (name, &text[at..]),
            '\\' => name.extend(chars.next().map(|(_, c)| c)),
            c => name.push(c),
        }
    }
    (name, "")
}

/// Where the bracket closes, quoted names passed over.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == ']' => return Some(at),
            None => {}
        }
    }
    None
}

fn bracketed(inside: &str, expression: &str) -> Result<Part, PathError> {
    let invalid = || PathError::Invalid(expression.to_owned());
    let number = |text: &str| text.trim().parse::<i64>().map_err(|_| invalid());
    let bound = |text: &str| if text.trim().is_empty() { Ok(None) } else { number(text).map(Some) };
    let quoted =
        ['\'', '"'].iter().find_map(|quote| inside.strip_prefix(*quote)?.strip_suffix(*quote).filter(|name| !name.contains(*quote)));
    match inside.trim() {
        "*" => Ok(Part::All),
        filter if filter.starts_with('?') => Err(PathError::Unsupported("a filter ([?(…)])")),
        _ if quoted.is_some() => Ok(Part::Field(quoted.unwrap_or_default().to_owned())),
        union if union.contains(',') => Err(PathError::Unsupported("a union ([a,b])")),
        slice if slice.contains(':') => {
            let (from, to) = slice.split_once(':').ok_or_else(invalid)?;
            if to.contains(':') {
                return Err(PathError::Unsupported("the step of a slice ([a:b:c])"));
            }
            Ok(Part::Slice(bound(from)?, bound(to)?))
        }
        index => Ok(Part::Index(number(index)?)),
    }
}

/// JSON as Go's encoder writes what it has decoded: keys sorted, numbers as floating point, `<`, `>` and `&` escaped.
pub fn go_json(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            let pairs: Vec<String> = names.iter().map(|name| format!("{}:{}", go_string(name), go_json(&fields[*name]))).collect();
            format!("{{{}}}", pairs.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(go_json).collect::<Vec<_>>().join(",")),
        Value::String(text) => go_string(text),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), go_number),
        Value::Bool(_) | Value::Null => value.to_string(),
    }
}

fn go_string(text: &str) -> String {
    let json = Value::String(text.to_owned()).to_string();
    let escapes = [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u{2028}", "\\u2028"), ("\u{2029}", "\\u2029")];
    escapes.iter().fold(json, |json, (from, to)| json.replace(from, to))
}

fn go_number(number: f64) -> String {
    if number == 0.0 || (1e-6..1e21).contains(&number.abs()) {
        return format!("{number}");
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn find(expression: &str) -> Result<String, PathError> {
        let event = json!({
            "body": {
                "url": "a \"b\" <c>\n", "id": 12345678901234567890_u64, "half": 0.5, "none": null,
                "list": ["x", {"z": 1, "a": [true]}, 3], "a.b": "dotted", "deep": {"er": {"est": "found"}},
            },
            "header": {"X-Github-Event": "push"},
        });
        Path::parse(expression)?.find(&event)
    }

    #[test]
    fn strings_lose_their_quotes_and_keep_their_escapes() {
        assert_eq!(find("body.url").as_deref(), Ok(r#"a \"b\" \u003cc\u003e\n"#));
        assert_eq!(find("{.body.deep.er.est}").as_deref(), Ok("found"));
        assert_eq!(find("header.X-Github-Event").as_deref(), Ok("push"));
        assert_eq!(find(r"body.a\.b").as_deref(), Ok("dotted"));
        assert_eq!(find("body['a.b']").as_deref(), Ok("dotted"));
    }

    #[test]
    fn everything_else_is_json_as_go_writes_it() {
        assert_eq!(find("body.id").as_deref(), Ok("12345678901234567000"));
        assert_eq!(find("body.half").as_deref(), Ok("0.5"));
        assert_eq!(find("body.none").as_deref(), Ok("null"));
        assert_eq!(find("body.list[1]").as_deref(), Ok(r#"{"a":[true],"z":1}"#));
        assert_eq!(find("body.list[-1]").as_deref(), Ok("3"));
        assert_eq!(find("body.list[*]").as_deref(), Ok(r#"["x",{"a":[true],"z":1},3]"#));
        assert_eq!(find("body.list[0:1]").as_deref(), Ok("x"));
        assert_eq!(go_number(1e21), "1e+21");
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(find("body.nothing.more"), Err(PathError::Missing("nothing".to_owned())));
        assert_eq!(find("body.list[7]"), Err(PathError::OutOfBounds { index: 7, length: 3 }));
        assert!(matches!(find("body..url"), Err(PathError::Unsupported(_))));
        assert!(matches!(find("body.list[?(@.z==1)]"), Err(PathError::Unsupported(_))));
        assert!(matches!(find("body.list[x]"), Err(PathError::Invalid(_))));
        assert!(matches!(find("body."), Err(PathError::Invalid(_))));
    }
}
