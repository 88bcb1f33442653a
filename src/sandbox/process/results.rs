//! What steps leave in the files of their results, and the limit that Kubernetes sets to it: a container's termination
//! message of 4,096 bytes, through which Tekton's entrypoint hands results over.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

/// The most that a termination message may hold, in bytes.
const MESSAGE_LIMIT: usize = 4096;

/// Tekton's numbers for whose result an entry of the message is.
const TASK: u8 = 1;
const STEP: u8 = 4;
const INTERNAL: u8 = 3;

/// The content of each of these files that is there, untrimmed. Bytes that are no UTF-8 become replacement characters, as
/// they do in the JSON of Tekton's message. Of a file that is too long anyway only the beginning is read.
pub fn read(dir: &Path, names: &[String]) -> BTreeMap<String, String> {
    names.iter().filter_map(|name| Some((name.clone(), content(&dir.join(name))?))).collect()
}

fn content(path: &Path) -> Option<String> {
    // Opening a FIFO that a step made would wait for ever.
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MESSAGE_LIMIT as u64 + 1).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether the message that carries these results would be too long. Each step's message has the task's results so far,
/// the step's own, and when it started.
pub fn too_large(task: &BTreeMap<String, String>, step: &BTreeMap<String, String>, started: Timestamp) -> bool {
    let entry = |kind: u8| move |(key, value): (&String, &String)| json!({ "key": key, "value": value, "type": kind });
    let start = json!({ "key": "StartedAt", "value": format!("{started:.3}"), "type": INTERNAL });
    let entries: Vec<_> = task.iter().map(entry(TASK)).chain(step.iter().map(entry(STEP))).chain([start]).collect();
    let text = serde_json::Value::from(entries).to_string();
    // Go writes these three as \u003c and the like.
    let escaped = text.bytes().filter(|b| b"<>&".contains(b)).count();
    text.len() + 5 * escaped > MESSAGE_LIMIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_the_whole_message() {
        let results = |size: usize| BTreeMap::from([("r".to_owned(), "x".repeat(size))]);
        let large = |size| too_large(&results(size), &BTreeMap::new(), Timestamp::UNIX_EPOCH);
        assert!(!large(3900));
        assert!(large(4096));
        let angles = BTreeMap::from([("r".to_owned(), "<".repeat(1000))]);
        assert!(too_large(&angles, &BTreeMap::new(), Timestamp::UNIX_EPOCH));
    }
}
