//! How many wrong results are accepted, and what that costs in copies: the production rules against 56 ways of lying,
//! beside BOINC's adaptive rule and two copies of everything in the same world.
//!
//! Each figure is the worst of all ways unless its name says otherwise. `wrong` is a share of final results, `overhead`
//! the copies beyond the first for each unit.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use grid_core::trust::Policy;

use super::figures::Figures;
use super::{Options, machine};
use crate::trust_sim::{Attack, Mix, Rule, Setup, Tally};

const COMPUTERS: u32 = 500;
/// Shares of liars that are tried, percent, for both kinds of jobs.
const LIARS_PCT: [u32; 6] = [0, 1, 5, 10, 20, 40];
const SEED: u64 = 1;

/// One grid with one share of liars, under all ways of lying.
struct Cell {
    name: String,
    setup: Setup,
    attacks: Vec<Attack>,
    tallies: Vec<Tally>,
}

impl Cell {
    fn worst(&self, figure: fn(&Tally) -> f64) -> f64 {
        self.tallies.iter().map(figure).fold(0.0, f64::max)
    }

    /// Over all ways of lying together.
    fn total(&self, part: fn(&Tally) -> u64, whole: fn(&Tally) -> u64) -> f64 {
        let sum = |count: fn(&Tally) -> u64| self.tallies.iter().map(count).sum::<u64>();
        sum(part) as f64 / sum(whole).max(1) as f64
    }
}

/// All figures.
pub async fn run(options: Options, json: bool) -> Result<()> {
    let figures = Figures::new("trust", json);
    machine::tell(&figures)?;
    tokio::task::spawn_blocking(move || {
        let mut cells = cells(options);
        simulate(&mut cells);
        cells.iter().for_each(|cell| tell(&figures, cell));
    })
    .await?;
    Ok(())
}

fn cells(options: Options) -> Vec<Cell> {
    let units = if options.quick { 1_000_000 } else { 4_000_000 };
    let setup = |rule, pct: u32, job_units| Setup {
        rule,
        computers: COMPUTERS,
        units,
        liars_ppm: pct * 10_000,
        attack: Attack::NONE,
        job_units,
        seed: SEED,
    };
    let attacks = |pct| if pct == 0 { vec![Attack::NONE] } else { attacks(options) };
    let cell = |name: String, setup, attacks| Cell { name, setup, attacks, tallies: Vec::new() };
    let ours = Rule::Fallow(Policy::default());
    let mut cells = Vec::new();
    for (job_units, suffix) in [(None, ""), (Some(50), "_jobs_of_50")] {
        let of = |pct: u32| cell(format!("at_{pct}pct{suffix}"), setup(ours, pct, job_units), attacks(pct));
        cells.extend(LIARS_PCT.map(of));
    }
    for (name, rule) in [("boinc", Rule::Boinc), ("quorum", Rule::Quorum)] {
        // They hold nothing back, so that a quarter of the units tells as much.
        let shorter = |pct| Setup { units: units / 4, ..setup(rule, pct, None) };
        let of = |pct: u32| cell(format!("at_{pct}pct_{name}"), shorter(pct), attacks(pct));
        cells.extend(LIARS_PCT.map(of));
    }
    let together: Vec<Attack> = attacks(1).into_iter().filter(|attack| attack.collude).collect();
    let two = Setup { liars_ppm: 2 * 1_000_000 / COMPUTERS, ..setup(ours, 0, None) };
    cells.push(cell("of_two_liars".into(), two, together.clone()));
    let vouching = together.into_iter().map(|attack| Attack { mix: Mix::Vouching, ..attack }).collect();
    cells.push(cell("at_10pct_half_vouching".into(), setup(ours, 10, None), vouching));
    cells
}

/// All of them, or a few of the worst.
fn attacks(options: Options) -> Vec<Attack> {
    let is_bad = |attack: &Attack| matches!((attack.rate_ppm, attack.sleep), (5_000 | 10_000, 20) | (1_000_000, 100));
    Attack::all().into_iter().filter(|attack| !options.quick || is_bad(attack)).collect()
}

/// Run all cells on all processors; each run has a seed of its own.
fn simulate(cells: &mut [Cell]) {
    let runs: Vec<(usize, Setup)> = cells.iter().enumerate().flat_map(|(at, cell)| runs(at, cell)).collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((cell, setup)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let tally = setup.run();
            done.lock().expect("no thread panics with it").push((*cell, tally));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    for (cell, tally) in done.into_inner().expect("joined") {
        cells[cell].tallies.push(tally);
    }
}

fn runs(at: usize, cell: &Cell) -> Vec<(usize, Setup)> {
    let run = |(way, attack): (usize, &Attack)| {
        (at, Setup { attack: *attack, seed: cell.setup.seed + (at * 100 + way) as u64, ..cell.setup })
    };
    cell.attacks.iter().enumerate().map(run).collect()
}

fn tell(figures: &Figures, cell: &Cell) {
    let name = &cell.name;
    let ppm = |share: f64| share * 1e6;
    figures.tell(&format!("wrong_{name}"), ppm(cell.worst(Tally::wrong_share)), "ppm");
    figures.tell(&format!("overhead_{name}"), 100.0 * cell.worst(Tally::overhead), "%");
    if cell.setup.job_units.is_some() {
        figures.tell(&format!("wrong_when_delivered_{name}"), ppm(cell.worst(Tally::delivered_share)), "ppm");
    }
    if cell.setup.rule.looks_back() {
        figures.tell(
            &format!("banned_honest_{name}"),
            100.0 * cell.total(|it| it.healthy_banned, |it| it.healthy),
            "%",
        );
        figures.tell(&format!("newcomer_overhead_{name}"), 100.0 * cell.worst(Tally::newcomer_overhead), "%");
        figures.tell(
            &format!("collusion_success_{name}"),
            100.0 * cell.total(|it| it.wrong_confirmed, |it| it.plots),
            "%",
        );
    }
}
