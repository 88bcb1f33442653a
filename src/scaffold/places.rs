//! Where the fields of a YAML text stand, so that a message can name line and column of the very field it is about.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// The fields of one YAML document and their places.
#[derive(Clone, Debug, Default)]
pub struct Places {
    root: Node,
    /// Lines of the text before the document
    before: u64,
}

/// Line and column, both from 1.
pub type Place = (u64, u64);

/// A value: the fields of a map or the items of a list, each with its place; nothing of other values.
#[derive(Clone, Debug, Default)]
struct Node(Vec<(String, Place, Node)>);

impl Places {
    /// The places in a document that follows so many lines. Of a text that is no YAML nothing is known.
    pub fn of(document: &str, before: u64) -> Self {
        Self { root: serde_saphyr::from_str(document).unwrap_or_default(), before }
    }

    /// The place of a field, given as the names of fields and the numbers of items that lead to it; of the innermost
    /// one that is there, where the last ones are not.
    pub fn at<S: AsRef<str>>(&self, path: &[S]) -> Option<Place> {
        let (mut node, mut place) = (&self.root, None);
        for step in path {
            let Some((_, at, next)) = node.0.iter().find(|(name, ..)| name == step.as_ref()) else { break };
            (node, place) = (next, Some(*at));
        }
        place.map(|(line, column)| (self.before + line, column))
    }

    /// The line of an item such as `items[2].`; none for the document itself.
    pub fn line_of(&self, path: &str) -> Option<u64> {
        self.at(&steps(path)).map(|(line, _)| line)
    }

    /// The places below a field of the document, such as `items[2].`; all of them for the empty path.
    #[must_use]
    pub fn within(&self, path: &str) -> Self {
        let mut root = &self.root;
        for step in steps(path) {
            match root.0.iter().find(|(name, ..)| *name == step) {
                Some((_, _, next)) => root = next,
                None => return Self::default(),
            }
        }
        Self { root: root.clone(), before: self.before }
    }

    /// The place of the field that a server's message names: `unknown field "spec.steps[0].imag"`, or the bare name of a
    /// field, which then has to stand in the document once only.
    pub fn of_message(&self, message: &str) -> Option<Place> {
        let named = message.split_once("unknown field \"").and_then(|(_, rest)| rest.split('"').next());
        let mut words = message.split([' ', ':', ',']).map(|word| word.trim_start_matches('.'));
        let path = named.or_else(|| words.find(|word| word.starts_with("spec.") || word.starts_with("metadata.")))?;
        let steps = steps(path.trim_start_matches('.'));
        if steps.len() > 1 {
            return self.at(&steps);
        }
        let mut found = Vec::new();
        self.root.every(&steps[0], &mut found);
        match found[..] {
            [(line, column)] => Some((self.before + line, column)),
            _ => None,
        }
    }
}

impl Node {
    fn every(&self, name: &str, found: &mut Vec<Place>) {
        for (own, place, node) in &self.0 {
            if own == name {
                found.push(*place);
            }
            node.every(name, found);
        }
    }
}

/// `spec.steps[0].image` as its steps.
fn steps(path: &str) -> Vec<String> {
    path.split(['.', '[']).map(|step| step.trim_end_matches(']').to_owned()).filter(|step| !step.is_empty()).collect()
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Fields)
    }
}

struct Fields;

macro_rules! leaves {
    ($($visit:ident $type:ty),*) => {
        $(fn $visit<E>(self, _: $type) -> Result<Node, E> {
            Ok(Node::default())
        })*
    };
}

impl<'de> Visitor<'de> for Fields {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    leaves!(visit_bool bool, visit_i64 i64, visit_u64 u64, visit_f64 f64, visit_str &str, visit_i128 i128, visit_u128 u128);

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::default())
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Spanned<Node>>()? {
            items.push((items.len().to_string(), place(&item), item.value));
        }
        Ok(Node(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let at = place(&key);
            fields.push((key.value, at, map.next_value()?));
        }
        Ok(Node(fields))
    }
}

fn place<T>(spanned: &Spanned<T>) -> Place {
    (spanned.referenced.line(), spanned.referenced.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "# a task\nkind: Task\nmetadata: {name: t, labels: {a.b/c: d}}\nspec:\n  steps:\n  - name: a\n    imag: x\n  - {name: b, \"imag\": y, size: 3}\n";

    #[test]
    fn fields_are_found_by_their_path() {
        let places = Places::of(TASK, 10);
        assert_eq!(places.at(&["kind"]), Some((12, 1)));
        assert_eq!(places.at(&["spec", "steps", "0", "imag"]), Some((17, 5)));
        assert_eq!(places.at(&["spec", "steps", "1", "imag"]), Some((18, 15)));
        assert_eq!(places.at(&["metadata", "labels", "a.b/c"]), Some((13, 30)));
        assert_eq!(places.at(&["spec", "steps", "1"]), Some((18, 5)));
        assert_eq!(places.at(&["spec", "steps", "7", "x"]), Some((15, 3)), "the innermost that is there");
        assert_eq!(places.at(&["nothing"]), None);
    }

    #[test]
    fn fields_are_found_by_what_a_server_says_of_them() {
        let places = Places::of(TASK, 0);
        assert_eq!(places.of_message("unknown field \"spec.steps[0].imag\""), Some((7, 5)));
        assert_eq!(places.of_message("admission webhook \"w\" denied the request: unknown field \"spec.steps[0].imag\""), Some((7, 5)));
        assert_eq!(
            places.of_message("failed to create typed patch object (a/b; c): .spec.steps[0].imag: field not declared in schema"),
            Some((7, 5))
        );
        assert_eq!(places.of_message("cannot decode incoming new object: json: unknown field \"size\""), Some((8, 26)));
        assert_eq!(places.of_message("json: unknown field \"imag\""), None, "it stands there twice");
        assert_eq!(places.of_message("expected exactly one, got neither: spec.steps[1].name, spec.x"), Some((8, 6)));
        assert_eq!(places.of_message("no such thing"), None);
    }

    #[test]
    fn of_what_is_no_yaml_nothing_is_known() {
        assert_eq!(Places::of("a: [", 0).at(&["a"]), None);
    }
}
