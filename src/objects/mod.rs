//! What the server sent, untouched, beside a typed lens that holds only the fields somebody reads. A lens may fail
//! alone: one odd object never hides the others.

pub mod called;
pub mod core;
pub mod duration;
pub mod meta;
pub mod name;
pub mod newest;
pub mod oldest;
pub mod pipeline;
pub mod run;
pub mod shape;
pub mod trigger;
pub mod upgrade;
pub mod verdict;
pub mod waits;

use std::fmt::Debug;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::kinds::Kind;
pub use meta::Meta;

/// A lens on a kind: the fields of it that rtkn reads.
pub trait Object: DeserializeOwned + Clone + Debug + Send + Sync + 'static {
    /// The row of the table of kinds
    const KIND: &'static Kind;
    /// The object's metadata
    fn meta(&self) -> &Meta;
}

/// An object as it came, and what of it was understood.
#[derive(Clone, Debug)]
pub struct Seen<T> {
    /// The JSON as the server sent it, every field kept in its order
    pub raw: Box<RawValue>,
    /// The typed view of it, or why it cannot be read
    pub lens: Result<T, Undecodable>,
}

/// An object that the server has and this program cannot read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: cannot be read: {reason}", self.name())]
pub struct Undecodable {
    /// As much of its metadata as could be read
    pub meta: Meta,
    /// What is wrong, with line and column of the JSON
    pub reason: String,
}

impl Undecodable {
    fn name(&self) -> &str {
        if self.meta.name.is_empty() { "an object without a name" } else { &self.meta.name }
    }
}

impl<T: Object> Seen<T> {
    /// Reads an object from the JSON text the server sent.
    pub fn new(raw: Box<RawValue>) -> Self {
        let lens = match serde_json::from_str::<T>(raw.get()) {
            Ok(lens) => Ok(lens),
            Err(error) => {
                let value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
                lens(&value).map_err(|_| Undecodable { meta: meta_of(&value), reason: error.to_string() })
            }
        };
        Self { raw, lens }
    }

    /// Reads an object from a JSON value.
    pub fn from_value(value: &Value) -> Self {
        Self::new(serde_json::value::to_raw_value(value).expect("a JSON value is always serializable"))
    }

    /// The metadata, also of an object that could not be read.
    pub fn meta(&self) -> &Meta {
        match &self.lens {
            Ok(object) => object.meta(),
            Err(undecodable) => &undecodable.meta,
        }
    }

    /// The object as a JSON value, with every field that the server sent.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.raw.get()).expect("a raw value holds valid JSON")
    }
}

/// Reads a lens from JSON. Programs in Go write `null` for an empty list or map, and read it as one; so do people who leave
/// a field of their YAML empty. What cannot be read as it stands is read again without the nulls.
///
/// # Errors
/// When it cannot be read; as it stood.
pub fn lens<T: DeserializeOwned>(value: &Value) -> serde_json::Result<T> {
    T::deserialize(value).or_else(|error| {
        let mut without = value.clone();
        drop_nulls(&mut without);
        T::deserialize(without).map_err(|_| error)
    })
}

/// Drops every field that is null, as Go reads it: as if it were not there.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// As much of an odd object's metadata as can be read; its name, if nothing else.
fn meta_of(object: &Value) -> Meta {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    let rest = || Meta { name: text("name"), namespace: text("namespace"), uid: text("uid"), ..Meta::default() };
    MetaOnly::deserialize(object).map_or_else(|_| rest(), |only| only.metadata)
}

/// An object of which only the metadata is read.
#[derive(Deserialize)]
pub(crate) struct MetaOnly {
    #[serde(default)]
    pub(crate) metadata: Meta,
}

/// Implements [`Object`] for lenses with a `metadata` field.
macro_rules! objects {
    ($($lens:ty => $kind:ident),* $(,)?) => {$(
        impl $crate::objects::Object for $lens {
            const KIND: &'static $crate::kinds::Kind = &$crate::kinds::$kind;
            fn meta(&self) -> &$crate::objects::Meta {
                &self.metadata
            }
        }
    )*};
}
pub(crate) use objects;

#[cfg(test)]
mod tests {
    use super::run::PipelineRun;
    use super::*;

    fn seen<T: Object>(raw: &str) -> Seen<T> {
        Seen::new(RawValue::from_string(raw.to_owned()).unwrap())
    }

    #[test]
    fn null_stands_for_nothing_as_in_go() {
        let trigger = r#"{"metadata":{"name":"t","labels":null},"spec":{"bindings":null,"template":{"ref":"tt","spec":null}}}"#;
        let trigger = seen::<super::trigger::Trigger>(trigger);
        assert!(trigger.value()["spec"]["bindings"].is_null(), "the JSON is as it came");
        let trigger = trigger.lens.expect("a Trigger");
        assert!(trigger.spec.bindings.is_empty());
        assert_eq!(trigger.spec.template.and_then(|t| t.reference).as_deref(), Some("tt"));
    }

    #[test]
    fn an_object_with_an_odd_time_keeps_its_name() {
        let odd = seen::<PipelineRun>(r#"{"metadata":{"name":"odd","namespace":"ci","creationTimestamp":"noon"}}"#);
        assert!(odd.lens.is_err());
        assert_eq!((odd.meta().name.as_str(), odd.meta().namespace.as_str()), ("odd", "ci"));
    }

    #[test]
    fn an_odd_object_keeps_its_name_and_its_json() {
        let raw = r#"{"metadata":{"name":"odd"},"spec":{"params":"no list"},"later":1}"#;
        let seen = Seen::<PipelineRun>::new(RawValue::from_string(raw.to_owned()).unwrap());
        assert!(seen.lens.is_err());
        assert_eq!(seen.meta().name, "odd");
        assert_eq!(seen.raw.get(), raw);
    }
}
