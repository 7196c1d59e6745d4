//! What an author does first, with the real tool: begin a project, build it, run it; and what the tool says when a unit
//! fails. Needs a guest toolchain, as `fallow build` does.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn fallow(folder: &Path, args: &[&str]) -> Output {
    let mut fallow = Command::new(env!("CARGO_BIN_EXE_fallow"));
    fallow.args(args).current_dir(folder).output().expect("fallow starts")
}

fn well(folder: &Path, args: &[&str]) -> String {
    let output = fallow(folder, args);
    assert!(output.status.success(), "fallow {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn a_new_project_builds_and_runs_as_it_is() {
    let scratch = tempfile::tempdir().unwrap();
    well(scratch.path(), &["new", "stars"]);
    let project = scratch.path().join("stars");
    let built: serde_json::Value = serde_json::from_str(&well(&project, &["--json", "build"])).unwrap();
    assert!(Path::new(built["component"].as_str().unwrap()).is_file(), "{built}");
    assert!(built["bytes"].as_u64().unwrap() > 10_000, "{built}");
    let one = well(&project, &["run"]);
    assert!(one.starts_with("{\"count\":20,\"mean\":"), "{one}");
    assert_eq!(well(&project, &["run", "--whole"]), "100 numbers, mean 852.40, deviation 79.01\n");
    assert_eq!(fallow(scratch.path(), &["new", "stars"]).status.code(), Some(2));
}

#[test]
fn the_examples_give_what_their_pages_say() {
    let examples = root().join("examples");
    let primes = well(&examples, &["run", "--project", "primes", "--whole"]);
    assert!(primes.starts_with("{\"count\":3001134,\"sum\":72619548630277,"), "{primes}");
    let words = well(&examples, &["run", "--project", "wordcount", "--whole"]);
    assert!(words.starts_with("   1789  the\n   1027  and\n"), "{}", &words[..60]);
    let south = well(&examples, &["run", "--project", "wasi-filter", "--whole"]);
    assert!(south.starts_with("Antarctica/Casey,-66.2833,Casey\n") && south.lines().count() > 50, "{south}");
}

#[test]
fn every_failure_says_what_where_and_what_to_do() {
    let scratch = tempfile::tempdir().unwrap();
    let faults = root().join("tests/guests/faults");
    well(&faults, &["build"]);
    let check = |input: &str, limit: &str, parts: &[&str]| {
        let file = scratch.path().join("input");
        std::fs::write(&file, input).unwrap();
        let mut args = vec!["run", file.to_str().unwrap()];
        args.extend(limit.split(' ').flat_map(|limit| ["--limit", limit]));
        let output = fallow(&faults, &args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{input}: {said}");
        for part in parts {
            assert!(said.contains(part), "{input}: expected {part:?} in:\n{said}");
        }
    };
    check("error:no such row", "time=20s", &["error: the task says: no such row", "where: `run`, after"]);
    check("panic", "time=20s", &["error: the task broke: panicked at", "the input said so", "in faults::"]);
    check("overflow", "time=20s", &["call stack exhausted", "keep a list of what is left to do"]);
    check("work", "fuel=100M", &["reached its fuel limit of 100 M", "`limits.fuel`"]);
    // With fuel for hours: a quick computer must not reach that limit first.
    check("loop", "time=1s fuel=1000T", &["reached its time limit of 1.0 s", "`limits.wall_s`"]);
    check("alloc", "memory=16MiB", &["reached its memory limit of 16 MiB", "while growing memory"]);
    check("output:3000000", "memory=2MiB", &["it needed", "set `limits.memory_mb = 16`"]);
    check("output:9000000", "time=20s", &["reached its output limit of 4 MiB", "`limits.output_mb`"]);
    check("write:5000", "scratch=4KiB", &["reached its scratch limit of 4 KiB", "`limits.scratch_mb`"]);
}

#[test]
fn checkpoints_and_shared_files_do_not_disturb_a_run() {
    let scratch = tempfile::tempdir().unwrap();
    let guests = root().join("tests/guests");
    let file = scratch.path().join("plan");
    std::fs::write(&file, r#"{"steps": 20, "work": 1000, "checkpoint_every": 3}"#).unwrap();
    let run = || well(&guests, &["run", "--project", "steps", file.to_str().unwrap()]);
    let first = run();
    assert!(first.starts_with("{\"steps\":20,\"hash\":"), "{first}");
    assert_eq!(run(), first);
    let shared = scratch.path().join("table.txt");
    std::fs::write(&shared, "seven").unwrap();
    std::fs::write(&file, "shared:table.txt").unwrap();
    let args = ["run", "--project", "faults", "--shared", shared.to_str().unwrap(), file.to_str().unwrap()];
    assert_eq!(well(&guests, &args), "seven");
}

#[test]
fn a_plain_programs_heap_and_its_output_do_not_meet() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("pieces");
    std::fs::write(&file, "3000").unwrap();
    let printed = well(&root().join("tests/guests/heap"), &["run", file.to_str().unwrap()]);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 3001);
    for (number, line) in lines[..3000].iter().enumerate() {
        assert!(line.starts_with(&format!("piece {number} of ")) && line.ends_with(" bytes"), "{line:?}");
    }
    assert_eq!(lines[3000], "intact: 1036 freed, 1964 held with 41 MiB");
}
