//! `cargo xtask soak hardware`: the same cases on this processor, in the engine's interpreter, and on an emulated
//! AArch64. Outcomes, fuel and outputs must be the same, bit by bit; a difference is an error.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

use crate::guests::{Profile, build_guests, target};
use crate::setup::{self, AARCH64, AARCH64_LIBRARIES, rustup_target};
use crate::sh::{Result, command, run as run_command};

const GUESTS: [&str; 5] =
    ["examples/cells", "examples/primes", "examples/wordcount", "examples/wasi-filter", "tests/guests/kernels"];

/// What builds the programs for this processor, with features as all crates together ask for them.
const BUILD: [&str; 9] = [
    "build",
    "--workspace",
    "--locked",
    "--bin",
    "fallow",
    "--bin",
    "fallow-conformance",
    "--bin",
    "fallow-conformance-cases",
];

/// Differences that are shown; all are counted.
const SHOWN: usize = 40;
/// What programs say of runs that are not compared: how deep stacks are depends on the engine.
const STACK: &str = "stack-overflow";

/// Build, run everywhere, compare.
pub fn run() -> Result<()> {
    if cfg!(not(all(target_arch = "x86_64", target_os = "linux"))) {
        return Err("the comparison of processors begins on Linux on x86-64; run it there".into());
    }
    setup::for_hardware()?;
    run_command(command("cargo", &BUILD))?;
    build_guests(Profile::Dev, &GUESTS)?;
    let foreign = build_foreign()?;
    let folder = target().join("hardware");
    let cases = make_cases(&folder)?;
    let here = Profile::Dev.folder().join("fallow-conformance");
    let mut emulated = command("qemu-aarch64-static", &["-L", AARCH64_LIBRARIES]);
    emulated.arg(foreign);
    let runs = [
        Started::new("x86-64", command(&here, &[]), &cases, "native")?,
        Started::new("Pulley on x86-64", command(&here, &[]), &cases, "pulley")?,
        Started::new("AArch64 in QEMU", emulated, &cases, "native")?,
    ];
    let engines = runs.into_iter().map(Started::ended).collect::<Result<Vec<_>>>()?;
    let [here, pulley, foreign] = &engines[..] else { return Err("not all engines ran".into()) };
    let mut differences: Vec<String> = engines.iter().flat_map(Engine::between_builds).collect();
    // Pulley is nobody's node: what it makes of NaNs that came in as data, its own compiler decided.
    differences.extend(here.differences(pulley, &|mine, its| mine.passes_nans() || its.passes_nans()));
    differences.extend(here.differences(foreign, &|mine, _| mine.passes_nans() || mine.carries_quiet_nan()));
    differences.iter().take(SHOWN).for_each(|difference| println!("{difference}"));
    match differences.len() {
        0 => Ok(()),
        count => Err(format!("{count} differences; the lines of all cases are in {}", folder.display())),
    }
}

/// The program for the other processor: by the usual toolchain where it has the target, else by Debian's.
fn build_foreign() -> Result<PathBuf> {
    let target_dir = target().join("aarch64");
    let debian = !rustup_target(AARCH64);
    let mut cargo = command(if debian { "/usr/bin/cargo" } else { "cargo" }, &["build", "--release", "--locked"]);
    cargo.args(["--package", "fallow-sandbox", "--bin", "fallow-conformance", "--features", "conformance"]);
    cargo.args(["--target", AARCH64, "--target-dir"]).arg(&target_dir);
    if debian {
        cargo.env("RUSTC", "/usr/bin/rustc");
    }
    cargo.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc");
    cargo.env("CC_aarch64_unknown_linux_gnu", "aarch64-linux-gnu-gcc").env("CARGO_PROFILE_RELEASE_DEBUG", "false");
    println!("building for {AARCH64} (many minutes the first time)");
    run_command(cargo)?;
    Ok(target_dir.join(AARCH64).join("release/fallow-conformance"))
}

fn make_cases(folder: &Path) -> Result<PathBuf> {
    let _ = std::fs::remove_dir_all(folder);
    let cases = folder.join("cases");
    std::fs::create_dir_all(&cases).map_err(|error| format!("failed to create {}: {error}", cases.display()))?;
    let mut make = command(Profile::Dev.folder().join("fallow-conformance-cases"), &[]);
    make.arg(&cases);
    run_command(make)?;
    Ok(cases)
}

/// A program that runs the cases.
struct Started {
    name: &'static str,
    child: Child,
    lines: PathBuf,
    began: Instant,
}

impl Started {
    fn new(name: &'static str, mut command: Command, cases: &Path, machine: &str) -> Result<Self> {
        let lines = cases.with_file_name(format!("{}.txt", name.replace(' ', "-")));
        let file = File::create(&lines).map_err(|error| format!("failed to create {}: {error}", lines.display()))?;
        let child = command.arg(cases).arg(machine).stdout(file).spawn();
        let child = child.map_err(|error| format!("failed to start the program for {name}: {error}"))?;
        Ok(Self { name, child, lines, began: Instant::now() })
    }

    fn ended(mut self) -> Result<Engine> {
        let status = self.child.wait().map_err(|error| format!("failed to wait for {}: {error}", self.name))?;
        let text = std::fs::read_to_string(&self.lines)
            .map_err(|error| format!("failed to read {}: {error}", self.lines.display()))?;
        if !status.success() {
            let last = text.lines().last().and_then(|line| line.split('\t').next()).unwrap_or("the beginning");
            return Err(format!("{} ended with {status} in the case after {last}", self.name));
        }
        let engine = Engine::read(self.name, &text)?;
        println!("{}, after {:.0} s", engine.summary(), self.began.elapsed().as_secs_f64());
        Ok(engine)
    }
}

/// What one engine made of the cases.
struct Engine {
    name: &'static str,
    lines: Vec<Line>,
}

/// One case: outcome, fuel and output as a node runs it, and in the canonical build from the beginning.
struct Line {
    case: String,
    build: String,
    first: String,
    canonical: String,
}

impl Engine {
    fn read(name: &'static str, text: &str) -> Result<Self> {
        let line = |line: &str| match line.split('\t').collect::<Vec<_>>()[..] {
            [case, build, first, canonical] => {
                let [case, build, first, canonical] = [case, build, first, canonical].map(str::to_owned);
                Ok(Line { case, build, first, canonical })
            }
            _ => Err(format!("{name}: not the line of a case: {line:?}")),
        };
        Ok(Self { name, lines: text.lines().map(line).collect::<Result<_>>()? })
    }

    fn summary(&self) -> String {
        let count = |fits: &dyn Fn(&Line) -> bool| self.lines.iter().filter(|line| fits(line)).count();
        let again = count(&|line| line.build != "plain");
        let deep = count(&Line::is_deep);
        let passed = count(&Line::passes_nans);
        format!(
            "{}: {} cases; {} ran plain ({passed} of them passed on NaNs that the canonical build changes), {again} again \
             canonical; {deep} overflowed their stack",
            self.name,
            self.lines.len(),
            self.lines.len() - again
        )
    }

    /// Cases whose outcome or fuel hangs on the build.
    fn between_builds(&self) -> Vec<String> {
        let paid = |facts: &str| facts.rsplit_once(' ').map_or(String::new(), |(paid, _)| paid.to_owned());
        let lines = self.lines.iter().filter(|line| !line.is_deep() && paid(&line.first) != paid(&line.canonical));
        lines
            .map(|line| format!("{}: {}: {} plain, {} canonical", line.case, self.name, line.first, line.canonical))
            .collect()
    }

    /// Cases that end otherwise in another engine. Plain builds may differ in cases that pass on NaNs which came in as
    /// data, as `passes` says of both lines: these are only counted, as nodes settle them in the canonical build.
    fn differences(&self, other: &Engine, passes: &dyn Fn(&Line, &Line) -> bool) -> Vec<String> {
        if !self.lines.iter().map(|line| &line.case).eq(other.lines.iter().map(|line| &line.case)) {
            return vec![format!("{} and {} did not run the same cases", self.name, other.name)];
        }
        let (mut found, mut passed) = (Vec::new(), 0);
        for (mine, its) in self.lines.iter().zip(&other.lines).filter(|(mine, its)| !mine.is_deep() && !its.is_deep()) {
            let (case, name, others) = (&mine.case, self.name, other.name);
            if mine.canonical != its.canonical {
                found.push(format!("{case}, canonical: {name} {}, {others} {}", mine.canonical, its.canonical));
            }
            if mine.first != its.first && passes(mine, its) {
                passed += 1;
            } else if mine.first != its.first {
                let [mine, its] = [mine, its].map(|line| format!("{} ({})", line.first, line.build));
                found.push(format!("{case}: {name} {mine}, {others} {its}"));
            }
        }
        println!(
            "{} and {}: {} differences, and {passed} in plain builds that pass on NaNs which came in as data",
            self.name,
            other.name,
            found.len()
        );
        found
    }
}

impl Line {
    fn is_deep(&self) -> bool {
        [&self.first, &self.canonical].iter().any(|facts| facts.as_str() == STACK)
    }

    /// Whether NaNs that came in as data, or as constants, went through arithmetic and were seen. The flag is silent about
    /// them, so the plain build counts; the canonical one gives them other bits.
    fn passes_nans(&self) -> bool {
        !self.is_deep() && self.first != self.canonical
    }

    /// Whether the case's name says that it passes one on: one of its operands is quiet, or it is mixed with such a sum.
    fn carries_quiet_nan(&self) -> bool {
        self.case.split('-').any(|word| ["mixed", "quiet", "other"].contains(&word))
    }
}

#[cfg(test)]
mod tests {
    use super::Engine;

    fn differences(here: &str, there: &str) -> usize {
        let [here, there] = [here, there].map(|text| Engine::read("test", text).unwrap());
        let found = here.differences(&there, &|mine, _| mine.passes_nans() || mine.carries_quiet_nan());
        found.len() + there.between_builds().len()
    }

    #[test]
    fn only_plain_builds_that_pass_on_nans_may_differ() {
        let made = "nan-f64-div-zero-zero-mm\tcanonical\tdone 3 aa\tdone 3 aa\n";
        assert_eq!(differences(made, made), 0);
        assert_eq!(differences(made, &made.replace("canonical\tdone 3 aa", "plain\tdone 3 bb")), 1, "a missed NaN");
        assert_eq!(differences(made, &made.replace("\tdone 3 aa\n", "\tdone 3 bb\n")), 1, "canonical bits");
        assert_eq!(differences(made, &made.replace("\tdone 3 aa\n", "\tdone 4 aa\n")), 2, "fuel, also between builds");
        let quiet = "smith-5\tplain\tdone 3 aa\tdone 3 bb\n";
        assert_eq!(differences(quiet, &quiet.replace("plain\tdone 3 aa", "canonical\tdone 3 bb")), 0);
        let mixed = "mixed-i32\tcanonical\tdone 3 bb\tdone 3 bb\n";
        assert_eq!(differences(mixed, &mixed.replace("canonical\tdone 3 bb", "plain\tdone 3 aa")), 0);
        assert_eq!(differences(made, ""), 1, "not the same cases");
    }
}
