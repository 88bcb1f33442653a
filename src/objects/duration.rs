//! Durations as Go writes and reads them (`1h0m0s`, `90s`, `500ms`), which is how Tekton's objects carry them.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration of a Tekton object. Zero means "no limit" where a limit is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration(pub Duration);

/// Nanoseconds of Go's units, longest suffix first so that `ms` is not read as `m`.
const UNITS: [(&str, f64); 7] = [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("h", 3.6e12), ("m", 6e10), ("s", 1e9)];

impl GoDuration {
    /// Reads `1h30m`, `5s`, `0`; `None` for anything else, for negative durations and for more than Go can hold (290 years).
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('+').unwrap_or(text.trim());
        if rest == "0" {
            return Some(Self(Duration::ZERO));
        }
        let mut nanos = 0.0;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
            let number: f64 = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
            let (unit, factor) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
            nanos += number * factor;
            rest = &rest[unit.len()..];
        }
        (nanos <= i64::MAX as f64).then(|| Self(Duration::from_nanos(nanos as u64)))
    }

    /// Whether it stands for "no limit".
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl std::fmt::Display for GoDuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nanos = self.0.as_nanos();
        match nanos {
            0 => return f.write_str("0s"),
            1..1_000 => return write!(f, "{nanos}ns"),
            1_000..1_000_000 => return write!(f, "{}µs", decimal(nanos, 1_000)),
            1_000_000..1_000_000_000 => return write!(f, "{}ms", decimal(nanos, 1_000_000)),
            _ => {}
        }
        let total = self.0.as_secs();
        let (hours, minutes) = (total / 3600, total % 3600 / 60);
        let seconds = decimal(nanos - u128::from(hours * 3600 + minutes * 60) * 1_000_000_000, 1_000_000_000);
        match (hours, minutes) {
            (0, 0) => write!(f, "{seconds}s"),
            (0, _) => write!(f, "{minutes}m{seconds}s"),
            _ => write!(f, "{hours}h{minutes}m{seconds}s"),
        }
    }
}

/// `nanos / unit` without trailing zeros.
fn decimal(nanos: u128, unit: u128) -> String {
    let (whole, part) = (nanos / unit, nanos % unit);
    if part == 0 {
        return whole.to_string();
    }
    let width = unit.to_string().len() - 1;
    let part = format!("{part:0width$}");
    format!("{whole}.{}", part.trim_end_matches('0'))
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("invalid duration {text:?}, write it like 90s, 10m or 1h30m")))
    }
}

#[cfg(test)]
mod tests {
    use super::GoDuration;

    #[test]
    fn durations_read_and_print_as_go_does() {
        for (text, printed) in [
            ("1h", "1h0m0s"),
            ("90s", "1m30s"),
            ("5s", "5s"),
            ("0", "0s"),
            ("1h30m5.5s", "1h30m5.5s"),
            ("500ms", "500ms"),
            ("1500ms", "1.5s"),
        ] {
            let read = GoDuration::parse(text).expect("a duration");
            assert_eq!(read.to_string(), printed, "{text}");
        }
        for text in ["", "5", "s", "-5s", "1 h", "abc", "2562048h"] {
            assert_eq!(GoDuration::parse(text), None, "{text}");
        }
    }
}
