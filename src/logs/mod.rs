//! Logs of runs: one state machine without IO, and the loop that feeds it.
