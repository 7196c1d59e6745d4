//! CSV as RFC 4180 has it: quoted fields may hold commas, line ends and doubled quotes.

/// The rows of a text, each with its fields.
pub fn rows(text: &str) -> impl Iterator<Item = Result<Vec<String>, String>> {
    let (mut rest, mut line) = (text, 1);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let begun = line;
        Some(row(&mut rest, &mut line).ok_or_else(|| {
            rest = "";
            format!("a quoted field that begins in line {begun} does not end")
        }))
    })
}

/// Take one row off `rest`; none where a quoted field does not end.
fn row(rest: &mut &str, line: &mut u64) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    loop {
        let (field, after) = if rest.starts_with('"') { quoted(rest, line)? } else { plain(rest) };
        fields.push(field);
        *rest = after;
        if let Some(after) = rest.strip_prefix(',') {
            *rest = after;
            continue;
        }
        *rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest);
        *line += 1;
        return Some(fields);
    }
}

fn plain(text: &str) -> (String, &str) {
    let end = text.find([',', '\n']).unwrap_or(text.len());
    let field = if text[end..].starts_with('\n') { text[..end].trim_end_matches('\r') } else { &text[..end] };
    (field.to_owned(), &text[end..])
}

fn quoted<'a>(text: &'a str, line: &mut u64) -> Option<(String, &'a str)> {
    let mut field = String::new();
    let mut rest = &text[1..];
    loop {
        let end = rest.find('"')?;
        field.push_str(&rest[..end]);
        *line += rest[..end].matches('\n').count() as u64;
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => (rest, ()) = (after, field.push('"')),
            None => {
                // What follows the closing quote up to the next comma belongs to nothing.
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                return Some((field, &rest[end..]));
            }
        }
    }
}

/// A row as a line, with quotes where they are needed.
pub fn line(row: &[&str]) -> String {
    let fields: Vec<String> = row
        .iter()
        .map(|field| {
            if field.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", field.replace('"', "\"\""))
            } else {
                (*field).to_owned()
            }
        })
        .collect();
    fields.join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let text = "a,\"b,\"\"c\"\"\",\"d\ne\"\r\n,,x\nlast,1,2";
        let read: Vec<Vec<String>> = rows(text).collect::<Result<_, _>>().unwrap();
        assert_eq!(read, [vec!["a", "b,\"c\"", "d\ne"], vec!["", "", "x"], vec!["last", "1", "2"]]);
        let written: String =
            read.iter().map(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>())).collect();
        assert_eq!(rows(&written).collect::<Result<Vec<_>, _>>().unwrap(), read);
    }
}
