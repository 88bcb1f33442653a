//! (stub)
use serde_json::Value;
use crate::kinds::Kind;
/// To v1.
pub fn to_v1(_kind: &Kind, _object: &mut Value) {}
