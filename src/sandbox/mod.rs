//! The sandbox: an API server, an engine and event listeners inside this process, on a store of their own.

pub mod access;
pub mod api;
pub mod engine;
pub mod executor;
mod json;
pub mod listeners;
pub mod logs;
pub mod process;
pub mod serve;
pub mod store;
