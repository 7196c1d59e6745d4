//! What happens, for programs: one JSON object a line on stdout with `--json`.
//!
//! Owns the shape of these lines. Logs for people go to stderr through `tracing` and are not here.

use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use fallow_protocol::outcome::Outcome;
use fallow_protocol::{Digest, JobId, NodeId};
use serde::Serialize;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The node belongs to a grid now.
    Joined {
        /// Its id there.
        node: NodeId,
        /// The grid's name.
        grid: String,
        /// Fingerprint of the root key that it pinned.
        root: Digest,
    },
    /// Somebody has to approve this node in a browser.
    DeviceCode {
        /// What is typed there.
        user_code: String,
        /// Where.
        verification_uri: String,
        /// The same with the code in it.
        verification_uri_complete: String,
        /// Fingerprint of the root key that it will pin; the page shows the same.
        root: Digest,
    },
    /// The grid welcomed it.
    Online,
    /// The connection is gone; the node tries again by itself.
    Offline {
        /// Why.
        reason: String,
    },
    /// A unit began.
    UnitStarted {
        /// Its job.
        job: JobId,
        /// Its stage.
        stage: u16,
        /// Its number.
        seq: u64,
        /// Fuel at the checkpoint that it goes on from.
        #[serde(skip_serializing_if = "Option::is_none")]
        resumed_at_fuel: Option<u64>,
    },
    /// A checkpoint of a unit was uploaded; the grid is told.
    Checkpoint {
        /// Its job.
        job: JobId,
        /// Its stage.
        stage: u16,
        /// Its number.
        seq: u64,
        /// Fuel used until then.
        fuel: u64,
    },
    /// A unit ended.
    UnitEnded {
        /// Its job.
        job: JobId,
        /// Its stage.
        stage: u16,
        /// Its number.
        seq: u64,
        /// How, as `done` or `guest error`.
        outcome: &'static str,
        /// The message that goes with it.
        message: String,
    },
    /// Units were given back unrun.
    Declined {
        /// Their job.
        job: JobId,
        /// How many.
        units: usize,
        /// Why.
        reason: String,
    },
    /// The grid's operator stopped what a job runs: its units stop.
    Suspended {
        /// The job.
        job: JobId,
        /// Why.
        reason: String,
    },
    /// The grid has not been there for as long as leases last: units stand still until it is.
    OutOfContact,
    /// The owner paused the node.
    Paused {
        /// Why.
        reason: String,
    },
    /// It ends what it has begun and then pauses.
    Finishing {
        /// Why.
        reason: String,
    },
    /// The owner let it go on.
    Resumed,
    /// It gives back what it has not begun and leaves.
    Draining,
    /// Lines were left out here, because they were not read in time.
    LeftOut {
        /// How many.
        events: u64,
    },
}

impl Event {
    /// A unit's end.
    pub fn unit_ended(job: JobId, key: fallow_protocol::unit::UnitKey, outcome: &Outcome) -> Self {
        let message = outcome.message().to_owned();
        Self::UnitEnded { job, stage: key.stage, seq: key.seq, outcome: outcome.label(), message }
    }
}

/// Lines that wait for whoever reads stdout; beyond, lines are left out and counted.
const WAITING_MAX: usize = 65_536;
/// The last lines get so long to be read when the node leaves.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Where lines go; nowhere without `--json`. A reader that does not read never makes the node wait.
#[derive(Debug)]
pub struct Teller {
    lines: Option<(SyncSender<Event>, Receiver<()>)>,
    left_out: u64,
}

impl Teller {
    /// A thread of its own writes, because a full pipe makes its writer wait.
    pub fn new(json: bool) -> Self {
        let lines = json.then(|| {
            let ((sender, lines), (ended, end)) = (sync_channel(WAITING_MAX), sync_channel(1));
            std::thread::spawn(move || {
                // A closed stdout is not the node's problem.
                let _ = write_lines(&lines);
                drop(ended);
            });
            (sender, end)
        });
        Self { lines, left_out: 0 }
    }

    /// Tell one event.
    pub fn tell(&mut self, event: Event) {
        let Some((sender, _)) = &self.lines else { return };
        if self.left_out > 0 && sender.try_send(Event::LeftOut { events: self.left_out }).is_ok() {
            self.left_out = 0;
        }
        if matches!(sender.try_send(event), Err(TrySendError::Full(_))) {
            self.left_out += 1;
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        if let Some((sender, end)) = self.lines.take() {
            drop(sender);
            let _ = end.recv_timeout(LAST_LINES);
        }
    }
}

fn write_lines(lines: &Receiver<Event>) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout());
    while let Ok(event) = lines.recv() {
        write_line(&mut out, &event)?;
        while let Ok(event) = lines.try_recv() {
            write_line(&mut out, &event)?;
        }
        out.flush()?;
    }
    Ok(())
}

fn write_line(out: &mut impl Write, event: &Event) -> std::io::Result<()> {
    let line = serde_json::to_string(event).expect("an event always encodes");
    writeln!(out, "{line}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_named_by_event() {
        let line = serde_json::to_value(Event::Offline { reason: "gone".into() }).unwrap();
        assert_eq!(line, serde_json::json!({"event": "offline", "reason": "gone"}));
        let job = JobId::random();
        let key = fallow_protocol::unit::UnitKey { stage: 1, seq: 4 };
        let line = serde_json::to_value(Event::unit_ended(job.clone(), key, &Outcome::Done)).unwrap();
        assert_eq!(line["event"], "unit_ended");
        assert_eq!(line["job"], job.as_str());
        assert_eq!(line["outcome"], "done");
    }
}
