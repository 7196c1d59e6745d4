//! The ways to misbehave, and what each says of a unit that its node has run. Pure: what looks like chance is drawn
//! from a seed and the unit.

use fallow_protocol::Digest;
use fallow_protocol::digest::FieldHasher;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Output, UnitKey, UnitResult};

/// How a node misbehaves. Only work and merges are lied about: a forged split would be found by its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Not at all: everything passes as it is.
    Honest,
    /// Another output for so many units of a thousand, each liar its own.
    Forge {
        /// Units of a thousand.
        permille: u64,
    },
    /// So many times the fuel.
    Inflate {
        /// Times.
        factor: u64,
    },
    /// Runs nothing, and answers every lease at once with this.
    Guess {
        /// The output.
        says: Vec<u8>,
        /// The fuel.
        fuel: u64,
    },
    /// Honest for so many units, then forges all.
    Sleeper {
        /// Units.
        after: u64,
    },
    /// Forges all, with the same bytes as everybody who knows the secret.
    Collude {
        /// The secret.
        secret: u64,
    },
    /// Gives back what takes more fuel than this, as somebody who can tell beforehand would.
    RefuseExpensive {
        /// Fuel.
        fuel: u64,
    },
    /// Says of every unit that it reached its wall time, after a thousand times the fuel.
    FalseTimeLimit,
    /// Says of every unit that the guest gave up.
    FalseFailure,
    /// Sends each frame again: as it was, under a new number, and as the next attempts of its units.
    Replay,
    /// Gives back all that it is leased, offers itself no more, and claims the units that others hold now.
    Steal,
    /// Puts this state in the place of the first checkpoint, and vanishes.
    PoisonCheckpoint {
        /// The state.
        state: Vec<u8>,
    },
    /// Honest, but one bit of so many outputs of a thousand is wrong.
    Flaky {
        /// Units of a thousand.
        permille: u64,
    },
}

impl Misbehaviour {
    /// Whether it gives a unit back that came to this.
    pub fn refuses(&self, result: &UnitResult) -> bool {
        matches!(self, Misbehaviour::RefuseExpensive { fuel } if result.fuel > *fuel)
    }

    /// What it says of a done unit, the `reported`th of a node with this seed.
    pub fn says(&self, result: UnitResult, seed: &Digest, reported: u64) -> UnitResult {
        let chance = draw(seed, result.key, 0);
        match self {
            Misbehaviour::Forge { permille } if chance % 1_000 < *permille => forged(result, chance),
            Misbehaviour::Sleeper { after } if reported > *after => forged(result, chance),
            Misbehaviour::Collude { secret } => {
                let shared = draw(&Digest::of(&secret.to_le_bytes()), result.key, 0);
                forged(result, shared)
            }
            Misbehaviour::Inflate { factor } => UnitResult { fuel: result.fuel.saturating_mul(*factor), ..result },
            Misbehaviour::FalseTimeLimit => {
                let fuel = result.fuel.saturating_mul(1_000);
                UnitResult { outcome: Outcome::TimeLimit, output: None, fuel, ..result }
            }
            Misbehaviour::FalseFailure => {
                let outcome = Outcome::GuestError { message: "forged: no such stain".into() };
                UnitResult { outcome, output: None, ..result }
            }
            // Not the same bits when the unit comes again: what is broken is the memory.
            Misbehaviour::Flaky { permille } => match draw(seed, result.key, result.attempt) {
                chance if chance % 1_000 < *permille => flipped(result, chance / 1_000),
                _ => result,
            },
            _ => result,
        }
    }
}

fn draw(seed: &Digest, key: UnitKey, attempt: u32) -> u64 {
    let hasher = FieldHasher::new("fallow tests draw v1").bytes(&seed.0).u64(key.stage.into()).u64(key.seq);
    let drawn = hasher.u64(attempt.into()).finish();
    u64::from_le_bytes(std::array::from_fn(|at| drawn.0[at]))
}

/// Another output, which says that it is one so that tests can look for it.
fn forged(result: UnitResult, draw: u64) -> UnitResult {
    UnitResult { output: Some(Output::Inline(format!("forged {draw:016x}").into_bytes())), ..result }
}

/// One bit of an output that travels in the result; longer ones stay as they are.
fn flipped(mut result: UnitResult, draw: u64) -> UnitResult {
    if let Some(Output::Inline(bytes)) = &mut result.output
        && !bytes.is_empty()
    {
        let bit = draw % (bytes.len() as u64 * 8);
        bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
    }
    result
}
