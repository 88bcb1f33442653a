//! All tests that look at the program from outside, in one binary. Each file or folder here is a module of it.

mod diagnose;
mod generated;
mod golden;
mod structure;
