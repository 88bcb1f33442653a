//! What the nodes of a template find in an object.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::super::gotext::{in_order, plain, type_name};
use super::parse::{Bound, Node};

/// A part of the object, or what the template says itself.
pub type Item<'a> = Cow<'a, Value>;

/// One walk over an object. Ranges nest, so what was begun and ended is counted.
pub struct Walk<'n> {
    nodes: &'n [Node],
    missing_is_empty: bool,
    begun: usize,
    open: usize,
    to_end: usize,
    /// Where the block ended that ended last
    last_end: usize,
}

impl<'n> Walk<'n> {
    /// A walk that has not begun.
    pub fn new(nodes: &'n [Node], missing_is_empty: bool) -> Self {
        Self { nodes, missing_is_empty, begun: 0, open: 0, to_end: 0, last_end: 0 }
    }

    /// The results of each text and action in turn.
    pub fn find<'a>(&mut self, object: &'a Value) -> Result<Vec<Vec<Item<'a>>>, String> {
        self.block(&Cow::Borrowed(object), 0)
    }

    /// Runs the template from a node on, to its end or to the end of the block.
    fn block<'a>(&mut self, current: &Item<'a>, from: usize) -> Result<Vec<Vec<Item<'a>>>, String> {
        let mut found = Vec::new();
        let mut i = from;
        while i < self.nodes.len() {
            let results = self.node(vec![current.clone()], &self.nodes[i])?;
            if self.to_end > 0 && self.to_end <= self.open {
                self.to_end -= 1;
                self.last_end = i;
                break;
            }
            if self.begun > 0 {
                self.begun -= 1;
                self.open += 1;
                for item in &results {
                    found.extend(self.block(item, i + 1)?);
                }
                if results.is_empty() {
                    // Nothing is printed, but the end of the block has to be found.
                    self.block(&Cow::Owned(Value::Null), i + 1)?;
                }
                self.open -= 1;
                i = self.last_end.max(i) + 1;
                continue;
            }
            found.push(results);
            i += 1;
        }
        Ok(found)
    }

    fn list<'a>(&mut self, input: Vec<Item<'a>>, nodes: &[Node]) -> Result<Vec<Item<'a>>, String> {
        nodes.iter().try_fold(input, |current, node| self.node(current, node))
    }

    fn node<'a>(&mut self, input: Vec<Item<'a>>, node: &Node) -> Result<Vec<Item<'a>>, String> {
        let each = |value: Value| Ok(input.iter().map(|_| Cow::Owned(value.clone())).collect());
        match node {
            Node::Action(nodes) => self.list(input, nodes),
            Node::Text(text) => Ok(vec![Cow::Owned(Value::String(text.clone()))]),
            Node::Int(n) => each(Value::from(*n)),
            Node::Float(f) => each(Number::from_f64(*f).map_or(Value::Null, Value::Number)),
            Node::Bool(b) => each(Value::Bool(*b)),
            Node::Field(name) => self.field(input, name),
            Node::Slice(bounds) => slices(input, *bounds),
            Node::Wildcard => Ok(input.into_iter().flat_map(children).collect()),
            Node::Recursive => Ok(input.into_iter().flat_map(descendants).collect()),
            Node::Union(lists) => {
                let mut found = Vec::new();
                for nodes in lists {
                    found.extend(self.list(input.clone(), nodes)?);
                }
                Ok(found)
            }
            Node::Filter(left, right, operator) => self.filter(input, left, right, operator),
            Node::Word(word) => self.word(input, word),
        }
    }

    fn word<'a>(&mut self, input: Vec<Item<'a>>, word: &str) -> Result<Vec<Item<'a>>, String> {
        match word {
            "range" => {
                self.begun += 1;
                Ok(input)
            }
            "end" if self.open > 0 => {
                self.to_end += 1;
                Ok(Vec::new())
            }
            "end" => Err("not in range, nothing to end".into()),
            other => Err(format!("unrecognized identifier {other}")),
        }
    }

    fn field<'a>(&self, input: Vec<Item<'a>>, name: &str) -> Result<Vec<Item<'a>>, String> {
        if input.is_empty() {
            return Ok(input);
        }
        let found: Vec<Item<'a>> = input.into_iter().filter_map(|item| member(item, name)).collect();
        match found.is_empty() && !self.missing_is_empty {
            true => Err(format!("{name} is not found")),
            false => Ok(found),
        }
    }

    fn filter<'a>(&mut self, input: Vec<Item<'a>>, left: &[Node], right: &[Node], operator: &str) -> Result<Vec<Item<'a>>, String> {
        let mut found = Vec::new();
        for item in input {
            if !item.is_array() {
                return Err(format!("{} is not array or slice and cannot be filtered", plain(&item)));
            }
            for element in children(item) {
                let lefts = self.list(vec![element.clone()], left);
                if operator == "exists" {
                    if lefts.is_ok_and(|lefts| !lefts.is_empty()) {
                        found.push(element);
                    }
                    continue;
                }
                let Some(a) = single(lefts?)? else { continue };
                let Some(b) = single(self.list(vec![element.clone()], right)?)? else { continue };
                if holds(&a, &b, operator)? {
                    found.push(element);
                }
            }
        }
        Ok(found)
    }
}

fn single(items: Vec<Item<'_>>) -> Result<Option<Item<'_>>, String> {
    match items.len() {
        0 | 1 => Ok(items.into_iter().next()),
        _ => Err("can only compare one element at a time".into()),
    }
}

fn member<'a>(item: Item<'a>, name: &str) -> Option<Item<'a>> {
    match item {
        Cow::Borrowed(value) => value.as_object()?.get(name).map(Cow::Borrowed),
        Cow::Owned(mut value) => value.as_object_mut()?.remove(name).map(Cow::Owned),
    }
}

/// The values of a map by their keys, the elements of an array, the bytes of a text; nothing of anything else.
fn children(item: Item<'_>) -> Vec<Item<'_>> {
    match item {
        Cow::Borrowed(value @ Value::Object(_)) => in_order(value).into_iter().map(|(_, v)| Cow::Borrowed(v)).collect(),
        Cow::Borrowed(Value::Array(items)) => items.iter().map(Cow::Borrowed).collect(),
        Cow::Owned(Value::Array(items)) => items.into_iter().map(Cow::Owned).collect(),
        other => match &*other {
            value @ Value::Object(_) => in_order(value).into_iter().map(|(_, v)| Cow::Owned(v.clone())).collect(),
            Value::String(text) => text.bytes().map(|byte| Cow::Owned(Value::from(byte))).collect(),
            _ => Vec::new(),
        },
    }
}

/// The value and all that is below it, as far as it holds anything.
fn descendants(item: Item<'_>) -> Vec<Item<'_>> {
    let below = children(item.clone());
    if below.is_empty() {
        return Vec::new();
    }
    std::iter::once(item).chain(below.into_iter().flat_map(descendants)).collect()
}

fn slices(input: Vec<Item<'_>>, bounds: [Bound; 3]) -> Result<Vec<Item<'_>>, String> {
    let mut found = Vec::new();
    for item in input {
        match &*item {
            Value::Null => continue,
            Value::Array(_) => {}
            other => return Err(format!("{} is not array or slice", type_name(other))),
        }
        let elements = children(item);
        let Some((from, to)) = range(bounds, elements.len())? else { return Ok(found) };
        let step = match bounds[2].value {
            Some(step) if step <= 0 => return Err("step must be > 0".into()),
            Some(step) => usize::try_from(step).unwrap_or(usize::MAX),
            None => 1,
        };
        found.extend(elements.into_iter().take(to).skip(from).step_by(step));
    }
    Ok(found)
}

/// From where to where; none where that is nothing at all, which is allowed anywhere.
fn range(bounds: [Bound; 3], length: usize) -> Result<Option<(usize, usize)>, String> {
    let total = i64::try_from(length).unwrap_or(i64::MAX);
    let mut from = bounds[0].value.unwrap_or_default();
    let mut to = bounds[1].value.unwrap_or(total);
    if from < 0 {
        from += total;
    }
    if to < 0 || (to == 0 && bounds[1].derived) {
        to += total;
    }
    if from == to {
        return Ok(None);
    }
    let outside = |index: i64| format!("array index out of bounds: index {index}, length {length}");
    match (usize::try_from(from), usize::try_from(to)) {
        (Ok(start), _) if start >= length => Err(outside(from)),
        (Err(_), _) => Err(outside(from)),
        (_, Ok(end)) if end > length => Err(outside(to - 1)),
        (_, Err(_)) => Err(outside(to - 1)),
        (Ok(start), Ok(end)) if start > end => Err(format!("starting index {start} is greater than ending index {end}")),
        (Ok(start), Ok(end)) => Ok(Some((start, end))),
    }
}

/// Whether a comparison holds. Only values of the same type of Go can be compared.
fn holds(a: &Value, b: &Value, operator: &str) -> Result<bool, String> {
    let order = || ordered(a, b);
    match operator {
        "==" => equal(a, b),
        "!=" => equal(a, b).map(|same| !same),
        "<" => order().map(|o| o == Some(Ordering::Less)),
        "<=" => order().map(|o| matches!(o, Some(Ordering::Less | Ordering::Equal))),
        ">" => order().map(|o| !matches!(o, Some(Ordering::Less | Ordering::Equal))),
        ">=" => order().map(|o| o != Some(Ordering::Less)),
        other => Err(format!("unrecognized filter operator {other}")),
    }
}

const BAD_TYPE: &str = "invalid type for comparison";
const BAD_PAIR: &str = "incompatible types for comparison";

fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        _ => ordered(a, b).map(|order| order == Some(Ordering::Equal)),
    }
}

fn ordered(a: &Value, b: &Value) -> Result<Option<Ordering>, String> {
    let basic = |value: &Value| !matches!(value, Value::Null | Value::Array(_) | Value::Object(_));
    if !basic(a) || !basic(b) {
        return Err(BAD_TYPE.into());
    }
    match (a, b) {
        (Value::String(a), Value::String(b)) => Ok(Some(a.cmp(b))),
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => Ok(a.as_f64().partial_cmp(&b.as_f64())),
        (Value::Number(a), Value::Number(b)) if !a.is_f64() && !b.is_f64() => Ok(a.as_i64().partial_cmp(&b.as_i64())),
        (Value::Bool(_), Value::Bool(_)) => Err(BAD_TYPE.into()),
        _ => Err(BAD_PAIR.into()),
    }
}
