//! A task's functions called natively, as an author's unit tests call them.

use std::io::{Read, Seek, SeekFrom};

use fallow::testing::{self, Host};
use fallow::{Emitter, Error, Json, Merged, Parts, Postcard, Result};

fn sum_to(Json(end): Json<u64>) -> Result<Json<u64>> {
    let (mut next, mut sum) = fallow::restore::<Postcard<(u64, u64)>>()?.map_or((0, 0), |Postcard(state)| state);
    while next < end {
        sum += next;
        next += 1;
        if next % 4 == 0 {
            fallow::checkpoint(Postcard((next, sum)))?;
            fallow::progress(next, end);
        }
    }
    Ok(Json(sum))
}

fn cut(text: String, units: &mut Emitter<Json<u64>>) -> Result<()> {
    for (row, line) in text.lines().enumerate() {
        units.emit(Json(line.parse().map_err(|error| Error::from(error).at(format!("row {}", row + 1)))?))?;
    }
    Ok(())
}

fn join(parts: Parts<Json<u64>>, last: bool) -> Result<Merged<Json<u64>, String>> {
    let (mut sum, mut missing) = (0, 0);
    for part in parts {
        match part {
            Some(Json(part)) => sum += part,
            None => missing += 1,
        }
    }
    Ok(if last { Merged::Result(format!("{sum}, {missing} missing")) } else { Merged::Part(Json(sum)) })
}

fallow::task!(run = sum_to, split = cut, merge = join);

#[test]
fn a_resumed_run_gives_what_a_whole_one_gives() {
    let mut whole = Host::new();
    let Json(expected) = whole.run(sum_to, Json(10)).unwrap();
    assert_eq!(expected, 45);
    assert_eq!(whole.progress(), [(4, 10), (8, 10)]);
    for state in whole.checkpoints() {
        assert_eq!(Host::new().checkpoint(state).run(sum_to, "10").unwrap().0, expected);
    }
}

#[test]
fn split_emits_typed_units_and_says_what_was_wrong() {
    let units: Vec<Json<u64>> = testing::split(cut, "3\n4\n").unwrap();
    assert_eq!(units, [Json(3), Json(4)]);
    let error = testing::split::<_, _, Json<u64>, _>(cut, "3\nx\n").unwrap_err();
    assert_eq!(error, "row 2: invalid digit found in string");
}

#[test]
fn merge_sees_what_is_missing_and_refuses_what_it_cannot_read() {
    let parts = vec![Some(Json(1u64)), None, Some(Json(5))];
    assert_eq!(testing::merge(join, parts.clone(), true).unwrap(), Merged::Result("6, 1 missing".into()));
    assert_eq!(testing::merge(join, parts, false).unwrap(), Merged::Part(Json(6)));
    let error = testing::merge(join, vec![Some("1"), Some("?")], true).unwrap_err();
    assert!(error.starts_with("part 1: input is not the JSON expected"), "{error}");
}

#[test]
fn shared_files_are_read_from_anywhere() {
    let task = |_: ()| {
        let mut file = fallow::shared("table.bin")?;
        file.seek(SeekFrom::End(-2))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        assert_eq!((file.len(), tail), (5, vec![4, 5]));
        assert!(file.seek(SeekFrom::Current(-9)).is_err());
        fallow::shared("other").map(|_| ())
    };
    let error = Host::new().shared("table.bin", [1, 2, 3, 4, 5]).run(task, ()).unwrap_err();
    assert_eq!(error, "the job has no shared file \"other\"; name it in `shared` of fallow.toml");
}

#[test]
fn random_bytes_follow_the_seed() {
    let task = |_: ()| Ok::<_, Error>(fallow::random(8));
    let of = |seed| Host::new().seed(seed).run(task, ()).unwrap();
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn the_copy_of_the_world_is_the_protocols() {
    let original = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/wit/task.wit");
    // Outside the repository there is nothing to compare with.
    if let Ok(original) = std::fs::read_to_string(original) {
        assert_eq!(original, include_str!("../wit/task.wit"));
    }
}
