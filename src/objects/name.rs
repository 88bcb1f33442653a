//! What a name of an object may be (Kubernetes, "Object Names and IDs").

/// Longest name that may become a label or the name of a Service, in bytes.
pub const LABEL_MAX: usize = 63;

/// Longest name of an object, in bytes.
const SUBDOMAIN_MAX: usize = 253;

/// Whether a name is an RFC 1123 label, as those of namespaces: `team-a`.
pub fn is_label(name: &str) -> bool {
    name.len() <= LABEL_MAX && is_part(name)
}

/// Whether a name is an RFC 1123 subdomain, as those of most objects: `team-a.builds`.
pub fn is_subdomain(name: &str) -> bool {
    name.len() <= SUBDOMAIN_MAX && name.split('.').all(is_part)
}

/// Whether names that a server makes of a prefix (`metadata.generateName`) are subdomains: `build-`.
pub fn is_prefix(prefix: &str) -> bool {
    !prefix.is_empty() && is_subdomain(&format!("{prefix}x"))
}

fn is_part(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.chars().all(legal) && !name.starts_with('-') && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_what_is_none() {
        assert!(is_subdomain("a.b-c.1") && is_label("a-1") && is_prefix("a-"));
        for bad in ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a b"] {
            assert!(!is_subdomain(bad) && !is_label(bad), "{bad:?}");
        }
        assert!(!is_label("a.b"));
        assert!(!is_label(&"a".repeat(LABEL_MAX + 1)));
        for bad in ["", "-", "Bad_", "a_"] {
            assert!(!is_prefix(bad), "{bad:?}");
        }
    }
}
