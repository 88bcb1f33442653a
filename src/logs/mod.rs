//! Logs of runs: one state machine without IO or clock ([`Follow`]), the loop that feeds it from watches and streams
//! ([`drive`]), and the events that it tells a [`Sink`]. A TaskRun is a run with one task; a run that has ended is the
//! same machine without watches.

mod drive;
mod event;
mod lines;
mod machine;
mod resume;
mod slots;
mod watch;

pub use drive::{Error, follow};
pub use event::{LogEvent, Notice, Outcome, Sink, Source};
pub use lines::{Lines, Piece};
pub use machine::{Effect, Find, Follow, Input, Policy, Subject};
