//! The controller of the sandbox: it reconciles PipelineRuns and TaskRuns as Tekton Pipelines does, and hands the steps
//! to an executor. Deciding (`pipelinerun`, `taskrun`) is pure; `reconcile` is the loop that carries it out.

mod admit;
mod attempts;
mod cache;
mod claims;
mod condition;
mod events;
#[cfg(test)]
mod fake;
mod graph;
mod left;
mod matrix;
mod names;
mod object;
mod params;
mod pipelinerun;
mod plan;
mod reconcile;
mod references;
#[cfg(test)]
mod scenarios;
mod spec;
mod substitute;
mod taskrun;
mod value;
mod when;

use crate::objects::duration;
pub use admit::{admit, notices, without_effect};
pub use left::Left;
pub use reconcile::{run, settle};
