//! The commands, one module for each word after the program's name.

pub mod apply;
pub mod completion;
pub mod customrun;
pub mod definition;
pub mod demo;
pub mod diagnose;
pub mod eventlistener;
pub mod pipeline;
pub mod pipelinerun;
pub mod sa;
pub mod sandbox;
pub mod secret;
pub mod task;
pub mod taskrun;
pub mod trigger;
pub mod version;
