//! Lists as the server's own tables: names and the columns of the CustomResourceDefinition, without the objects. That is
//! a sixtieth of the bytes of the list, and the server need not write out the objects.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::request::{Ask, Select};
use super::{Cluster, Error};
use crate::kinds::Kind;

/// A row of a server's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// Name of the object
    pub name: String,
    /// How long ago the time of the column was, as the server words it; none where the object has no such time
    pub age: Option<String>,
}

#[derive(Deserialize)]
struct Table<'a> {
    #[serde(default)]
    kind: String,
    #[serde(default, rename = "columnDefinitions")]
    columns: Vec<Column>,
    #[serde(borrow)]
    rows: Option<Vec<Row<'a>>>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

/// Cells as they came: of ten thousand rows only a name and an age each are kept.
#[derive(Deserialize)]
struct Row<'a> {
    #[serde(default, borrow)]
    cells: Vec<&'a RawValue>,
}

impl Cluster {
    /// The names of a kind's objects in the server's order, with the first of these columns that there is; none when the
    /// server makes no tables, or none with such a column.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub async fn table(
        &self,
        kind: &'static Kind,
        namespace: Option<&str>,
        select: &Select,
        columns: &[&str],
    ) -> Result<Option<Vec<TableRow>>, Error> {
        let ask = Ask::list(kind, namespace).select(select).query("includeObject", "None").in_a_table();
        let text = self.text(&ask).await?;
        Ok(rows(&text, columns))
    }

    /// The names of a kind's objects in the server's order, each with what stands in these columns; none when the server
    /// makes no tables, or none with all of them.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub async fn cells<const N: usize>(
        &self,
        kind: &'static Kind,
        namespace: Option<&str>,
        select: &Select,
        columns: [&str; N],
    ) -> Result<Option<Vec<(String, [Option<String>; N])>>, Error> {
        let ask = Ask::list(kind, namespace).select(select).query("includeObject", "None").in_a_table();
        let text = self.text(&ask).await?;
        Ok(cells(&text, columns))
    }
}

fn rows(text: &str, columns: &[&str]) -> Option<Vec<TableRow>> {
    let table = table(text)?;
    let age = table.first(columns)?;
    table.named(Some(age))
}

/// The names, with an age where the table has one of these columns; that of EventListeners has none.
pub(super) fn names(text: &str, columns: &[&str]) -> Option<Vec<TableRow>> {
    let table = table(text)?;
    let age = table.first(columns);
    table.named(age)
}

fn cells<const N: usize>(text: &str, columns: [&str; N]) -> Option<Vec<(String, [Option<String>; N])>> {
    let table = table(text)?;
    let name = table.place("name")?;
    let places: Vec<usize> = columns.iter().map(|column| table.place(column)).collect::<Option<_>>()?;
    let row = |row: Row<'_>| Some((row.text(name)?, std::array::from_fn(|i| row.text(places[i]))));
    table.rows.unwrap_or_default().into_iter().map(row).collect()
}

fn table(text: &str) -> Option<Table<'_>> {
    serde_json::from_str(text).ok().filter(|table: &Table<'_>| table.kind == "Table")
}

impl Table<'_> {
    fn named(self, age: Option<usize>) -> Option<Vec<TableRow>> {
        let name = self.place("name")?;
        let row = |row: Row<'_>| Some(TableRow { name: row.text(name)?, age: age.and_then(|age| row.text(age)) });
        self.rows.unwrap_or_default().into_iter().map(row).collect()
    }

    fn first(&self, columns: &[&str]) -> Option<usize> {
        columns.iter().find_map(|column| self.place(column))
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }
}

impl Row<'_> {
    /// What stands in a column; none where the object has no such thing.
    fn text(&self, at: usize) -> Option<String> {
        let text: String = serde_json::from_str(self.cells.get(at)?.get()).ok()?;
        Some(text).filter(|text| !text.is_empty() && text != "<unknown>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_columns_are_read_where_all_of_them_are_there() {
        let text = r#"{"kind":"Table","columnDefinitions":[{"name":"Name"},{"name":"Succeeded"},{"name":"Reason"}],
            "rows":[{"cells":["a","True","Succeeded"]},{"cells":["b",null,""]}]}"#;
        let cell = |text: &str| Some(text.to_owned());
        let read = vec![("a".to_owned(), [cell("Succeeded"), cell("True")]), ("b".to_owned(), [None, None])];
        assert_eq!(cells(text, ["Reason", "Succeeded"]), Some(read));
        assert_eq!(cells(text, ["Reason", "StartTime"]), None);
    }

    #[test]
    fn a_table_is_read_by_the_names_of_its_columns() {
        let text = r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","columnDefinitions":[{"name":"Name"},{"name":"Reason"},{"name":"StartTime"}],
            "rows":[{"cells":["a","Failed","3m5s"],"object":null},{"cells":["b",null,null]},{"cells":["c","","<unknown>"]}]}"#;
        let row = |name: &str, age: Option<&str>| TableRow { name: name.into(), age: age.map(Into::into) };
        assert_eq!(rows(text, &["Age", "startTime"]), Some(vec![row("a", Some("3m5s")), row("b", None), row("c", None)]));
        assert_eq!(rows(text, &["Age"]), None, "no such column");
        assert_eq!(names(text, &["Age"]), Some(vec![row("a", None), row("b", None), row("c", None)]), "names need no age");
        assert_eq!(rows(r#"{"kind":"PipelineRunList","items":[]}"#, &["Age"]), None, "no table");
        let empty = r#"{"kind":"Table","columnDefinitions":[{"name":"Name"},{"name":"Age"}],"rows":null}"#;
        assert_eq!(rows(empty, &["Age"]), Some(Vec::new()));
    }
}
