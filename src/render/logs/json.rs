//! Lines and Events as JSON, one object a line.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::logs::{Called, Piece, Source};
use crate::objects::core::Event;

/// What all lines of a container have in common: an object that is not closed yet.
pub(super) fn head(source: &Source) -> Vec<u8> {
    let mut head = of_task(&source.called);
    head["taskRun"] = source.run.as_str().into();
    head["pod"] = source.pod.as_str().into();
    head["container"] = source.container.as_str().into();
    head["step"] = source.step().into();
    head["attempt"] = source.attempt.into();
    let mut text = head.to_string().into_bytes();
    text.pop();
    text
}

fn of_task(called: &Called) -> Value {
    let mut object = json!({"run": called.root, "task": called.task});
    if !called.params.is_empty() {
        let params: Map<String, Value> = called.params.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        object["params"] = params.into();
    }
    object
}

/// A line, or a part of a long one. Bytes that are no text are given as base64 beside the text.
pub(super) fn line(out: &mut dyn Write, head: &[u8], time: &[u8], piece: Piece<'_>) -> io::Result<()> {
    out.write_all(head)?;
    if !time.is_empty() {
        out.write_all(b",\"time\":\"")?;
        out.write_all(time)?;
        out.write_all(b"\"")?;
    }
    out.write_all(b",\"line\":")?;
    match std::str::from_utf8(piece.text) {
        Ok(text) => serde_json::to_writer(&mut *out, text)?,
        Err(_) => {
            serde_json::to_writer(&mut *out, &String::from_utf8_lossy(piece.text))?;
            write!(out, ",\"base64\":\"{}\"", STANDARD.encode(piece.text))?;
        }
    }
    if piece.end.is_none() {
        out.write_all(b",\"partial\":true")?;
    }
    out.write_all(b"}\n")
}

/// An Event of the cluster about a task's pod.
pub(super) fn event(out: &mut dyn Write, called: &Called, event: &Event) -> io::Result<()> {
    let mut object = of_task(called);
    object["pod"] = event.involved_object.name.as_str().into();
    if let Some(time) = event.time() {
        object["time"] = time.to_string().into();
    }
    object["event"] = json!({"type": event.kind, "reason": event.reason, "message": event.message});
    writeln!(out, "{object}")
}
