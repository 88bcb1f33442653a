//! Amounts as Kubernetes writes them: `1000m` is `1`, `1024Mi` is `1Gi`, `0.5` is `500m`.

/// Nano is the smallest part that a quantity can have.
const NANO: i128 = 1_000_000_000;
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// The canonical text of a quantity; what is none, or too large to be counted, is left as it is.
pub fn canonical(text: &str) -> String {
    canonical_of(text.trim()).unwrap_or_else(|| text.to_owned())
}

/// Whether a text is an amount that can be counted.
pub fn is_quantity(text: &str) -> bool {
    canonical_of(text).is_some()
}

fn canonical_of(text: &str) -> Option<String> {
    let digits = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let nanos = nanos_of(number)?;
    if let Some(power) = BINARY.iter().position(|unit| !unit.is_empty() && *unit == suffix) {
        let nanos = nanos.checked_mul(1024_i128.checked_pow(u32::try_from(power).ok()?)?)?;
        let whole = nanos / NANO;
        return if nanos % NANO == 0 && whole.abs() >= 1024 { Some(binary(whole)) } else { Some(decimal(nanos, false)) };
    }
    let exponent = suffix.strip_prefix(['e', 'E']).filter(|rest| !rest.is_empty());
    let power = match exponent {
        Some(power) => power.parse().ok()?,
        None => DECIMAL.iter().find(|(unit, _)| *unit == suffix)?.1,
    };
    let factor = 10_i128.checked_pow(power.unsigned_abs())?;
    // Parts below nano are rounded up, away from zero.
    let nanos = if power < 0 { (nanos + nanos.signum() * (factor - 1)) / factor } else { nanos.checked_mul(factor)? };
    Some(decimal(nanos, exponent.is_some()))
}

fn nanos_of(number: &str) -> Option<i128> {
    let (sign, number) = match number.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let part = format!("{part:0<9}");
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let below = part[9..].bytes().any(|b| b != b'0');
    let nanos: i128 = part[..9].parse().ok()?;
    Some(sign * (whole.checked_mul(NANO)? + nanos + i128::from(below)))
}

fn binary(whole: i128) -> String {
    let (mut value, mut power) = (whole, 0);
    while value != 0 && value % 1024 == 0 && power + 1 < BINARY.len() {
        value /= 1024;
        power += 1;
    }
    format!("{value}{}", BINARY[power])
}

fn decimal(nanos: i128, exponent: bool) -> String {
    let (mut value, mut place) = (nanos, 0);
    if value == 0 {
        return "0".into();
    }
    while value % 1000 == 0 && place + 1 < DECIMAL.len() {
        value /= 1000;
        place += 1;
    }
    let (unit, power) = DECIMAL[place];
    if exponent && power != 0 { format!("{value}e{power}") } else { format!("{value}{unit}") }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn quantities_have_one_spelling() {
        for (given, written) in [
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("0.5", "500m"),
            ("1024Mi", "1Gi"),
            ("1536Mi", "1536Mi"),
            ("512Ki", "512Ki"),
            ("1Gi", "1Gi"),
            ("0.5Gi", "512Mi"),
            ("1000", "1k"),
            ("1e3", "1e3"),
            ("100", "100"),
            ("128974848", "128974848"),
            ("1000Ki", "1000Ki"),
            ("0", "0"),
            ("-2500m", "-2500m"),
            ("0.1n", "1n"),
            ("abc", "abc"),
        ] {
            assert_eq!(canonical(given), written, "{given}");
        }
    }
}
