//! Logs of runs: one state machine without IO or clock ([`Follow`]), the loop that feeds it from watches and streams
//! ([`drive`]), and the events that it tells a [`Sink`]. A TaskRun is a run with one task; a run that has ended is the
//! same machine without watches; several runs are the same machine with several roots.

mod drive;
mod event;
mod lines;
mod machine;
mod pace;
mod portions;
mod resume;
mod slots;
mod watch;

pub use drive::{Error, LogSource, OfPods, Which, follow, follow_all};
pub use event::{Called, LogEvent, Notice, Outcome, Sink, Source, Wait};
pub use lines::{End, Lines, Piece};
pub use machine::{Effect, Find, Follow, Input, Opening, Order, Policy, Subject};
pub use slots::{Asked, Reader};
