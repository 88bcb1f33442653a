//! Words as a shell takes them, for commands that a person may copy.

/// A word, in quotes where a shell would read it as something else.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_shell_would_change_is_quoted() {
        for plain in ["shared-data=emptyDir", "/home/me/x", "a@b:c,d+e%f"] {
            assert_eq!(quoted(plain), plain);
        }
        assert_eq!(quoted("repo-url=$(body.url)"), "'repo-url=$(body.url)'");
        assert_eq!(quoted("/home/it's me"), r"'/home/it'\''s me'");
        assert_eq!(quoted(""), "''");
    }
}
