//! The beginning of a text as rows and columns, where it is JSON lines, CSV or tab-separated; else as lines. All of it is
//! bounded: by rows, columns, and letters a cell.

use serde_json::Value;

use super::kind::plain;

/// Rows that are shown.
pub const ROWS_MAX: usize = 200;
/// Columns that are shown.
pub const COLUMNS_MAX: usize = 50;
/// Lines of a text that are shown.
const LINES_MAX: usize = 1_000;
/// Letters of a line, and of a cell.
const LINE_MAX: usize = 2_000;
const CELL_MAX: usize = 200;
/// Nothing that is shown in a cell is nested deeper.
const DEPTH_MAX: usize = 16;

/// A table's beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// A table, where the text is one. `whole` where this is all of it: else its last line is cut off.
pub fn table(text: &str, whole: bool) -> Option<Table> {
    let text = match text.rfind('\n') {
        Some(end) if !whole => &text[..end],
        _ => text,
    };
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(ROWS_MAX + 1).collect();
    json_lines(&lines).or_else(|| separated(&lines, ',')).or_else(|| separated(&lines, '\t'))
}

/// The text's first lines, none of them too long, without letters that do something.
pub fn lines(text: &str) -> String {
    let shown = |line: &str| plain(&line.replace('\t', "    "), LINE_MAX);
    let mut lines: Vec<String> = text.lines().take(LINES_MAX).map(shown).collect();
    if text.lines().nth(LINES_MAX).is_some() {
        lines.push("…".into());
    }
    lines.join("\n")
}

fn json_lines(lines: &[&str]) -> Option<Table> {
    let shallow = |line: &&&str| line.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count() <= DEPTH_MAX * 8;
    let objects: Option<Vec<serde_json::Map<String, Value>>> = lines
        .iter()
        .take(ROWS_MAX)
        .map(|line| Some(line).filter(shallow).and_then(|line| serde_json::from_str(line).ok()))
        .collect();
    let objects = objects.filter(|objects| !objects.is_empty())?;
    let mut names: Vec<&String> = Vec::new();
    for name in objects.iter().flat_map(|object| object.keys()) {
        if names.len() < COLUMNS_MAX && !names.contains(&name) {
            names.push(name);
        }
    }
    let cell = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => plain(text, CELL_MAX),
        Some(other) => plain(&other.to_string(), CELL_MAX),
    };
    let rows = objects.iter().map(|object| names.iter().map(|name| cell(object.get(*name))).collect()).collect();
    Some(Table { columns: names.into_iter().map(|name| plain(name, CELL_MAX)).collect(), rows })
}

/// Two lines or more with the same number of fields, of which there are two or more.
fn separated(lines: &[&str], separator: char) -> Option<Table> {
    let head = fields(lines.first()?, separator)?;
    if head.len() < 2 || lines.len() < 2 {
        return None;
    }
    let mut rows = Vec::with_capacity(lines.len() - 1);
    for line in &lines[1..] {
        let row = fields(line, separator).filter(|row| row.len() == head.len())?;
        rows.push(row);
    }
    Some(Table { columns: head, rows })
}

/// Fields of a line, quoted ones as RFC 4180 has them but for line ends. None where a quote does not end.
fn fields(line: &str, separator: char) -> Option<Vec<String>> {
    let (mut fields, mut field, mut quoted, mut count) = (Vec::new(), String::new(), false, 0);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            _ if letter == separator && !quoted => {
                count += 1;
                let field = std::mem::take(&mut field);
                if count <= COLUMNS_MAX {
                    fields.push(plain(&field, CELL_MAX));
                }
            }
            other => field.push(other),
        }
    }
    if count < COLUMNS_MAX {
        fields.push(plain(&field, CELL_MAX));
    }
    (!quoted).then_some(fields)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn csv_and_json_lines_are_tables() {
        let csv = table("name,size\n\"a, b\",1\n\"say \"\"x\"\"\",\n", true).unwrap();
        assert_eq!(csv.columns, texts(&["name", "size"]));
        assert_eq!(csv.rows, [texts(&["a, b", "1"]), texts(&["say \"x\"", ""])]);
        let tabs = table("a\tb\n1\t2", true).unwrap();
        assert_eq!(tabs.rows, [texts(&["1", "2"])]);
        let json = table("{\"a\":1,\"b\":\"<script>\"}\n{\"a\":null,\"c\":[1]}\n", true).unwrap();
        assert_eq!(json.columns, texts(&["a", "b", "c"]));
        assert_eq!(json.rows, [texts(&["1", "<script>", ""]), texts(&["", "", "[1]"])]);
    }

    #[test]
    fn other_texts_are_lines() {
        for text in ["", "one line", "a, b\nc", "Dear x,\nhow are you?", "{\"a\":1}\nno"] {
            assert_eq!(table(text, true), None, "{text:?}");
        }
        assert_eq!(table("a,b\n1,2\n3", false).unwrap().rows.len(), 1, "the last line is cut off");
    }

    #[test]
    fn huge_lines_and_many_columns_are_cut() {
        let long = "x".repeat(1 << 20);
        assert_eq!(lines(&long).chars().count(), LINE_MAX + 1);
        assert_eq!(lines(&"a\n".repeat(5_000)).lines().count(), LINES_MAX + 1);
        let wide = format!("{}\n{}", "a,".repeat(10_000), "1,".repeat(10_000));
        let wide = table(&wide, true).unwrap();
        assert_eq!((wide.columns.len(), wide.rows[0].len()), (COLUMNS_MAX, COLUMNS_MAX));
        assert!(table(&format!("a,b\n{long},1"), true).unwrap().rows[0][0].chars().count() <= CELL_MAX + 1);
        assert_eq!(table(&"[".repeat(100_000), true), None);
    }

    proptest! {
        #[test]
        fn rows_have_as_many_cells_as_columns(text: String, whole: bool) {
            if let Some(table) = table(&text, whole) {
                prop_assert!(table.columns.len() <= COLUMNS_MAX && table.rows.len() <= ROWS_MAX);
                prop_assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
            }
            let _ = lines(&text);
        }
    }
}
