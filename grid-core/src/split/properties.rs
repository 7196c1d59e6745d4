//! Cuts are the input, whatever the chunks; plans are right at their edges.

use fallow_protocol::job::{GridParam, Split};
use fallow_protocol::limits::JOB_UNITS_MAX;
use fallow_protocol::unit::EmittedUnits;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const FILE: &str = "in.txt";

fn plan(split: Split, lens: &[u64]) -> Result<SplitPlan, SplitError> {
    let files: Vec<(String, u64)> = lens.iter().enumerate().map(|(n, len)| (format!("f{n}"), *len)).collect();
    plan_split(&split, &files)
}

/// All cuts of `input`, pushed in chunks of the given sizes.
fn cut_all(plan: &SplitPlan, input: &[u8], chunks: &[usize]) -> Result<Vec<Cut>, SplitError> {
    cut_from(plan, input, chunks, Mark::default()).map(|(cuts, _)| cuts)
}

fn cut_from(plan: &SplitPlan, input: &[u8], chunks: &[usize], mark: Mark) -> Result<(Vec<Cut>, Vec<Mark>), SplitError> {
    let mut cutter = plan.cutter(FILE, mark).expect("a plan that reads");
    let (mut cuts, mut marks, mut rest) = (Vec::new(), Vec::new(), &input[mark.offset as usize..]);
    let mut sizes = chunks.iter().copied().cycle();
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(rest.len()).clamp(1, rest.len());
        cutter.push(&rest[..size], &mut cuts)?;
        marks.push(cutter.mark());
        rest = &rest[size..];
    }
    cutter.finish(&mut cuts)?;
    marks.push(cutter.mark());
    Ok((cuts, marks))
}

fn bytes(input: &[u8], span: Span) -> &[u8] {
    &input[span.offset as usize..span.end() as usize]
}

fn lines(per_unit: u64) -> SplitPlan {
    SplitPlan::Lines { per_unit }
}

fn rows(per_unit: u64) -> SplitPlan {
    SplitPlan::CsvRows { per_unit }
}

/// A CSV row with its end, from fields that need quotes or not.
fn csv_row() -> impl Strategy<Value = String> {
    let plain = "[a-z \"]{0,6}".prop_map(|text: String| text.trim_start_matches('"').to_owned());
    let quoted = "[a-z\",\r\n]{0,8}".prop_map(|text: String| format!("\"{}\"", text.replace('"', "\"\"")));
    let field = prop_oneof![plain, quoted];
    (proptest::collection::vec(field, 1..4), prop_oneof![Just("\n"), Just("\r\n")])
        .prop_map(|(fields, end)| fields.join(",") + end)
}

proptest! {
    #[test]
    fn line_cuts_are_the_input(
        input in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..400),
        chunks in proptest::collection::vec(1usize..50, 1..8),
        per_unit in 1u64..6,
    ) {
        let cuts = cut_all(&lines(per_unit), &input, &chunks).unwrap();
        let joined: Vec<u8> = cuts.iter().flat_map(|cut| bytes(&input, cut.body)).copied().collect();
        prop_assert_eq!(&joined, &input);
        let expected = input.split_inclusive(|byte| *byte == b'\n').count() as u64;
        prop_assert_eq!(cuts.iter().map(|cut| cut.items).sum::<u64>(), expected);
        for (n, cut) in cuts.iter().enumerate() {
            let found = bytes(&input, cut.body).split_inclusive(|byte| *byte == b'\n').count() as u64;
            prop_assert_eq!(found, cut.items);
            prop_assert!(cut.items == per_unit || (n + 1 == cuts.len() && cut.items < per_unit));
        }
    }

    #[test]
    fn csv_cuts_hold_whole_rows_under_the_header(
        rows_in in proptest::collection::vec(csv_row(), 1..12),
        chunks in proptest::collection::vec(1usize..20, 1..8),
        per_unit in 1u64..4,
        last_end in any::<bool>(),
        mark in any::<bool>(),
    ) {
        let mut text = if mark { "\u{feff}".to_owned() } else { String::new() } + &rows_in.concat();
        if !last_end {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        prop_assume!(last_end || text.matches('"').count() % 2 == 0);
        let input = text.as_bytes();
        // What the rows should be, found independently: a row ends where quotes are even... by construction.
        let expected: Vec<&String> = rows_in.iter().skip(1).collect();
        let cuts = cut_all(&rows(per_unit), input, &chunks).unwrap();
        if last_end {
            prop_assert_eq!(cuts.iter().map(|cut| cut.items).sum::<u64>(), expected.len() as u64);
            for (cut, group) in cuts.iter().zip(expected.chunks(per_unit as usize)) {
                let body: String = group.iter().map(|row| row.as_str()).collect();
                prop_assert_eq!(bytes(input, cut.body), body.as_bytes());
            }
        }
        let header_len = cuts.first().map_or(input.len() as u64, |cut| cut.header.unwrap().len);
        let joined: Vec<u8> = cuts.iter().flat_map(|cut| bytes(input, cut.body)).copied().collect();
        prop_assert_eq!(joined, &input[header_len as usize..]);
        for cut in &cuts {
            prop_assert_eq!(cut.header, Some(Span { offset: 0, len: header_len }));
        }
    }

    #[test]
    fn cutting_goes_on_from_any_mark(
        rows_in in proptest::collection::vec(csv_row(), 1..12),
        chunks in proptest::collection::vec(1usize..20, 1..8),
        per_unit in 1u64..4,
        by_rows in any::<bool>(),
    ) {
        let text = rows_in.concat();
        let plan = if by_rows { rows(per_unit) } else { lines(per_unit) };
        let (cuts, marks) = cut_from(&plan, text.as_bytes(), &chunks, Mark::default()).unwrap();
        for mark in marks {
            let (rest, _) = cut_from(&plan, text.as_bytes(), &chunks, mark).unwrap();
            let kept = cuts.iter().filter(|cut| cut.body.offset < mark.offset).count();
            prop_assert_eq!(&rest[..], &cuts[kept..]);
        }
    }

    #[test]
    fn record_units_cover_the_files(
        lens in proptest::collection::vec(0u64..40, 1..6),
        record in 1u64..5,
        per_unit in 1u64..6,
    ) {
        prop_assume!(lens.iter().any(|len| *len > 0));
        let lens: Vec<u64> = lens.iter().map(|len| len * record).collect();
        let SplitPlan::Records(plan) = plan(Split::Records { bytes: record, per_unit }, &lens).unwrap() else {
            panic!("not records")
        };
        let (mut file, mut offset) = (0, 0);
        for n in 0..plan.units() {
            let FileSpan { file: found, span } = plan.nth(n).unwrap();
            while found > file {
                prop_assert_eq!(offset, lens[file]);
                (file, offset) = (file + 1, 0);
            }
            prop_assert_eq!(span.offset, offset);
            prop_assert!(span.len > 0 && span.len <= record * per_unit && span.len % record == 0);
            offset = span.end();
        }
        prop_assert_eq!(offset, lens[file]);
        prop_assert!(lens[file + 1..].iter().all(|len| *len == 0));
        prop_assert_eq!(plan.nth(plan.units()), None);
    }

    #[test]
    fn ranges_cover_their_numbers(from in any::<i64>(), count in 1u64..1_000, per_unit in 1u64..2_000) {
        let to = from.saturating_add_unsigned(count);
        prop_assume!(from < to);
        let SplitPlan::Range(plan) = plan(Split::Range { from, to, per_unit }, &[]).unwrap() else { panic!("no range") };
        let mut next = from;
        for n in 0..plan.units() {
            let unit: serde_json::Value = serde_json::from_slice(&plan.range_unit(n).unwrap()).unwrap();
            prop_assert_eq!(unit["from"].as_i64(), Some(next));
            next = unit["to"].as_i64().unwrap();
        }
        prop_assert_eq!(next, to);
        prop_assert_eq!(plan.range_unit(plan.units()), None);
    }

    #[test]
    fn guest_units_fill_the_blob(lens in proptest::collection::vec(0u64..1_000, 1..50), extra in 1u64..9) {
        let index = EmittedUnits::index(&lens);
        let len = lens.iter().sum::<u64>() + index.len() as u64;
        let emitted = EmittedUnits::from_tail(len, &index[index.len() - 8..]).unwrap();
        let read = read_lens(&index[..index.len() - 8]).unwrap();
        let spans = guest_spans(&emitted, &read).unwrap();
        prop_assert_eq!(spans.iter().map(|span| span.len).collect::<Vec<_>>(), lens);
        let longer = EmittedUnits { index_offset: emitted.index_offset + extra, ..emitted };
        prop_assert!(guest_spans(&longer, &read).is_err());
        prop_assert!(guest_spans(&emitted, &read[1..]).is_err());
    }
}

#[test]
fn a_grid_varies_its_last_name_fastest() {
    let params = vec![
        GridParam { name: "z".into(), values: vec![json!(1), json!("two")] },
        GridParam { name: "a".into(), values: vec![json!(null), json!([1.5]), json!({"k": true})] },
    ];
    let SplitPlan::Grid(plan) = plan(Split::Grid { params }, &[]).unwrap() else { panic!("no grid") };
    let units: Vec<String> = (0..6).map(|n| String::from_utf8(plan.grid_unit(n).unwrap()).unwrap()).collect();
    assert_eq!(units[0], r#"{"z":1,"a":null}"#);
    assert_eq!(units[1], r#"{"z":1,"a":[1.5]}"#);
    assert_eq!(units[5], r#"{"z":"two","a":{"k":true}}"#);
    assert_eq!(plan.grid_unit(6), None);
}

/// Each wrong input, and a word of the message that says so.
#[test]
fn what_cannot_be_split_is_refused_with_what_to_do() {
    let grid = |params| Split::Grid { params };
    let param = |name: &str, values: usize| GridParam { name: name.into(), values: vec![json!(7); values] };
    let huge = GridParam { name: "x".into(), values: vec![json!("y".repeat(2_000))] };
    let cases: Vec<(Split, Vec<u64>, &str)> = vec![
        (Split::File, vec![], "at least one with --input"),
        (Split::Lines { per_unit: 1 }, vec![], "at least one with --input"),
        (Split::Lines { per_unit: 1 }, vec![0, 0], "all input files are empty"),
        (Split::Lines { per_unit: 0 }, vec![9], "split.per_unit is 0"),
        (Split::CsvRows { per_unit: 0 }, vec![9], "split.per_unit is 0"),
        (Split::Records { bytes: 0, per_unit: 1 }, vec![9], "split.bytes is 0"),
        (Split::Records { bytes: 1, per_unit: 0 }, vec![9], "split.per_unit is 0"),
        (Split::Records { bytes: 4, per_unit: 1 }, vec![8, 9], "\"f1\" has 9 bytes"),
        (Split::Records { bytes: 1, per_unit: 1 }, vec![JOB_UNITS_MAX + 1], "raise split.per_unit"),
        (Split::Records { bytes: 1, per_unit: u64::MAX }, vec![3 << 30], "lower split.per_unit"),
        (Split::File, vec![3 << 30], "over the limit"),
        (Split::Guest, vec![2 << 30, 1], "submit several jobs"),
        (Split::File, vec![1; 10_001], "10001 input files"),
        (Split::Range { from: 3, to: 3, per_unit: 1 }, vec![], "the range is empty"),
        (Split::Range { from: 0, to: 3, per_unit: 0 }, vec![], "split.per_unit is 0"),
        (Split::Range { from: i64::MIN, to: i64::MAX, per_unit: 1 }, vec![], "18446744073709551615 units"),
        (Split::Range { from: 0, to: 3, per_unit: 1 }, vec![5], "reads none"),
        (grid(vec![]), vec![], "is empty"),
        (grid(vec![param("a", 0)]), vec![], "\"a\" has no values"),
        (grid(vec![param("a", 1), param("a", 2)]), vec![], "is there twice"),
        (grid(vec![param("", 1)]), vec![], "a name is empty"),
        (grid(vec![param("a", 5_000), param("b", 5_000)]), vec![], "25000000 units"),
        (grid(vec![huge]), vec![], "shared file"),
    ];
    for (split, lens, word) in cases {
        let error = plan(split.clone(), &lens).expect_err(word).to_string();
        assert!(error.contains(word), "{split:?}: {error}");
    }
}

#[test]
fn the_plain_cases_are_planned() {
    assert_eq!(plan(Split::File, &[0, 5]).unwrap().units(), Some(2));
    assert_eq!(plan(Split::Guest, &[]).unwrap(), SplitPlan::Guest);
    assert_eq!(plan(Split::Records { bytes: 4, per_unit: u64::MAX }, &[8, 0, 4]).unwrap().units(), Some(2));
    assert_eq!(plan(Split::Range { from: i64::MIN, to: i64::MAX, per_unit: u64::MAX }, &[]).unwrap().units(), Some(1));
    assert!(check_total(0, "").is_err() && check_total(1, "").is_ok() && check_total(JOB_UNITS_MAX + 1, "").is_err());
}

#[test]
fn an_endless_line_is_refused_with_its_number() {
    let chunk = vec![b'x'; 1 << 20];
    for plan in [lines(3), rows(3)] {
        let mut cutter = plan.cutter(FILE, Mark::default()).unwrap();
        let mut cuts = Vec::new();
        cutter.push(b"a\nb\n", &mut cuts).unwrap();
        let error = (0..).find_map(|_| cutter.push(&chunk, &mut cuts).err()).unwrap();
        assert_eq!(error, SplitError::LineTooLong { file: FILE.into(), line: 3 });
    }
}

#[test]
fn a_quote_that_never_ends_is_refused_with_its_line() {
    let error = cut_all(&rows(1), b"a,b\n1,2\n3,\"4\n5,6\n", &[5]).unwrap_err();
    assert_eq!(error, SplitError::OpenQuote { file: FILE.into(), line: 3 });
}

#[test]
fn a_file_of_a_header_alone_gives_no_units() {
    assert_eq!(cut_all(&rows(1), b"a,b\n", &[9]).unwrap(), []);
    assert_eq!(cut_all(&rows(1), b"a,b", &[9]).unwrap(), []);
    assert_eq!(cut_all(&lines(1), b"", &[9]).unwrap(), []);
}
