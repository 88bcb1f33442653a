//! kubectl's JSONPath: a template language of text and actions in braces, with ranges, filters and unions, whose results
//! are printed as Go prints them. The crates for RFC 9535 know only its paths.

mod parse;
mod walk;

use serde_json::Value;

use super::gotext;
use parse::Node;
use walk::{Item, Walk};

/// A parsed template.
#[derive(Clone, Debug)]
pub struct JsonPath {
    nodes: Vec<Node>,
    text: String,
}

impl JsonPath {
    /// Reads a template.
    ///
    /// # Errors
    /// In kubectl's words, when it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let nodes = parse::parse(text).map_err(|why| format!("error parsing jsonpath {text}, {why}"))?;
        Ok(Self { nodes, text: text.to_owned() })
    }

    /// The text that it makes of an object; `as_json` makes an array of each action's results.
    ///
    /// # Errors
    /// In kubectl's words, which end with the whole object.
    pub fn print(&self, object: &Value, missing_is_empty: bool, as_json: bool) -> Result<String, String> {
        let found = Walk::new(&self.nodes, missing_is_empty).find(object).map_err(|why| self.failure(object, &why))?;
        Ok(found.into_iter().map(|results| if as_json { array(results) } else { joined(&results) }).collect())
    }

    /// What the template finds, in order.
    ///
    /// # Errors
    /// When a filter or an index does not fit the object.
    pub fn find(&self, object: &Value) -> Result<Vec<Value>, String> {
        let found = Walk::new(&self.nodes, true).find(object)?;
        Ok(found.into_iter().flatten().map(Item::into_owned).collect())
    }

    fn failure(&self, object: &Value, why: &str) -> String {
        format!(
            "error executing jsonpath {}: Error executing template: {why}. Printing more information for debugging the template:\n\
             \ttemplate was:\n\t\t{}\n\tobject given to jsonpath engine was:\n\t\t{}\n\n\n",
            gotext::quoted(&self.text),
            self.text,
            gotext::syntax(object)
        )
    }
}

fn array(results: Vec<Item<'_>>) -> String {
    gotext::json_indented(&Value::Array(results.into_iter().map(Item::into_owned).collect()), true) + "\n"
}

fn joined(results: &[Item<'_>]) -> String {
    results.iter().map(|item| text(item)).collect::<Vec<_>>().join(" ")
}

/// Maps and arrays as JSON, null by its name, anything else as Go prints it.
pub fn text(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => gotext::json(value),
        Value::Null => "null".to_owned(),
        scalar => gotext::plain(scalar),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Value {
        json!({
            "kind": "List",
            "items": [
                {"name": "a", "n": 1, "tags": ["x", "y"], "labels": {"a.b/c": "dotted"}, "state": {"ready": true}},
                {"name": "b", "n": 2, "tags": [], "labels": {}, "none": null},
                {"name": "c", "n": 3.5},
            ],
        })
    }

    #[test]
    fn templates_print_what_kubectl_prints() {
        for (template, printed) in [
            ("{.kind}", "List"),
            ("kind is {.kind}\\n", "kind is List\\n"),
            ("{$.kind}{\"\\n\"}{'\\t'}", "List\n\t"),
            ("{.items[*].name}", "a b c"),
            ("{.items[0].labels.a\\.b/c}", "dotted"),
            ("{.items[0]['labels']}", r#"{"a.b/c":"dotted"}"#),
            ("{.items[-1:].name}", "c"),
            ("{.items[0:2].name}", "a b"),
            ("{.items[::2].name}", "a c"),
            ("{.items[0]['name','n']}", "a 1"),
            ("{.items[0,2].name}", "a c"),
            ("{.items[?(@.name==\"b\")].n}", "2"),
            ("{.items[?(@.n>1)].name}", "b"),
            ("{.items[?(@.tags)].name}", "a b"),
            ("{.items[?(@.state.ready==true)].name}", "a"),
            ("{..name}", "a b c"),
            ("{range .items[*]}{.name}={.n};{end}done", "a=1;b=2;c=3.5;done"),
            ("{range .items[*]}[{range .tags[*]}{@},{end}]{end}", "[x,y,][][]"),
            ("{.items[1].none}", "null"),
            ("{.missing.deeper}", ""),
            ("{.items[0].state}", r#"{"ready":true}"#),
            ("{.items[0].tags.*}", "x y"),
            ("{1.5}{2}{true}", "1.52true"),
            ("text without an action", "text without an action"),
        ] {
            let path = JsonPath::parse(template).unwrap_or_else(|why| panic!("{template}: {why}"));
            // A comparison of an integer with a float is an error of kubectl's.
            let mut object = object();
            if template.contains("@.n>1") {
                object["items"][2]["n"] = json!(1);
            }
            assert_eq!(path.print(&object, true, false).as_deref(), Ok(printed), "{template}");
        }
    }

    #[test]
    fn as_json_every_action_is_an_array() {
        let path = JsonPath::parse("{.items[*].name}{.kind}").unwrap();
        assert_eq!(path.print(&object(), true, true).unwrap(), "[\n    \"a\",\n    \"b\",\n    \"c\"\n]\n[\n    \"List\"\n]\n");
    }

    #[test]
    fn what_is_no_template_is_refused_in_kubectls_words() {
        for (template, why) in [
            ("{.items[*", "unterminated array"),
            ("{.items", "unclosed action"),
            ("{.items[?(@.a==1]}", "unterminated filter"),
            ("{.items[x]}", "invalid array index x"),
            ("{'abc}", "unterminated quoted string"),
            ("{....}", "invalid multiple recursive descent"),
            ("{!}", "unrecognized character in action: U+0021 '!'"),
            ("{.items[?(@.a==1)x}", "unclosed array expect ]"),
            ("{1.2.3}", "cannot parse number 1.2.3"),
        ] {
            assert_eq!(JsonPath::parse(template).unwrap_err(), format!("error parsing jsonpath {template}, {why}"));
        }
    }

    #[test]
    fn what_does_not_fit_the_object_is_an_error_with_the_object() {
        let object = json!({"a": [1], "s": "t"});
        for (template, strict, why) in [
            ("{.a[3]}", false, "array index out of bounds: index 3, length 1"),
            ("{.s[0]}", false, "string is not array or slice"),
            ("{.s[?(@.x)]}", false, "t is not array or slice and cannot be filtered"),
            ("{.nope}", true, "nope is not found"),
            ("{end}", false, "not in range, nothing to end"),
            ("{foo}", false, "unrecognized identifier foo"),
            ("{.a[?(@==\"x\")]}", false, "incompatible types for comparison"),
        ] {
            let error = JsonPath::parse(template).unwrap().print(&object, !strict, false).unwrap_err();
            assert!(error.contains(&format!("Error executing template: {why}. Printing")), "{template}: {error}");
            assert!(error.ends_with("\t\tmap[string]interface {}{\"a\":[]interface {}{1}, \"s\":\"t\"}\n\n\n"), "{error}");
        }
    }
}
