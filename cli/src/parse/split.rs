//! `--split`: how to cut the input into units.

use fallow_protocol::job::{GridParam, Split};

use super::size;

/// What every wrong `--split` is answered with.
const FORMS: &str = "file, lines:N, records:BYTES[:N], csv:N, range:FROM..TO:STEP, grid:NAME=V1,V2;NAME=… or guest";

/// Parse `file | lines:N | records:BYTES[:N] | csv:N | range:FROM..TO:STEP | grid:NAME=V1,V2;… | guest`.
pub fn split(text: &str) -> Result<Split, String> {
    let (form, rest) = text.split_once(':').map_or((text, None), |(form, rest)| (form, Some(rest)));
    match (form, rest) {
        ("file", None) => Ok(Split::File),
        ("guest", None) => Ok(Split::Guest),
        ("lines", Some(rest)) => Ok(Split::Lines { per_unit: number(rest, "lines:1000")? }),
        ("csv", Some(rest)) => Ok(Split::CsvRows { per_unit: number(rest, "csv:1000")? }),
        ("records", Some(rest)) => records(rest),
        ("range", Some(rest)) => range(rest),
        ("grid", Some(rest)) => grid(rest),
        _ => Err(format!("expected {FORMS}, not {text:?}")),
    }
}

fn number(text: &str, right: &str) -> Result<u64, String> {
    let parsed = text.trim().replace('_', "").parse().ok().filter(|number| *number > 0);
    parsed.ok_or_else(|| format!("expected a number of at least 1, as in {right}, not {text:?}"))
}

fn records(text: &str) -> Result<Split, String> {
    let (bytes, per_unit) = text.split_once(':').unwrap_or((text, "1"));
    Ok(Split::Records { bytes: size(bytes)?, per_unit: number(per_unit, "records:4096:100")? })
}

fn range(text: &str) -> Result<Split, String> {
    let wrong = || format!("expected range:FROM..TO:STEP, as in range:0..1000000:10000, not {text:?}");
    let whole = |text: &str| text.trim().replace('_', "").parse::<i64>().map_err(|_| wrong());
    let (ends, step) = text.rsplit_once(':').ok_or_else(wrong)?;
    let (from, to) = ends.split_once("..").ok_or_else(wrong)?;
    let (from, to) = (whole(from)?, whole(to)?);
    if from >= to {
        return Err(format!("the range {from}..{to} is empty: FROM must be below TO"));
    }
    Ok(Split::Range { from, to, per_unit: number(step, "range:0..1000000:10000")? })
}

fn grid(text: &str) -> Result<Split, String> {
    let params = text.split(';').map(grid_param).collect::<Result<Vec<_>, _>>()?;
    match params.iter().enumerate().find(|(index, param)| params[..*index].iter().any(|p| p.name == param.name)) {
        Some((_, twice)) => Err(format!("the parameter {:?} is given twice", twice.name)),
        None => Ok(Split::Grid { params }),
    }
}

fn grid_param(text: &str) -> Result<GridParam, String> {
    let wrong = || format!("expected NAME=VALUE,VALUE…, as in grid:size=1,2,4;mode=fast,exact, not {text:?}");
    let (name, values) = text.split_once('=').ok_or_else(wrong)?;
    let name = name.trim();
    let values: Vec<&str> = values.split(',').map(str::trim).collect();
    if name.is_empty() || values.iter().any(|value| value.is_empty()) {
        return Err(wrong());
    }
    Ok(GridParam { name: name.to_owned(), values: values.into_iter().map(value).collect() })
}

/// Numbers, true, false and null are themselves; all else is text.
fn value(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_is_read() {
        assert_eq!(split("file"), Ok(Split::File));
        assert_eq!(split("guest"), Ok(Split::Guest));
        assert_eq!(split("lines:1_000"), Ok(Split::Lines { per_unit: 1000 }));
        assert_eq!(split("csv:50"), Ok(Split::CsvRows { per_unit: 50 }));
        assert_eq!(split("records:4KiB:10"), Ok(Split::Records { bytes: 4096, per_unit: 10 }));
        assert_eq!(split("records:32"), Ok(Split::Records { bytes: 32, per_unit: 1 }));
        assert_eq!(split("range:-5..1000000:10000"), Ok(Split::Range { from: -5, to: 1_000_000, per_unit: 10_000 }));
        let params = vec![
            GridParam { name: "size".into(), values: vec![json!(1), json!(2.5)] },
            GridParam { name: "mode".into(), values: vec![json!("fast"), json!(true)] },
        ];
        assert_eq!(split("grid:size=1,2.5;mode=fast,true"), Ok(Split::Grid { params }));
    }

    #[test]
    fn wrong_forms_say_what_would_be_right() {
        for (wrong, right) in [
            ("", "lines:N"),
            ("rows:5", "csv:N"),
            ("file:3", "file, lines:N"),
            ("lines", "lines:N"),
            ("lines:0", "lines:1000"),
            ("records:x", "64MiB"),
            ("records:4:0", "records:4096:100"),
            ("range:0..10", "range:FROM..TO:STEP"),
            ("range:10..10:1", "FROM must be below TO"),
            ("range:0..99999999999999999999:1", "range:0..1000000:10000"),
            ("grid:", "NAME=VALUE"),
            ("grid:a=1,;b=2", "NAME=VALUE"),
            ("grid:a=1;a=2", "given twice"),
        ] {
            let error = split(wrong).unwrap_err();
            assert!(error.contains(right), "{wrong:?}: {error}");
        }
    }
}
