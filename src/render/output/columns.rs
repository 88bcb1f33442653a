//! `-o custom-columns=NAME:.metadata.name,…`, as kubectl has it.

use serde_json::Value;

use super::jsonpath::{self, JsonPath};

/// Headings with the paths of what stands below them.
#[derive(Clone, Debug)]
pub struct Columns {
    columns: Vec<(String, JsonPath)>,
    /// Whether the headings are shown
    headed: bool,
}

impl Columns {
    /// Reads `HEADING:PATH,HEADING:PATH`.
    ///
    /// # Errors
    /// When a heading or a path is missing, or a path is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(|part| match part.split_once(':') {
            Some((heading, path)) if !path.is_empty() && !path.contains(':') => column(heading, path),
            _ => Err(format!("unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")),
        });
        Ok(Self { columns: parts.collect::<Result<_, _>>()?, headed: true })
    }

    /// Reads a file of two lines: headings, and the paths under them.
    ///
    /// # Errors
    /// When it has fewer lines, or not as many paths as headings.
    pub fn parse_file(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let (Some(headings), Some(paths)) = (lines.next(), lines.next()) else {
            return Err("a custom-columns file has a line of headings and a line of paths".into());
        };
        if headings.len() != paths.len() {
            return Err(format!("{} headings and {} paths in the custom-columns file, expected as many", headings.len(), paths.len()));
        }
        let columns = headings.into_iter().zip(paths).map(|(heading, path)| column(heading, path));
        Ok(Self { columns: columns.collect::<Result<_, _>>()?, headed: true })
    }

    /// The headings, where they are shown.
    pub fn headings(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(heading, _)| heading.as_str()).filter(|_| self.headed)
    }

    /// The same without headings.
    #[must_use]
    pub fn bare(&self) -> Self {
        Self { headed: false, ..self.clone() }
    }

    /// The row of an object; `<none>` where a path leads nowhere.
    ///
    /// # Errors
    /// When a filter or an index does not fit the object.
    pub fn row(&self, object: &Value) -> Result<Vec<String>, String> {
        let cell = |(_, path): &(String, JsonPath)| {
            let found = path.find(object)?;
            let texts: Vec<String> =
                found.iter().map(|value| if value.is_null() { "<none>".to_owned() } else { jsonpath::text(value) }).collect();
            Ok(if texts.is_empty() { "<none>".to_owned() } else { texts.join(",") })
        };
        self.columns.iter().map(cell).collect()
    }
}

/// A path may come without its braces and its first dot.
fn column(heading: &str, path: &str) -> Result<(String, JsonPath), String> {
    let inner = path.strip_prefix('{').and_then(|p| p.strip_suffix('}')).unwrap_or(path);
    let dot = if inner.starts_with(['.', '[', '$']) { "" } else { "." };
    Ok((heading.to_owned(), JsonPath::parse(&format!("{{{dot}{inner}}}"))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_has_what_the_paths_find() {
        let columns = Columns::parse("NAME:.metadata.name,ALL:spec.params[*].name,NOPE:{.status.x}").unwrap();
        let object = json!({"metadata": {"name": "a"}, "spec": {"params": [{"name": "x"}, {"name": "y"}]}});
        assert_eq!(columns.headings().collect::<Vec<_>>(), ["NAME", "ALL", "NOPE"]);
        assert_eq!(columns.bare().headings().count(), 0);
        assert_eq!(columns.row(&object).unwrap(), ["a", "x,y", "<none>"]);
        let file = Columns::parse_file("NAME  KIND\n.metadata.name  .kind\n").unwrap();
        assert_eq!(file.row(&object).unwrap(), ["a", "<none>"]);
    }

    #[test]
    fn what_is_no_column_is_refused() {
        for text in ["NAME", "NAME:", "", "A:.b:.c"] {
            assert!(Columns::parse(text).unwrap_err().contains("expected <header>:<json-path-expr>"), "{text}");
        }
        assert!(Columns::parse_file("NAME\n").is_err());
        assert!(Columns::parse_file("A B\n.x\n").unwrap_err().contains("2 headings and 1 paths"));
    }
}
