//! Many rows in one statement: they travel as one JSON array, and the statement's text is written once for both
//! databases. Values are numbers, texts, or bytes as hexadecimal letters.

use std::fmt::Write;

use data_encoding::HEXLOWER;
use sea_orm::{DbBackend, Statement, Value};

/// Rows under construction: a JSON array of arrays.
#[derive(Debug, Default)]
pub(super) struct Rows {
    json: String,
    len: usize,
}

impl Rows {
    /// Room for `rows` rows of about `bytes` bytes each.
    pub(super) fn with_capacity(rows: usize, bytes: usize) -> Self {
        Self { json: String::with_capacity(2 + rows * bytes), len: 0 }
    }

    /// Begin a row; its values follow in order.
    pub(super) fn row(&mut self) -> Row<'_> {
        self.json.push_str(if self.len == 0 { "[[" } else { ",[" });
        self.len += 1;
        Row { json: &mut self.json, first: true }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The array as a value to bind.
    pub(super) fn value(mut self) -> Value {
        self.json.push_str(if self.len == 0 { "[]" } else { "]" });
        self.json.into()
    }
}

/// One row; closed when it is dropped.
pub(super) struct Row<'a> {
    json: &'a mut String,
    first: bool,
}

impl Row<'_> {
    fn comma(&mut self) -> &mut String {
        if !std::mem::take(&mut self.first) {
            self.json.push(',');
        }
        self.json
    }

    /// A number.
    pub(super) fn int(mut self, value: i64) -> Self {
        let _ = write!(self.comma(), "{value}");
        self
    }

    /// A count, capped where the database ends.
    pub(super) fn count(self, value: u64) -> Self {
        self.int(int(value))
    }

    /// A count, or none.
    pub(super) fn maybe(mut self, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.count(value),
            None => {
                self.comma().push_str("null");
                self
            }
        }
    }

    /// Bytes, or none.
    pub(super) fn bytes(mut self, value: Option<&[u8]>) -> Self {
        let json = self.comma();
        match value {
            Some(bytes) => {
                json.push('"');
                HEXLOWER.encode_append(bytes, json);
                json.push('"');
            }
            None => json.push_str("null"),
        }
        self
    }

    /// A text, or none. PostgreSQL has no NUL in texts, so none gets there.
    pub(super) fn text(mut self, value: Option<&str>) -> Self {
        let json = self.comma();
        match value {
            Some(text) => json.push_str(&serde_json::Value::from(text.replace('\0', "\u{fffd}")).to_string()),
            None => json.push_str("null"),
        }
        self
    }
}

impl Drop for Row<'_> {
    fn drop(&mut self) {
        self.json.push(']');
    }
}

/// A list of numbers as one value to bind, for `{list:N}`.
pub(super) fn list(values: impl IntoIterator<Item = u64>) -> Value {
    let texts: Vec<String> = values.into_iter().map(|value| int(value).to_string()).collect();
    format!("[{}]", texts.join(",")).into()
}

/// Columns are signed; nothing of ours is larger than half the range.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A statement from a text with `$1`, `$2` for values and these words:
/// `{rows:N}` the rows of value N; in them `{int:I}`, `{text:I}`, `{bytes:I}` and `{bool:I}` of column I;
/// `{list:N}` a subquery over the numbers of value N; `{by:INDEX}` the index that SQLite has to take, because it
/// knows nothing of how few rows a partial index holds.
pub(super) fn statement(backend: DbBackend, text: &str, values: Vec<Value>) -> Statement {
    super::count_statement();
    Statement::from_sql_and_values(backend, translate(backend, text), values)
}

pub(super) fn translate(backend: DbBackend, text: &str) -> String {
    let mut sql = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (word, later) = after.split_once('}').expect("statements are constants with closed words");
        let (kind, number) = word.split_once(':').expect("words of statements have a number");
        sql.push_str(before);
        sql.push_str(&expand(backend == DbBackend::Sqlite, kind, number));
        rest = later;
    }
    sql.push_str(rest);
    sql
}

fn expand(sqlite: bool, kind: &str, number: &str) -> String {
    match (kind, sqlite) {
        ("rows", true) => format!("json_each(${number}) AS list WHERE true"),
        ("rows", false) => format!("json_array_elements(${number}::json) AS list(value) WHERE true"),
        ("list", true) => format!("(SELECT value FROM json_each(${number}))"),
        ("list", false) => format!("(SELECT value::text::bigint FROM json_array_elements(${number}::json))"),
        ("int" | "text" | "bool", true) => format!("list.value->>{number}"),
        ("text", false) => format!("list.value->>{number}"),
        ("int", false) => format!("(list.value->>{number})::bigint"),
        ("bool", false) => format!("(list.value->>{number})::bigint <> 0"),
        ("bytes", true) => format!("unhex(list.value->>{number})"),
        ("bytes", false) => format!("decode(list.value->>{number}, 'hex')"),
        ("by", true) => format!("INDEXED BY {number}"),
        ("by", false) => String::new(),
        _ => unreachable!("statements are constants with known words"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_json() {
        let mut rows = Rows::with_capacity(2, 8);
        rows.row().int(-1).count(u64::MAX).bytes(Some(&[1, 255]));
        rows.row().bytes(None).text(Some("a\"\0")).text(None).maybe(Some(2)).maybe(None);
        assert_eq!(rows.len(), 2);
        let wanted = format!("[[-1,{},\"01ff\"],[null,\"a\\\"\u{fffd}\",null,2,null]]", i64::MAX);
        assert_eq!(rows.value(), Value::from(wanted));
        assert_eq!(Rows::default().value(), Value::from("[]".to_owned()));
    }

    #[test]
    fn words_become_the_databases_own() {
        let text = "INSERT INTO t SELECT $1, {int:0}, {bytes:1} FROM {rows:2}";
        assert_eq!(
            translate(DbBackend::Sqlite, text),
            "INSERT INTO t SELECT $1, list.value->>0, unhex(list.value->>1) FROM json_each($2) AS list WHERE true"
        );
        assert!(translate(DbBackend::Postgres, text).contains("decode(list.value->>1, 'hex')"));
    }
}
