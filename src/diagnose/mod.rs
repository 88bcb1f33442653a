//! Why a run hangs or fails: evidence gathered, rules as data, the command that mends it.
