//! What bad input gets: a clear error on standard error, status 1, nothing half-done and nothing lost.

mod manifests;
mod objects;
mod reaching;
mod secrets;
mod stores;
mod streams;
