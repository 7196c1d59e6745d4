//! Whatever the size of the batches, the units are the same, and together they are the files.

use fallow_protocol::job::Split;
use grid_core::split::plan_split;

use super::*;

fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> InputFile {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    InputFile { name: name.into(), blob: Digest::of(bytes), len: bytes.len() as u64, path }
}

fn bytes_of(input: &Input, files: &[InputFile]) -> Vec<u8> {
    match input {
        Input::Inline(bytes) => bytes.clone(),
        Input::Ranges(ranges) => ranges
            .iter()
            .flat_map(|range| {
                let file = files.iter().find(|file| file.blob == range.blob).unwrap();
                let all = std::fs::read(&file.path).unwrap();
                all[range.offset as usize..(range.offset + range.len) as usize].to_vec()
            })
            .collect(),
        Input::Parts(_) => panic!("a cut never gives parts"),
    }
}

fn all(split: &Split, files: &[InputFile], wanted: u64) -> Vec<Vec<u8>> {
    let lens: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.len)).collect();
    let plan = plan_split(split, &lens).unwrap();
    let (mut units, mut place) = (Vec::new(), Place::default());
    loop {
        let batch = batch(&plan, files, place, units.len() as u64, wanted).unwrap();
        units.extend(batch.inputs.iter().map(|input| bytes_of(input, files)));
        place = batch.place;
        if batch.done {
            return units;
        }
    }
}

#[test]
fn batches_of_any_size_give_the_same_units() {
    let folder = tempfile::tempdir().unwrap();
    let long: String = (0..60_000).map(|n| format!("{n},{}\n", "x".repeat(n % 40))).collect();
    let files = [file(&folder, "a", long.as_bytes()), file(&folder, "b", b"h1,h2\n1,\"two\nlines\"\n3,4")];
    let splits = [
        Split::File,
        Split::Lines { per_unit: 7 },
        Split::Lines { per_unit: 1_000 },
        Split::CsvRows { per_unit: 3 },
        Split::Range { from: -5, to: 5_000, per_unit: 3 },
    ];
    for split in splits {
        let files = if matches!(split, Split::Range { .. }) { &files[..0] } else { &files[..] };
        let whole = all(&split, files, u64::MAX);
        assert_eq!(all(&split, files, 100), whole, "{split:?}");
        if matches!(split, Split::Lines { .. } | Split::File) {
            let read: Vec<u8> = files.iter().flat_map(|file| std::fs::read(&file.path).unwrap()).collect();
            assert_eq!(whole.concat(), read, "{split:?}");
        }
    }
}

#[test]
fn small_inputs_travel_inline_and_large_ones_by_range() {
    let folder = tempfile::tempdir().unwrap();
    let files = [file(&folder, "small", &[1; 1_024]), file(&folder, "large", &[2; 1_025])];
    let plan = plan_split(&Split::File, &[("small", 1_024), ("large", 1_025)]).unwrap();
    let made = batch(&plan, &files, Place::default(), 0, 10).unwrap();
    assert_eq!(made.inputs[0], Input::Inline(vec![1; 1_024]));
    assert!(matches!(&made.inputs[1], Input::Ranges(ranges) if ranges[0].len == 1_025));
}

#[test]
fn emitted_units_are_read_from_their_index_in_batches() {
    let folder = tempfile::tempdir().unwrap();
    let lens: Vec<u64> = (0..1_000).map(|n| n % 7).collect();
    let mut bytes: Vec<u8> = lens.iter().flat_map(|len| vec![*len as u8; *len as usize]).collect();
    bytes.extend(EmittedUnits::index(&lens));
    let emitted = file(&folder, "emitted", &bytes);
    let (mut place, mut units) = (Place::default(), Vec::new());
    loop {
        let batch = emitted_batch(&emitted, place, units.len() as u64, 300).unwrap();
        units.extend(batch.inputs);
        place = batch.place;
        if batch.done {
            break;
        }
    }
    let wanted: Vec<Input> = lens.iter().map(|len| Input::Inline(vec![*len as u8; *len as usize])).collect();
    assert_eq!(units, wanted);
    let broken = file(&folder, "broken", &bytes[1..]);
    assert!(matches!(emitted_batch(&broken, Place::default(), 0, 10), Err(CutError::Split(_))));
    assert!(emitted_batch(&file(&folder, "empty", b""), Place::default(), 0, 10).is_err());
}
