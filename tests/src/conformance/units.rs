//! Units of components: the examples, the benchmarks' kernels, and a task that adds what it is given.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use fallow_protocol::digest::Digest;
use fallow_protocol::manifest::{Floats, Limits};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Call, EmittedUnits};
use fallow_sandbox::client::{Bytes, IdleWorker, Module, Task, TaskEnd, TaskInput, WorkerEvent, WorkerSetup, validate};
use fallow_sandbox::conformance::{Case, What};

use super::Corpus;
use crate::guests::{component, root};

/// Kernels with rounds that an emulated processor does in seconds.
const KERNELS: [(&str, u32); 8] = [
    ("n-body", 20),
    ("mandelbrot", 4),
    ("sha-256", 20),
    ("matrix", 5),
    ("sort", 1),
    ("regex", 5),
    ("fib", 1),
    ("mul-128", 1),
];

/// Bytes of the text whose words are counted, at most.
const TEXT_BYTES: usize = 20_000;

/// A component that adds the two numbers of its input and gives the sum's bits, in WebAssembly text.
const ADDS: &str = r#"(component
    (core module $m
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "run") (param $at i32) (param $len i32) (result i32)
            (f64.store (i32.const 64) (f64.add (f64.load (local.get $at)) (f64.load offset=8 (local.get $at))))
            (i32.store (i32.const 4) (i32.const 64))
            (i32.store (i32.const 8) (i32.const 8))
            (i32.const 0)))
    (core instance $i (instantiate $m))
    (func $run (param "input" (list u8)) (result (result (list u8) (error (list u8))))
        (canon lift (core func $i "run") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
    (instance $export (export "run" (func $run)))
    (export "fallow:task/run@1.0.0" (instance $export)))"#;

/// Add a task that makes a NaN, one that passes one on, and one that does neither.
pub fn add_sums(corpus: &mut Corpus) -> Result<()> {
    let program = wat::parse_str(ADDS)?;
    let sums = [
        ("numbers", 1.5, 2.0),
        ("made", f64::INFINITY, f64::NEG_INFINITY),
        ("quiet", f64::from_bits(0xfff8_0000_0000_abcd), 1.0),
        ("loud", f64::from_bits(0x7ff0_0000_0000_abcd), 1.0),
    ];
    for (name, first, second) in sums {
        let input = [first.to_le_bytes(), second.to_le_bytes()].concat();
        add(corpus, &format!("sum-{name}"), &program, Call::Run, &[], input);
    }
    Ok(())
}

/// Add units of all examples, and every kernel. `exe` is an executable that serves as a worker.
pub async fn add_guests(corpus: &mut Corpus, exe: &Path) -> Result<()> {
    let primes = read(&component("examples/primes").await?)?;
    for (name, from) in [("low", 0_u64), ("high", 1 << 40)] {
        let range = format!("{{\"from\": {from}, \"to\": {}}}", from + 20_000);
        add(corpus, &format!("primes-{name}"), &primes, Call::Run, &[], range.into());
    }
    let text = read(&root().join("examples/wordcount/input/sherlock.txt"))?;
    let end = text[..TEXT_BYTES].iter().rposition(|byte| *byte == b'\n').context("the text has no lines")?;
    let words = read(&component("examples/wordcount").await?)?;
    add(corpus, "wordcount", &words, Call::Run, &[], text[..end].to_vec());
    let zones = read(&root().join("examples/wasi-filter/input/zones.csv"))?;
    let args = ["--where", "latitude<0", "--columns", "zone,latitude,comments", "--no-header"].map(str::to_owned);
    add(corpus, "wasi-filter", &read(&component("examples/wasi-filter").await?)?, Call::Command, &args, zones);
    let kernels = read(&component("tests/guests/kernels").await?)?;
    for (name, rounds) in KERNELS {
        add(corpus, &format!("kernel-{name}"), &kernels, Call::Command, &[], format!("{name} {rounds}\n").into());
    }
    add_tile(corpus, exe).await
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))
}

fn add(corpus: &mut Corpus, name: &str, program: &[u8], call: Call, args: &[String], input: Vec<u8>) {
    let file = format!("{}.wasm", Digest::of(program));
    let what = What::Unit { call, args: args.to_vec(), input };
    corpus.add(Case { name: name.to_owned(), program: file, what }, program.to_vec());
}

/// The first tile of the microscope picture: what `split` emits first, and so a unit that takes a floating-point
/// program through all its steps.
async fn add_tile(corpus: &mut Corpus, exe: &Path) -> Result<()> {
    let path = component("examples/cells").await?;
    let picture = read(&root().join("examples/cells/input/ihc.png"))?;
    let program = read(&path)?;
    let folder = tempfile::tempdir()?;
    let emitted = folder.path().join("emitted");
    let cut = Task {
        tag: 1,
        call: Call::Split,
        seed: [7; 32],
        input: TaskInput::Bytes(Bytes::Memory(picture)),
        floats: Floats::Plain,
        checkpoint: None,
        emit_to: Some(emitted.clone()),
        output_to: None,
    };
    let end = run(exe, &path, &program, folder.path(), cut).await?;
    ensure!(end.outcome == Outcome::Done, "cutting the picture ended with {:?}", end.outcome);
    let units = read(&emitted)?;
    let tail = units.last_chunk::<8>().context("the emitted units are cut short")?;
    let emitted = EmittedUnits::from_tail(units.len() as u64, tail).context("the emitted units have no end")?;
    let index = &units[emitted.index_offset as usize..];
    let len = index.first_chunk().map_or(0, |len| u64::from_le_bytes(*len)) as usize;
    add(corpus, "cells-tile", &program, Call::Run, &[], units[..len].to_vec());
    Ok(())
}

/// Run one task in a worker, as a node would.
async fn run(exe: &Path, path: &Path, program: &[u8], folder: &Path, task: Task) -> Result<TaskEnd> {
    let validated = validate(exe, path).await?;
    let module = Module {
        exe: exe.to_owned(),
        component: path.to_owned(),
        digest: Digest::of(program),
        builds: validated.builds,
        cache_dir: folder.to_owned(),
    };
    let setup = WorkerSetup {
        compiled: module.compile(Floats::Plain).await?,
        module,
        floats: Floats::Plain,
        exports: validated.exports,
        args: Vec::new(),
        limits: Limits { memory_bytes: 1 << 30, ..Limits::default() },
        epoch_ms: 1_700_000_000_500,
        shared: Vec::new(),
        scratch_dir: None,
        require_confinement: false,
    };
    let (mut worker, mut events) = IdleWorker::spawn(exe)?.start(&setup).await?;
    worker.submit(vec![task]).await?;
    while let Some(told) = events.next().await {
        for event in told {
            if let WorkerEvent::Ended(end) = event {
                return Ok(end);
            }
        }
    }
    bail!("the worker ended before its unit did")
}
