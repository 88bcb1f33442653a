//! rtkn, a command line for Tekton. The modules stand in the order in which data goes:
//! kubeconfig → client → objects → views → render, with `verbs` and `commands` at the top of that way and
//! `sandbox` as the server that needs no cluster.

pub mod bundle;
pub mod cli;
pub mod client;
pub mod commands;
pub mod diagnose;
pub mod exit;
pub mod failure;
mod input;
pub mod kinds;
pub mod kubeconfig;
pub mod logs;
mod near;
pub mod objects;
pub mod render;
pub mod sandbox;
pub mod scaffold;
pub mod session;
mod shell;
pub mod term;
pub mod verbs;
pub mod views;
