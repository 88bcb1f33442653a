//! (stub)

/// Validates an object before it is kept.
pub fn admit(_kind: &crate::kinds::Kind, _object: &mut serde_json::Value) -> Result<(), Vec<String>> {
    Ok(())
}
