//! A job's progress as text: two lines that are redrawn, or one line that stays.

use fallow_protocol::api::{JobInfo, JobPhase, UnitCounts};

use crate::terminal::escape;
use crate::terminal::paint::Paint;
use crate::words::{count, counted, credits, milli, seconds_range};

/// Width of the bar, cells.
const CELLS: u64 = 30;
/// Cells that are filled by eighths.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// The two lines under a live job.
pub fn live(job: &JobInfo, paint: Paint) -> Vec<String> {
    let name = escape::line(&job.name);
    let head = match job.phase {
        JobPhase::Splitting => {
            format!("  {}  cutting the input: {} so far", paint.bold(&name), units(job.counts.total()))
        }
        JobPhase::Assembling => format!("  {}  {}", paint.bold(&name), assembling(job)),
        _ => {
            let (bar, percent) = (paint.good(&bar(job)), percent(job));
            format!("  {}  {bar}  {percent:>3} %   {}{}", paint.bold(&name), of_total(job), pace(job, "   "))
        }
    };
    let head = match spend(job) {
        Some(spent) => format!("{head}   {spent} cr"),
        None => head,
    };
    let states = states(&job.counts, paint);
    let nodes = counted(u64::from(job.nodes), "node", "nodes");
    let mut lines = vec![head, format!("  {}", [states, vec![nodes]].concat().join("   "))];
    if needs_budget(job) {
        lines.push(format!("  {}", paint.warn(&topup(job))));
    }
    lines
}

/// `22.81 of 60`: what a job has spent, with what is held for results that are not final yet; none where it costs
/// nothing.
pub fn spend(job: &JobInfo) -> Option<String> {
    Some(format!("{} of {}", credits(job.spent.saturating_add(job.held)), credits(job.budget?)))
}

/// Whether it waits for more budget.
pub fn needs_budget(job: &JobInfo) -> bool {
    !job.phase.is_final() && job.waiting_for.as_deref() == Some("budget")
}

fn topup(job: &JobInfo) -> String {
    format!("its budget is used up: `fallow topup {} CREDITS` lets it go on", job.id)
}

/// One line for a log file or a pipe.
pub fn plain(job: &JobInfo) -> String {
    let name = escape::line(&job.name);
    match job.phase {
        JobPhase::Splitting => format!("{name}: cutting the input, {} so far", units(job.counts.total())),
        JobPhase::Assembling => format!("{name}: {}", assembling(job)),
        _ => {
            let mut parts = vec![format!("{} %", percent(job)), format!("{} units", of_total(job))];
            parts.extend(states(&job.counts, Paint::off()));
            parts.push(counted(u64::from(job.nodes), "node", "nodes"));
            parts.extend(spend(job).map(|spent| format!("{spent} credits")));
            parts.extend(needs_budget(job).then(|| topup(job)));
            format!("{name}: {}{}", parts.join(", "), pace(job, ", "))
        }
    }
}

/// Whole percent of the work, with what running units say about themselves; 100 only when all have ended.
pub fn percent(job: &JobInfo) -> u64 {
    let total = job.counts.total();
    let ended = job.counts.ended();
    if total > 0 && ended == total && job.split_done {
        return 100;
    }
    let done_milli = ended.saturating_mul(1000).saturating_add(job.progress_milli);
    let share = u128::from(done_milli) * 100 / (u128::from(total.max(1)) * 1000);
    u64::try_from(share).unwrap_or(99).min(99)
}

fn units(number: u64) -> String {
    counted(number, "unit", "units")
}

fn of_total(job: &JobInfo) -> String {
    let more = if job.split_done { "" } else { "+" };
    format!("{}/{}{more}", count(job.counts.ended()), count(job.counts.total()))
}

fn pace(job: &JobInfo, between: &str) -> String {
    let rate = (job.rate_milli > 0).then(|| format!("{between}{}/s", milli(job.rate_milli)));
    let eta = job.eta_s.map(|(from, to)| format!("{between}{} left", seconds_range(from, to)));
    [rate, eta].into_iter().flatten().collect()
}

fn assembling(job: &JobInfo) -> String {
    match job.merge_counts.total() {
        0 => format!("joining {} outputs", count(job.counts.done)),
        total => format!(
            "merging {} outputs: {}/{} merges",
            count(job.counts.done),
            count(job.merge_counts.ended()),
            count(total)
        ),
    }
}

/// The states that are neither done nor waiting for their first attempt, where there are any.
fn states(counts: &UnitCounts, paint: Paint) -> Vec<String> {
    let shown = [
        ("checking", counts.checking),
        ("running", counts.running),
        ("waiting", counts.waiting),
        ("again", counts.again),
        ("failed", counts.failed),
        ("left out", counts.left_out),
    ];
    let paint_state = |name: &str, number: u64| {
        let text = format!("{name} {}", count(number));
        match name {
            "failed" | "left out" => paint.bad(&text),
            "again" => paint.warn(&text),
            _ => text,
        }
    };
    shown.into_iter().filter(|(_, number)| *number > 0).map(|(name, number)| paint_state(name, number)).collect()
}

/// `█` ended, `▒` checking, `▓` running, nothing for what waits.
fn bar(job: &JobInfo) -> String {
    let counts = &job.counts;
    let total = u128::from(counts.total().max(1));
    let eighths = u64::try_from(u128::from(counts.ended()) * u128::from(CELLS) * 8 / total).unwrap_or(0);
    let mut bar = "█".repeat((eighths / 8) as usize);
    let mut used = eighths / 8;
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[(eighths % 8) as usize]);
        used += 1;
    }
    for (number, cell) in [(counts.checking, '▒'), (counts.running, '▓')] {
        let wide = u64::try_from(u128::from(number) * u128::from(CELLS) / total).unwrap_or(0);
        let wide = wide.max(u64::from(number > 0)).min(CELLS - used);
        bar.extend(std::iter::repeat_n(cell, wide as usize));
        used += wide;
    }
    bar.extend(std::iter::repeat_n(' ', (CELLS - used) as usize));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::job;

    fn cells() -> JobInfo {
        let mut info = job("job-7f3b00000000", "cells", 0);
        info.counts =
            UnitCounts { waiting: 1_065, running: 295, checking: 168, done: 2_515, again: 24, failed: 0, left_out: 29 };
        info.rate_milli = 4_800;
        info.eta_s = Some((190, 480));
        info.nodes = 61;
        info
    }

    #[test]
    fn a_running_job() {
        let wanted = [
            "  cells  ██████████████████▋▒▓▓           62 %   2,544/4,096   4.8/s   3–8 min left",
            "  checking 168   running 295   waiting 1,065   again 24   left out 29   61 nodes",
        ];
        assert_eq!(live(&cells(), Paint::off()), wanted);
        let wanted = "cells: 62 %, 2,544/4,096 units, checking 168, running 295, waiting 1,065, again 24, left out 29, 61 nodes, \
                      4.8/s, 3–8 min left";
        assert_eq!(plain(&cells()), wanted);
    }

    #[test]
    fn what_is_spent_and_that_it_is_used_up() {
        let mut info = cells();
        (info.budget, info.spent, info.held) = (Some(60_000_000), 20_000_000, 2_810_000);
        assert!(live(&info, Paint::off())[0].ends_with("3–8 min left   22.81 of 60 cr"));
        assert!(plain(&info).contains("61 nodes, 22.81 of 60 credits, 4.8/s"));
        info.waiting_for = Some("budget".into());
        let wanted = "its budget is used up: `fallow topup job-7f3b00000000 CREDITS` lets it go on";
        assert_eq!(live(&info, Paint::off())[2], format!("  {wanted}"));
        assert!(plain(&info).contains(wanted));
    }

    #[test]
    fn the_other_phases() {
        let mut info = cells();
        info.phase = JobPhase::Splitting;
        assert_eq!(plain(&info), "cells: cutting the input, 4,096 units so far");
        info.phase = JobPhase::Assembling;
        assert_eq!(plain(&info), "cells: joining 2,515 outputs");
        info.merge_counts = UnitCounts { waiting: 9, done: 1, ..UnitCounts::default() };
        assert_eq!(plain(&info), "cells: merging 2,515 outputs: 1/10 merges");
    }

    #[test]
    fn the_bar_is_never_too_wide_and_100_comes_last() {
        let mut info = cells();
        for (waiting, running, checking, done) in
            [(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 1, 9_999_998), (0, 0, 0, 7), (9, 0, 0, 0)]
        {
            info.counts = UnitCounts { waiting, running, checking, done, ..UnitCounts::default() };
            assert_eq!(bar(&info).chars().count(), CELLS as usize, "{:?}", info.counts);
            assert_eq!(percent(&info) == 100, waiting + running + checking == 0 && done > 0, "{:?}", info.counts);
        }
        info.split_done = false;
        info.counts = UnitCounts { done: 7, ..UnitCounts::default() };
        assert_eq!(percent(&info), 99);
        assert!(plain(&info).contains("7/7+ units"));
    }

    #[test]
    fn a_name_cannot_command_the_terminal() {
        let mut info = cells();
        info.name = "\u{1b}[2J".into();
        assert!(live(&info, Paint::off())[0].starts_with("  \\u{1b}[2J  █"));
    }
}
