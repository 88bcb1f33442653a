//! What YAML 1.1, as Go reads it, takes a plain text for (go.yaml.in/yaml/v2, resolve.go): a string, or something that
//! must be quoted to stay one.

/// Whether YAML 1.1, as Go reads it, takes the plain text for a string.
pub(super) fn reads_as_string(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "n", "N", "no", "No", "NO", "false", "False", "FALSE",
        "off", "Off", "OFF", "", "~", "null", "Null", "NULL", ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF",
        "-.inf", "-.Inf", "-.INF",
    ];
    if WORDS.contains(&text) {
        return false;
    }
    match text.as_bytes()[0] {
        b'.' => !go_float(text),
        b'0'..=b'9' | b'+' | b'-' => {
            let plain = text.replace('_', "");
            !(is_timestamp(text) || go_integer(&plain) || yaml_float(&plain) || binary(&plain) || base_60(text))
        }
        _ => true,
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Go's `ParseInt(text, 0, 64)` and `ParseUint(text, 0, 64)`, underscores being gone.
fn go_integer(text: &str) -> bool {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let signed = unsigned.len() < text.len();
    let lower = unsigned.to_ascii_lowercase();
    let (radix, body) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    // Rust would take a second sign, Go does not.
    if body.starts_with(['+', '-']) {
        return false;
    }
    match u64::from_str_radix(body, radix) {
        Ok(value) if negative => value <= i64::MIN.unsigned_abs(),
        Ok(value) if signed => value <= i64::MAX.unsigned_abs(),
        Ok(_) => true,
        Err(_) => false,
    }
}

/// `-0b…` is read by a rule of its own, which takes a sign behind the prefix.
fn binary(text: &str) -> bool {
    let (body, negative) = match (text.strip_prefix("0b"), text.strip_prefix("-0b")) {
        (Some(body), _) => (body, false),
        (_, Some(body)) => (body, true),
        _ => return false,
    };
    let text = if negative { format!("-{body}") } else { body.to_owned() };
    i64::from_str_radix(&text, 2).is_ok()
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, within the range of a double.
fn yaml_float(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e)));
    mantissa_fits && exponent_fits && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Go's `ParseFloat` of a text that begins with a point; underscores may stand between digits.
fn go_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let parted = bytes.iter().enumerate().filter(|(_, b)| **b == b'_').all(|(i, _)| digit(i.checked_sub(1)) && digit(Some(i + 1)));
    parted && yaml_float(&text.replace('_', ""))
}

/// `190:20:30`, which YAML 1.1 reads in base 60.
fn base_60(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = body.split(':');
    let first =
        parts.next().is_some_and(|p| p.starts_with(|c: char| c.is_ascii_digit()) && p.bytes().all(|b| b.is_ascii_digit() || b == b'_'));
    let mut rest: Vec<&str> = parts.collect();
    let Some(last) = rest.last_mut() else { return false };
    if let Some((whole, fraction)) = last.split_once('.') {
        if !fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
            return false;
        }
        *last = whole;
    }
    first && rest.iter().all(|p| digits(p) && (p.len() == 1 || p.len() == 2 && p.as_bytes()[0] < b'6'))
}

/// The forms of `parseTimestamp`: a date, or a date and a time.
fn is_timestamp(text: &str) -> bool {
    let Some((date, time)) = split_date(text) else { return false };
    let mut parts = date.split('-');
    let number = |part: Option<&str>| part.filter(|p| digits(p) && p.len() <= 2).and_then(|p| p.parse::<i8>().ok());
    let year = parts.next().filter(|y| y.len() == 4 && digits(y)).and_then(|y| y.parse::<i16>().ok());
    let (Some(year), Some(month), Some(day), None) = (year, number(parts.next()), number(parts.next()), parts.next()) else { return false };
    jiff::civil::Date::new(year, month, day).is_ok()
        && match time {
            None => true,
            Some((b' ', time)) => is_clock(time),
            Some((_, time)) => zone(time).is_some_and(is_clock),
        }
}

/// The date, and the separator and time behind it.
fn split_date(text: &str) -> Option<(&str, Option<(u8, &str)>)> {
    match text.find(['T', 't', ' ']) {
        Some(at) => Some((&text[..at], Some((text.as_bytes()[at], &text[at + 1..])))),
        None => text.as_bytes().get(4).filter(|b| **b == b'-').map(|_| (text, None)),
    }
}

/// The time before `Z` or `+01:00`.
fn zone(time: &str) -> Option<&str> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some(time);
    }
    let at = time.rfind(['+', '-'])?;
    let (hours, minutes) = time[at + 1..].split_once(':')?;
    let fits = |part: &str, most: u8| part.len() == 2 && digits(part) && part.parse::<u8>().is_ok_and(|n| n <= most);
    (fits(hours, 24) && fits(minutes, 60)).then_some(&time[..at])
}

/// `15:4:5.999999999`: hours of one or two digits, as Go's layout takes them.
fn is_clock(time: &str) -> bool {
    let (clock, fraction) = match time.split_once(['.', ',']) {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (time, None),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let fits = |part: &str, below: u8| digits(part) && part.len() <= 2 && part.parse::<u8>().is_ok_and(|n| n < below);
    matches!(parts[..], [h, m, s] if fits(h, 24) && fits(m, 60) && fits(s, 60)) && fraction.is_none_or(digits)
}
