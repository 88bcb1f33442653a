//! (stub)

/// Validates an object before it is kept.
pub fn admit(_kind: &crate::kinds::Kind, _object: &mut serde_json::Value) -> Result<(), Vec<String>> {
    Ok(())
}

/// Reconciles until it is told to stop.
pub async fn run(
    _store: crate::sandbox::store::Store,
    _logs: crate::sandbox::logs::LogDir,
    _executor: std::sync::Arc<dyn crate::sandbox::executor::Executor>,
    mut shutdown: tokio::sync::watch::Receiver<bool>,
) -> Result<(), crate::sandbox::store::StoreError> {
    let _ = shutdown.wait_for(|stop| *stop).await;
    Ok(())
}
