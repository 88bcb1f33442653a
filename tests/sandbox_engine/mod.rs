//! The engine of the sandbox from outside: manifests in, logs and status out.

mod ends;
mod left;
mod pipelines;
mod surroundings;
mod tasks;
