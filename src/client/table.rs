//! Lists as the server's own tables: names and the columns of the CustomResourceDefinition, without the objects. That is
//! a sixtieth of the bytes of the list, and the server need not write out the objects.

use serde::Deserialize;
use serde_json::Value;

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
struct Table {
    #[serde(default)]
    kind: String,
    #[serde(default, rename = "columnDefinitions")]
    columns: Vec<Column>,
    rows: Option<Vec<Row>>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    cells: Vec<Value>,
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
        let ask = Ask::list(kind, namespace).select(select).query("includeObject", "None").as_table();
        let text = self.text(&ask).await?;
        Ok(rows(&text, columns))
    }
}

pub(super) fn rows(text: &str, columns: &[&str]) -> Option<Vec<TableRow>> {
    let table: Table = serde_json::from_str(text).ok().filter(|table: &Table| table.kind == "Table")?;
    let place = |name: &str| table.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
    let (name, age) = (place("name")?, columns.iter().find_map(|column| place(column))?);
    let row = |row: Row| {
        let text = |at: usize| row.cells.get(at).and_then(Value::as_str).map(str::to_owned);
        Some(TableRow { name: text(name)?, age: text(age).filter(|age| !age.is_empty() && age != "<unknown>") })
    };
    table.rows.unwrap_or_default().into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_by_the_names_of_its_columns() {
        let text = r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","columnDefinitions":[{"name":"Name"},{"name":"Reason"},{"name":"StartTime"}],
            "rows":[{"cells":["a","Failed","3m5s"],"object":null},{"cells":["b",null,null]},{"cells":["c","","<unknown>"]}]}"#;
        let row = |name: &str, age: Option<&str>| TableRow { name: name.into(), age: age.map(Into::into) };
        assert_eq!(rows(text, &["Age", "startTime"]), Some(vec![row("a", Some("3m5s")), row("b", None), row("c", None)]));
        assert_eq!(rows(text, &["Age"]), None, "no such column");
        assert_eq!(rows(r#"{"kind":"PipelineRunList","items":[]}"#, &["Age"]), None, "no table");
        let empty = r#"{"kind":"Table","columnDefinitions":[{"name":"Name"},{"name":"Age"}],"rows":null}"#;
        assert_eq!(rows(empty, &["Age"]), Some(Vec::new()));
    }
}
