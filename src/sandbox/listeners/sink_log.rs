//! The log of a listener's container, in the lines that the real one writes: JSON of its logger, and the client library's
//! own lines for what it was not allowed to do.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::sandbox::logs::LogWriter;

/// Writes the log of one listener.
pub struct SinkLog {
    writer: Mutex<LogWriter>,
    /// Fields of every line: which listener this is
    fields: Map<String, Value>,
}

/// How bad it is, in the logger's words.
#[derive(Clone, Copy, Debug)]
pub enum Severity {
    /// For information
    Info,
    /// Something did not happen
    Error,
    /// The process ends with it
    Fatal,
}

impl SinkLog {
    /// The log of the listener `name`.
    pub fn new(writer: LogWriter, namespace: &str, name: &str) -> SinkLog {
        let fields = json!({ "eventlistener": name, "namespace": namespace });
        SinkLog { writer: Mutex::new(writer), fields: fields.as_object().cloned().unwrap_or_default() }
    }

    /// A line of the logger with further fields behind its message.
    pub fn write(&self, severity: Severity, message: &str, more: &[(&str, &str)]) {
        let severity = match severity {
            Severity::Info => "info",
            Severity::Error => "error",
            Severity::Fatal => "fatal",
        };
        let now = Timestamp::now();
        let line = json!({ "severity": severity, "timestamp": format!("{now:.3}"), "logger": "eventlistener", "message": message });
        let mut fields = line.as_object().cloned().unwrap_or_default();
        fields.extend(self.fields.clone());
        fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
        self.put(&Value::Object(fields).to_string(), now);
    }

    /// A line of the client library about something that it was refused.
    pub fn refused(&self, message: &str) {
        let now = Timestamp::now();
        self.put(&format!("W{}       1 reflector.go] {message}", now.strftime("%m%d %H:%M:%S%.6f")), now);
    }

    fn put(&self, line: &str, now: Timestamp) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written has no other place to say so; the events themselves must not suffer.
        let _ = writer.write(format!("{line}\n").as_bytes(), now);
    }
}
