//! What operations cost in time, and how well fuel follows it: what `sandbox/src/instrument/costs.rs` is chosen by.
//!
//! Each class of operations is measured twice: where each operation waits for the one before, and where eight at a time
//! do not. Real code lies between. Then come the kernels of the benchmark `sandbox`, with their ticks a nanosecond.

mod classes;
mod module;

use anyhow::{Result, ensure};
use fallow_protocol::manifest::Floats;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::Call;
use fallow_sandbox::bench_support::{Build, Compiled, Core};
use fallow_sandbox::instrument::costs::TICKS_PER_FUEL;

use super::figures::Figures;
use super::sandbox::{KERNELS, limits};
use super::{Options, machine};
use crate::guests::component;
use classes::{CLASSES, Class};

/// Pages of 64 KiB, and elements, that growth is measured with.
const PAGES: u64 = 400;
const ELEMENTS: u64 = 1_000;

/// All classes, then all kernels.
pub async fn run(options: Options, json: bool) -> Result<()> {
    let figures = Figures::new("fuel", json);
    machine::tell(&figures)?;
    let kernels = tokio::fs::read(component("tests/guests/kernels").await?).await?;
    tokio::task::spawn_blocking(move || {
        let core = Core::new(&module::module()?)?;
        let repeats = if options.quick { 5 } else { 25 };
        operations(figures, &core, repeats)?;
        bulk(figures, &core, repeats)?;
        spread(figures, &kernels, options)
    })
    .await?
}

/// The parts of a class: what is measured, what is subtracted, the loop alone.
const PARTS: [&str; 6] = ["chain", "apart", "chain base", "apart base", "chain empty", "apart empty"];

/// Least times of a class's parts, nanoseconds a turn of the loop.
struct Times([f64; PARTS.len()]);

fn operations(figures: Figures, core: &Core, repeats: usize) -> Result<()> {
    let mut all: Vec<Times> = CLASSES.iter().map(|_| Times([f64::MAX; PARTS.len()])).collect();
    // Everything once a round, so that what else the computer does meets all alike.
    for _ in 0..repeats {
        for (class, times) in CLASSES.iter().zip(&mut all) {
            times.measure(core, class)?;
        }
    }
    let unit = all[0].mean(&CLASSES[0]);
    for (class, times) in CLASSES.iter().zip(&all) {
        let [chain, apart] = times.per_operation(class);
        figures.tell(&format!("{}: chain", class.name), chain, "ns");
        figures.tell(&format!("{}: apart", class.name), apart, "ns");
        figures.tell(&format!("{}: mean", class.name), times.mean(class) / unit, "i32.add");
    }
    Ok(())
}

impl Times {
    fn measure(&mut self, core: &Core, class: &Class) -> Result<()> {
        const TURNS: u64 = 4_000;
        for (part, least) in PARTS.iter().zip(&mut self.0) {
            let us = core.call(&format!("{} {part}", class.name), TURNS)?;
            *least = least.min(us as f64 * 1e3 / TURNS as f64);
        }
        Ok(())
    }

    /// Nanoseconds an operation, one after the other and apart.
    fn per_operation(&self, class: &Class) -> [f64; 2] {
        let base = if class.base.is_some() { 2 } else { 4 };
        [0, 1].map(|way| (self.0[way] - self.0[base + way]).max(0.0) / module::STEPS as f64)
    }

    fn mean(&self, class: &Class) -> f64 {
        self.per_operation(class).iter().sum::<f64>() / 2.0
    }
}

fn bulk(figures: Figures, core: &Core, repeats: usize) -> Result<()> {
    let least = |name: &str, turns: u64| -> Result<f64> {
        let mut least = u64::MAX;
        for _ in 0..repeats {
            least = least.min(core.call(name, turns)?);
        }
        Ok(least as f64 * 1e3 / turns as f64)
    };
    for (name, _) in module::BULK {
        let turns = if name.ends_with("1048576") { 20 } else { 4_000 };
        figures.tell(name, least(name, turns)?, "ns");
    }
    figures.tell("memory.grow by a page", least("grow", PAGES)?, "ns");
    figures.tell("memory.grow by a page, written to", least("grow and touch", PAGES)?, "ns");
    figures.tell("table.grow by an element", least("table.grow", ELEMENTS)?, "ns");
    Ok(())
}

/// Ticks a nanosecond of every kernel, in the build that units run in, and the largest over the smallest.
fn spread(figures: Figures, wasm: &[u8], options: Options) -> Result<()> {
    let compiled = Compiled::new(wasm, Build::Ours(Floats::Plain), limits())?;
    let (divisor, repeats) = if options.quick { (8, 3) } else { (4, 9) };
    let mut least = [(f64::MAX, 0); KERNELS.len()];
    for _ in 0..repeats {
        for ((kernel, rounds), (ns, fuel)) in KERNELS.iter().zip(&mut least) {
            let run = compiled.run(Call::Command, format!("{kernel} {}", rounds / divisor).as_bytes());
            ensure!(run.outcome == Outcome::Done, "{kernel}: {:?}", run.outcome);
            *ns = ns.min(run.cpu_us as f64 * 1e3);
            *fuel = run.fuel;
        }
    }
    let rates = least.map(|(ns, fuel)| fuel as f64 * TICKS_PER_FUEL as f64 / ns);
    for ((kernel, _), rate) in KERNELS.iter().zip(rates) {
        figures.tell(&format!("{kernel}: ticks_per_ns"), rate, "ticks/ns");
    }
    let most = rates.iter().copied().fold(f64::MIN, f64::max);
    figures.tell("spread", most / rates.iter().copied().fold(f64::MAX, f64::min), "x");
    Ok(())
}
