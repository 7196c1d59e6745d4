//! Errors of a job, grouped: messages that differ only in numbers are one error.

use std::collections::HashMap;

use fallow_protocol::JobId;
use fallow_protocol::api::{ErrorGroup, ErrorGroups, UnitPlace, UnitState};

use super::JobError;
use super::lists::own;
use crate::app::App;
use crate::store::errors::{self, Said};
use crate::store::logs::outcome;

/// Units that are looked at, of each kind.
const UNITS_MAX: u64 = 5_000;
/// Groups that are told.
const GROUPS_MAX: usize = 100;

/// What went wrong with its units.
pub async fn errors(app: &App, account: i64, id: &JobId) -> Result<ErrorGroups, JobError> {
    let job = own(app, account, id).await?;
    let (said, complete) = errors::of_job(app.store.reader(), job, UNITS_MAX).await?;
    Ok(ErrorGroups { items: group(said), complete })
}

/// Largest groups first.
fn group(said: Vec<Said>) -> Vec<ErrorGroup> {
    let mut groups: HashMap<(UnitState, u8, String), ErrorGroup> = HashMap::new();
    for said in said {
        let example = UnitPlace { stage: said.stage, seq: said.seq, attempt: said.attempt };
        let group = groups.entry((said.state, said.class, shape(&said.message))).or_insert_with(|| ErrorGroup {
            class: outcome(said.class, None).map_or("lost", |outcome| outcome.label()).to_owned(),
            message: said.message.clone(),
            count: 0,
            units: 0,
            state: said.state,
            example,
            help: help(said.class).map(str::to_owned),
        });
        if (example.stage, example.seq) < (group.example.stage, group.example.seq) {
            (group.example, group.message) = (example, said.message);
        }
        group.count = group.count.saturating_add(said.attempts);
        group.units = group.units.saturating_add(said.units);
    }
    let mut groups: Vec<ErrorGroup> = groups.into_values().collect();
    groups.sort_unstable_by(|one, other| {
        (other.units, one.example.stage, one.example.seq).cmp(&(one.units, other.example.stage, other.example.seq))
    });
    groups.truncate(GROUPS_MAX);
    groups
}

/// The message with one mark for each number: `index 7 of 12` and `index 53 of 80` are the same error.
fn shape(message: &str) -> String {
    let mut shape = String::with_capacity(message.len());
    for letter in message.chars() {
        match letter {
            '0'..='9' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            other => shape.push(other),
        }
    }
    shape
}

/// What an author can do about an outcome.
fn help(class: u8) -> Option<&'static str> {
    Some(match class {
        2 => "the task itself says this: look at the unit's input and log",
        3 => "the task broke: run the unit here with `fallow run`, and look at its log",
        4 => "raise limits.memory_bytes, or cut the input into smaller units",
        5 => "raise limits.fuel, or cut the input into smaller units",
        6 => "raise limits.output_bytes, or cut the input into smaller units",
        7 => "raise limits.scratch_bytes, or write less into the scratch directory",
        8 => "raise limits.wall_ms, or cut the input into smaller units",
        9 | 10 => "this was the computers' fault, not the task's: retry the failed units",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(state: UnitState, message: &str, seq: u64, units: u64) -> Said {
        Said { state, class: 3, message: message.into(), units, attempts: 2 * units, stage: 1, seq, attempt: 2 }
    }

    #[test]
    fn numbers_do_not_make_errors_different() {
        let groups = group(vec![
            said(UnitState::Failed, "index 53 of 80", 53, 2),
            said(UnitState::Failed, "index 7 of 12", 7, 1),
            said(UnitState::Again, "index 1 of 2", 1, 1),
            said(UnitState::Failed, "other", 9, 1),
        ]);
        assert_eq!(groups.len(), 3);
        assert_eq!((groups[0].units, groups[0].count, groups[0].message.as_str()), (3, 6, "index 7 of 12"));
        assert_eq!((groups[1].example.seq, groups[2].example.seq), (1, 9));
        assert_eq!(groups[0].class, "trap");
    }

    #[test]
    fn there_are_not_more_groups_than_anybody_reads() {
        let all = (0..500u64).map(|at| said(UnitState::Failed, &"x".repeat(at as usize), at, 1)).collect();
        assert_eq!(group(all).len(), GROUPS_MAX);
    }
}
