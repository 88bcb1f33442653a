//! How long ago and how long: `5 minutes ago` and `1m40s`, as tkn and Go write them. The present is given, never read.

use jiff::{SignedDuration, Timestamp};

/// What stands where a time is not known.
pub const UNKNOWN: &str = "---";

/// Units of ages with their length in microseconds, the largest first. There are no months.
const UNITS: [(&str, i128); 8] = [
    ("year", 365 * 86_400_000_000),
    ("week", 7 * 86_400_000_000),
    ("day", 86_400_000_000),
    ("hour", 3_600_000_000),
    ("minute", 60_000_000),
    ("second", 1_000_000),
    ("millisecond", 1_000),
    ("microsecond", 1),
];

/// The age of something that happened at `then`, in its largest unit, rounded down: `59 seconds ago`, `1 week ago`.
/// A time in the future has a negative age, and an unknown one `---`.
pub fn ago(then: Option<Timestamp>, now: Timestamp) -> String {
    match then {
        Some(then) => format!("{} ago", largest_unit(now.duration_since(then))),
        None => UNKNOWN.to_owned(),
    }
}

/// A span in its largest unit: `1 minute`, `12 hours`.
pub fn largest_unit(span: SignedDuration) -> String {
    let micros = span.as_micros();
    let Some((unit, length)) = UNITS.iter().find(|(_, length)| micros.abs() >= *length) else { return "0 seconds".to_owned() };
    let count = micros / length;
    let plural = if count.abs() == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// A span in all of its units but those that are zero: `1 hour 30 minutes`.
pub fn in_words(span: SignedDuration) -> String {
    let mut rest = span.as_micros();
    let mut words = Vec::new();
    for (unit, length) in UNITS {
        let count = rest / length;
        rest %= length;
        if count != 0 {
            words.push(format!("{count} {unit}{}", if count.abs() == 1 { "" } else { "s" }));
        }
    }
    if words.is_empty() { "0 seconds".to_owned() } else { words.join(" ") }
}

/// The time between two moments as Go writes durations (`1m40s`), or `---` when either is unknown.
pub fn took(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => duration(to.duration_since(from)),
        _ => UNKNOWN.to_owned(),
    }
}

/// A span as Go writes it, in whole seconds, the precision of the API's times: `0s`, `1m0s`, `24h0m0s`.
pub fn duration(span: SignedDuration) -> String {
    let total = span.as_secs();
    let sign = if total < 0 { "-" } else { "" };
    let seconds = total.unsigned_abs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    #[test]
    fn ages_are_rounded_down_to_their_largest_unit() {
        let now = Timestamp::from_second(2_000_000_000).unwrap();
        let day = 86_400;
        let cases = [
            (0, "0 seconds ago"),
            (1, "1 second ago"),
            (59, "59 seconds ago"),
            (60, "1 minute ago"),
            (119, "1 minute ago"),
            (3599, "59 minutes ago"),
            (day - 1, "23 hours ago"),
            (7 * day, "1 week ago"),
            (364 * day, "52 weeks ago"),
            (365 * day, "1 year ago"),
            (-5, "-5 seconds ago"),
        ];
        for (seconds, text) in cases {
            assert_eq!(ago(Some(now - secs(seconds)), now), text);
        }
        assert_eq!(ago(Some(now - SignedDuration::from_millis(20)), now), "20 milliseconds ago");
        assert_eq!(ago(None, now), "---");
    }

    #[test]
    fn durations_have_hours_as_their_largest_unit() {
        let cases =
            [(0, "0s"), (59, "59s"), (60, "1m0s"), (100, "1m40s"), (3600, "1h0m0s"), (3661, "1h1m1s"), (86_400, "24h0m0s"), (-5, "-5s")];
        for (seconds, text) in cases {
            assert_eq!(duration(secs(seconds)), text);
        }
        assert_eq!(took(None, Some(Timestamp::UNIX_EPOCH)), "---");
    }
}
