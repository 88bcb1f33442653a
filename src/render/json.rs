//! JSON as Go prints it for kubectl and tkn: four spaces, and `<`, `>` and `&` escaped.

use serde_json::Value;

/// The value as indented JSON with a line break at its end; keys stand in the order of the value.
pub fn json(value: &Value) -> String {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    serde::Serialize::serialize(value, &mut serializer).expect("a JSON value is always serializable");
    let text = String::from_utf8(out).expect("JSON is UTF-8");
    // These characters occur within strings only, never in JSON's own syntax.
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as value;

    #[test]
    fn looks_as_go_prints_it() {
        let object = value!({"b": ["x<y>&"], "a": {}, "c": []});
        assert_eq!(json(&object), "{\n    \"b\": [\n        \"x\\u003cy\\u003e\\u0026\"\n    ],\n    \"a\": {},\n    \"c\": []\n}\n");
    }
}
