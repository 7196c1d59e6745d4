//! A plain program: CSV on standard input, chosen rows and columns on standard output.
//!
//! ```text
//! wasi-filter [--where COLUMN(=|!=|<|>)VALUE]… [--columns NAME,NAME…] [--no-header]
//! ```
//!
//! It knows nothing of Fallow, and runs as it is: natively, in any WASI runtime, and as the units of a job.

mod csv;
mod query;

use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;

use query::Query;

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("wasi-filter: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: impl Iterator<Item = String>) -> Result<(), String> {
    let query = Query::parse(args)?;
    let mut input = String::new();
    io::stdin().read_to_string(&mut input).map_err(|error| format!("cannot read the input: {error}"))?;
    let mut output = BufWriter::new(io::stdout().lock());
    filter(&query, &input, &mut output)?;
    output.flush().map_err(|error| format!("cannot write the output: {error}"))
}

fn filter(query: &Query, input: &str, output: &mut impl Write) -> Result<(), String> {
    let mut rows = csv::rows(input);
    let header = rows.next().ok_or("the input is empty: its first row names the columns")??;
    let plan = query.plan(&header)?;
    if query.header {
        write_row(output, &plan.choose(&header))?;
    }
    for (number, row) in rows.enumerate() {
        let row = row?;
        if row.len() != header.len() {
            return Err(format!("row {} has {} fields, the header {}", number + 2, row.len(), header.len()));
        }
        if plan.keeps(&row) {
            write_row(output, &plan.choose(&row))?;
        }
    }
    Ok(())
}

fn write_row(output: &mut impl Write, row: &[&str]) -> Result<(), String> {
    output.write_all(csv::line(row).as_bytes()).map_err(|error| format!("cannot write the output: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(args: &[&str], input: &str) -> Result<String, String> {
        let query = Query::parse(args.iter().map(ToString::to_string))?;
        let mut output = Vec::new();
        filter(&query, input, &mut output)?;
        Ok(String::from_utf8(output).unwrap())
    }

    #[test]
    fn rows_and_columns_are_chosen() {
        let input = "name,size,note\na,10,\"x, \"\"y\"\"\"\nb,9,\nc,100,z\n";
        assert_eq!(filtered(&[], input).unwrap(), input);
        assert_eq!(
            filtered(&["--where", "size>9", "--columns", "note,name"], input).unwrap(),
            "note,name\n\"x, \"\"y\"\"\",a\nz,c\n"
        );
        assert_eq!(filtered(&["--where", "name!=a", "--where", "size<50", "--no-header"], input).unwrap(), "b,9,\n");
    }

    #[test]
    fn the_southern_zones_of_the_real_table() {
        let zones = include_str!("../input/zones.csv");
        let south = filtered(&["--where", "latitude<0", "--columns", "zone"], zones).unwrap();
        assert!(south.contains("Australia/Sydney\n") && south.contains("America/Sao_Paulo\n"));
        assert!(!south.contains("Europe/"), "{south}");
    }

    #[test]
    fn mistakes_are_said() {
        let check =
            |args: &[&str], input: &str, expected: &str| assert_eq!(filtered(args, input).unwrap_err(), expected);
        check(&["--where", "height>1"], "a,b\n", "there is no column \"height\"; there are a, b");
        check(&["--where", "a"], "a\n", "--where needs COLUMN=VALUE, !=, < or >, not \"a\"");
        check(&["--what"], "a\n", "unknown option \"--what\"");
        check(&[], "", "the input is empty: its first row names the columns");
        check(&[], "a,b\n1\n", "row 2 has 1 fields, the header 2");
        check(&[], "a\n\"1\n", "a quoted field that begins in line 2 does not end");
    }
}
