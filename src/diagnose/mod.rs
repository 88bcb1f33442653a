//! Why a run or an EventListener hangs or fails: evidence is gathered in few requests, rules that are data are laid on
//! it, and what comes out names the cause, quotes what says so, and gives the command that mends it.
//!
//! `gather` does the asking, `explain` the judging; only the first knows a server.

mod checks;
mod evidence;
mod explain;
mod finding;
mod gather;
mod pattern;
mod rules;
mod words;

pub use evidence::{Evidence, Need, Place, Trace, Unit};
pub use explain::explain;
pub use finding::{Advice, AdviceKind, Diagnosis, Finding, Quote, Standing, Voice};
pub use gather::{gather, troubled};
pub use words::text;
