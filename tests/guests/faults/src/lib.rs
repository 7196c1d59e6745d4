//! Ends in the way that its input says, so that every outcome of a unit can be tested.
//!
//! | input | what it does |
//! | --- | --- |
//! | `ok`, `ok:TEXT` | gives `TEXT` |
//! | `error:MESSAGE` | the task's own error |
//! | `panic` | panics |
//! | `divide` | divides by zero, a trap of the processor's |
//! | `overflow` | calls itself without end |
//! | `loop` | runs without end, and without a call of the host |
//! | `work` | runs without end, and tells how far it is |
//! | `alloc` | takes memory without end |
//! | `output:BYTES` | gives so many bytes |
//! | `log`, `log:TEXT` | logs without much of an end (64 MiB), or one line, and gives `logged` |
//! | `print:TEXT` | writes to standard output and standard error |
//! | `time` | two readings of both clocks, nanoseconds |
//! | `random:BYTES` | so many bytes of its random stream, hexadecimal |
//! | `shared:NAME` | a shared file |
//! | `write:BYTES` | writes so many bytes into a file of the scratch directory |
//! | `open:PATH` | opens a file, which must fail |
//! | `checkpoint:BYTES` | a checkpoint of so many bytes, then `kept` |
//!
//! `split` gives one unit a line; the line `endless` gives units without end, `error:…` fails. `merge` joins the parts
//! with line ends, `-` for what is missing, and says in the end `last` where it is.

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use fallow::{Emitter, Error, Parts, Result};

/// The scratch directory's only file.
const FILE: &str = "/scratch/file.bin";

/// One unit.
pub fn run(input: String) -> Result<Vec<u8>> {
    let input = input.trim_end();
    let (word, rest) = input.split_once(':').unwrap_or((input, ""));
    match word {
        "ok" => Ok(rest.as_bytes().to_vec()),
        "error" => Err(Error::new(rest)),
        "panic" => panic!("the input said so"),
        "divide" => Ok(vec![1 / black_box(0u8)]),
        "overflow" => Ok(overflow(black_box(1)).to_le_bytes().to_vec()),
        "loop" => endless(|_| {}),
        "work" => endless(|steps| {
            if steps % 100_000 == 0 {
                fallow::progress(steps, 0);
            }
        }),
        "alloc" => allocate(),
        "output" => Ok(vec![b'x'; rest.parse()?]),
        "log" => Ok(log(rest)),
        "print" => print(rest),
        "time" => time(),
        "random" => {
            Ok(fallow::random(rest.parse()?).iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect())
        }
        "shared" => fallow::shared(rest)?.read_all(),
        "write" => write(rest.parse()?),
        "open" => File::open(rest).map(|_| b"opened".to_vec()).map_err(Error::from),
        "checkpoint" => fallow::checkpoint(vec![0; rest.parse()?]).map(|()| b"kept".to_vec()),
        _ => Err(Error::new(format!("unknown fault {word:?}"))),
    }
}

/// One unit a line.
pub fn split(input: String, units: &mut Emitter<String>) -> Result<()> {
    for line in input.lines() {
        match line.split_once(':') {
            Some(("error", message)) => return Err(Error::new(message)),
            _ if line == "endless" => loop {
                units.emit("x".repeat(1024))?;
            },
            _ => units.emit(line.to_owned())?,
        }
    }
    Ok(())
}

/// All parts, one a line.
pub fn merge(parts: Parts<String>, last: bool) -> Result<String> {
    let mut joined: Vec<String> = parts.map(|part| part.unwrap_or_else(|| "-".into())).collect();
    joined.extend(last.then(|| "last".to_owned()));
    Ok(joined.join("\n"))
}

fallow::task!(run = run, split = split, merge = merge);

#[allow(unconditional_recursion)]
fn overflow(depth: u64) -> u64 {
    black_box(overflow(black_box(depth + 1)) + depth)
}

fn endless(after: impl Fn(u64)) -> ! {
    let mut number = 0u64;
    loop {
        number = black_box(number.wrapping_add(1));
        after(number);
    }
}

fn allocate() -> ! {
    let mut blocks = Vec::new();
    loop {
        blocks.push(black_box(vec![1u8; 1 << 20]));
    }
}

fn log(line: &str) -> Vec<u8> {
    if line.is_empty() {
        let line = "a line of a log that nobody will read to its end ".repeat(20);
        (0..1 << 16).for_each(|number| fallow::log!("{number} {line}"));
    } else {
        fallow::log!("{line}");
    }
    b"logged".to_vec()
}

fn print(text: &str) -> Result<Vec<u8>> {
    println!("out {text}");
    eprintln!("err {text}");
    std::io::stdout().flush()?;
    Ok(b"printed".to_vec())
}

fn time() -> Result<Vec<u8>> {
    let begun = Instant::now();
    let wall = [SystemTime::now(), SystemTime::now()].map(|time| time.duration_since(UNIX_EPOCH));
    let mono = [begun.elapsed(), begun.elapsed()].map(|time| time.as_nanos());
    let [first, second] = wall;
    Ok(format!("{} {} {} {}", first?.as_nanos(), second?.as_nanos(), mono[0], mono[1]).into_bytes())
}

fn write(bytes: usize) -> Result<Vec<u8>> {
    let mut file = File::create(FILE)?;
    let block = [7u8; 4096];
    let mut left = bytes;
    while left > 0 {
        let len = left.min(block.len());
        file.write_all(&block[..len])?;
        left -= len;
    }
    drop(file);
    Ok(std::fs::metadata(FILE)?.len().to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use fallow::testing::{self, Host};

    #[test]
    fn it_does_what_the_input_says() {
        let run = |input: &str| testing::run(super::run, input).map(|output| String::from_utf8(output).unwrap());
        assert_eq!(run("ok:a:b\n").unwrap(), "a:b");
        assert_eq!(run("error:no such row").unwrap_err(), "no such row");
        assert_eq!(run("output:3").unwrap(), "xxx");
        assert_eq!(run("random:4").unwrap().len(), 8);
        assert!(run("what").unwrap_err().contains("unknown fault"));
        assert!(run("open:/does/not/exist").is_err());
        let mut host = Host::new().shared("a", "b");
        assert_eq!(host.run(super::run, "shared:a").unwrap(), b"b");
        assert_eq!(host.run(super::run, "log:x").unwrap(), b"logged");
        assert_eq!(host.log(), ["x"]);
    }

    #[test]
    #[should_panic(expected = "the input said so")]
    fn it_panics() {
        let _ = testing::run(super::run, "panic");
    }

    #[test]
    fn it_splits_and_merges() {
        assert_eq!(testing::split::<_, _, String, _>(super::split, "ok\nok:1").unwrap(), ["ok", "ok:1"]);
        assert_eq!(testing::split::<_, _, String, _>(super::split, "ok\nerror:no").unwrap_err(), "no");
        assert_eq!(testing::merge(super::merge, vec![Some("a"), None], true).unwrap(), "a\n-\nlast");
    }
}
