//! What the command tree says of a flag beyond clap's own words.

use clap::builder::ArgExt;

/// A flag that still works and is better replaced: what to do instead.
#[derive(Clone, Copy, Debug)]
pub struct Deprecated(pub &'static str);

impl ArgExt for Deprecated {}
