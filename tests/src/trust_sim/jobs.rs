//! Jobs of a few units: when all have results, some are checked before the job is done.

use grid_core::trust::sweep_size;

use super::seat::Held;
use super::units::{Case, Claim};
use super::world::World;

/// Jobs that are remembered; older ones are done.
const SLOTS: usize = 1 << 15;

#[derive(Clone, Debug, Default)]
struct Job {
    number: u32,
    left: u32,
    swept: bool,
    held: Vec<(u32, u32, u64)>,
}

/// The jobs under way.
#[derive(Debug)]
pub struct Jobs {
    units: Option<u32>,
    slots: Vec<Job>,
}

impl Jobs {
    pub fn new(units: Option<u32>) -> Self {
        Self { units, slots: vec![Job::default(); if units.is_some() { SLOTS } else { 0 }] }
    }

    /// The job of the `unit`th unit.
    pub fn begin(&mut self, unit: u64) -> u32 {
        let Some(units) = self.units else { return 0 };
        let number = (unit / u64::from(units)) as u32 + 1;
        let job = &mut self.slots[number as usize % SLOTS];
        if job.number != number {
            job.held.clear();
            (job.number, job.left, job.swept) = (number, units, false);
        }
        number
    }

    fn open(&mut self, number: u32) -> Option<&mut Job> {
        self.units?;
        Some(&mut self.slots[number as usize % SLOTS]).filter(|job| job.number == number && job.left > 0)
    }

    /// One of its units has an unchecked result.
    pub fn held(&mut self, number: u32, claim: &Claim) {
        if let Some(job) = self.open(number) {
            job.held.push((claim.seat, claim.name, claim.position));
        }
    }

    /// One of its units needs nothing more: true when it was the last.
    pub fn settled(&mut self, number: u32) -> bool {
        let Some(job) = self.open(number) else { return false };
        job.left -= 1;
        job.left == 0
    }

    /// One of its units is run again; it waits for that unless it is done.
    pub fn reopen(&mut self, number: u32) {
        if let Some(job) = self.open(number) {
            job.left += 1;
        }
    }
}

impl World {
    /// All units have results: sweep once, then it is done.
    pub fn end_job(&mut self, number: u32) {
        let job = &mut self.jobs.slots[number as usize % SLOTS];
        let mut held = std::mem::take(&mut job.held);
        let swept = std::mem::replace(&mut job.swept, true);
        held.sort_unstable();
        let mut opened = 0;
        for of_seat in held.chunk_by(|one, other| one.0 == other.0) {
            if !swept {
                opened += self.sweep(of_seat);
            }
        }
        if opened == 0 {
            let values: Vec<u32> = held.iter().filter_map(|it| self.find(it)).map(|(_, held)| held.value).collect();
            self.deliver(values.into_iter());
        }
        let job = &mut self.jobs.slots[number as usize % SLOTS];
        (job.held, job.left) = (held, opened);
    }

    /// An unchecked result that is still held, and where.
    fn find(&self, (seat, name, position): &(u32, u32, u64)) -> Option<(usize, Held)> {
        let seat = &self.seats[*seat as usize];
        let at = seat.held.binary_search_by_key(position, |held| held.position).ok()?;
        (seat.name == *name).then_some((at, seat.held[at]))
    }

    /// Check as many of a computer's unchecked results in the job as it lacks checks.
    fn sweep(&mut self, held: &[(u32, u32, u64)]) -> u32 {
        let index = held[0].0;
        let provisional = held.iter().filter(|it| self.find(it).is_some()).count() as u32;
        let size = sweep_size(&self.policy, &self.seats[index as usize].record, provisional);
        let mut opened = 0;
        for it in held {
            let Some((at, found)) = self.find(it).filter(|_| opened < size) else { continue };
            let seat = &mut self.seats[index as usize];
            seat.held.remove(at);
            seat.count_check();
            let claim = Claim { seat: index, name: it.1, position: it.2, value: found.value };
            let case = self.cases.add(Case::new(found.unit, claim, 2, false));
            self.open.push(case);
            opened += 1;
        }
        self.tally.swept += u64::from(opened);
        opened
    }
}
