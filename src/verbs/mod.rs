//! What is done to every kind alike: list, describe, delete, choose, apply.

pub mod apply;
pub mod called;
pub mod cancel;
pub mod delete;
pub mod describe;
pub mod export;
pub mod fetch;
pub mod list;
pub mod listener_logs;
pub mod logs;
pub mod missing;
pub mod newest;
pub mod output;
pub mod page;
pub mod pick;
pub mod rights;
pub mod start;
pub mod stay;
pub mod wait;
pub mod watch;
