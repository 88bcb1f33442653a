//! Time limits of the command line: Go's durations, which may be negative, and Go's words for what is none.

use crate::failure::Failure;
use crate::objects::duration::GoDuration;

/// Go's units; what else stands behind a number is unknown.
const UNITS: [&str; 8] = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];

/// A duration as Go writes it, which is how objects carry it.
///
/// # Errors
/// What is wrong with it, as Go says it.
pub(super) fn limit(text: &str) -> Result<String, Failure> {
    let (sign, size) = match text.strip_prefix('-') {
        Some(size) => ("-", size),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let read = GoDuration::parse(size).filter(|_| !size.starts_with(['+', '-']) && !size.contains(char::is_whitespace));
    match read {
        Some(duration) if duration.is_zero() => Ok(duration.to_string()),
        Some(duration) => Ok(format!("{sign}{duration}")),
        None => Err(Failure::usage(why(text, size)).hint("a duration is a number with a unit: 90s, 15m, 1h30m")),
    }
}

fn why(text: &str, size: &str) -> String {
    let mut rest = size;
    while rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        if rest[..number].matches('.').count() > 1 || &rest[..number] == "." {
            break;
        }
        rest = &rest[number..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let (unit, next) = rest.split_at(end);
        if unit.is_empty() {
            return format!("time: missing unit in duration {text:?}");
        }
        if !UNITS.contains(&unit) {
            return format!("time: unknown unit {unit:?} in duration {text:?}");
        }
        rest = next;
    }
    format!("time: invalid duration {text:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_go_writes_them() {
        for (text, written) in
            [("90s", "1m30s"), ("1h30m10s", "1h30m10s"), ("-5m", "-5m0s"), ("+1.5h", "1h30m0s"), ("-0", "0s"), ("0", "0s")]
        {
            assert_eq!(limit(text).map_err(|f| f.message), Ok(written.into()));
        }
    }

    #[test]
    fn what_is_none_is_told_in_go_s_words() {
        for (text, words) in [
            ("later", "time: invalid duration \"later\""),
            ("", "time: invalid duration \"\""),
            ("5", "time: missing unit in duration \"5\""),
            ("1h5", "time: missing unit in duration \"1h5\""),
            ("5d", "time: unknown unit \"d\" in duration \"5d\""),
            ("--5m", "time: invalid duration \"--5m\""),
            (" 5m", "time: invalid duration \" 5m\""),
            ("5 m", "time: unknown unit \" m\" in duration \"5 m\""),
            (".m", "time: invalid duration \".m\""),
        ] {
            assert_eq!(limit(text).map_err(|f| f.message), Err(words.into()));
        }
    }
}
