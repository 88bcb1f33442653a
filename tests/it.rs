//! All tests that look at the program from outside, in one binary. Each file or folder here is a module of it.

#![allow(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

mod architecture;
mod bad_input;
mod board;
mod bundles;
mod called;
mod completion;
mod credentials;
mod deleting;
mod diagnose;
mod fake;
mod faults;
mod generated;
mod golden;
mod in_place_of_tkn;
mod listener_logs;
mod lists;
mod logs;
mod older_servers;
mod prompts;
mod sandbox_engine;
mod sandbox_story;
mod scaffold;
mod starting;
mod steps;
mod story;
mod structure;
mod waiting;
mod watching;
mod world;
