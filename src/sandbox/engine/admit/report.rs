//! Messages about fields, in the form of Tekton's webhook.

/// Collects what is wrong with an object.
#[derive(Debug, Default)]
pub struct Report {
    /// One message per mistake
    pub errors: Vec<String>,
}

impl Report {
    /// `missing field(s): PATH`
    pub fn missing(&mut self, path: &str) {
        self.errors.push(format!("missing field(s): {path}"));
    }

    /// `MESSAGE: PATH`
    pub fn at(&mut self, path: &str, message: impl std::fmt::Display) {
        self.errors.push(format!("{message}: {path}"));
    }

    /// `invalid value: VALUE: PATH`
    pub fn invalid(&mut self, path: &str, value: impl std::fmt::Display) {
        self.errors.push(format!("invalid value: {value}: {path}"));
    }

    /// Something that may be there once is there twice.
    pub fn twice(&mut self, path: &str) {
        self.errors.push(format!("expected exactly one, got both: {path}"));
    }

    /// None of several fields is there.
    pub fn neither(&mut self, path: &str, fields: &[&str]) {
        self.errors.push(format!("expected exactly one, got neither: {}", join(path, fields)));
    }

    /// Several of fields that exclude each other are there.
    pub fn several(&mut self, path: &str, fields: &[&str]) {
        let word = if fields.len() == 2 { "both" } else { "multiple" };
        self.errors.push(format!("expected exactly one, got {word}: {}", join(path, fields)));
    }

    /// Exactly one of some fields of an object has to be there.
    pub fn exactly_one(&mut self, object: &serde_json::Value, path: &str, fields: &[&str]) {
        let present: Vec<&str> = fields.iter().copied().filter(|field| object.get(field).is_some_and(|v| !v.is_null())).collect();
        match present.len() {
            0 => self.neither(path, fields),
            1 => {}
            _ => self.several(path, &present),
        }
    }
}

fn join(path: &str, fields: &[&str]) -> String {
    fields.iter().map(|field| format!("{path}.{field}")).collect::<Vec<_>>().join(", ")
}

/// Whether a name is a DNS label.
pub fn is_label(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !name.is_empty()
        && name.len() <= 63
        && name.starts_with(letter)
        && name.ends_with(letter)
        && name.chars().all(|c| letter(c) || c == '-')
}

/// Positions of elements whose name an earlier one has.
pub fn repeated<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<usize> {
    let mut seen = std::collections::HashSet::new();
    names.into_iter().enumerate().filter(|(_, name)| !name.is_empty() && !seen.insert(*name)).map(|(index, _)| index).collect()
}
