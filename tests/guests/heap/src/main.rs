//! Reads how many pieces to make. Fills the heap with small and large ones, frees some, prints a line for each, and
//! looks at every byte again before it frees it: whoever else writes into the heap is found out.

use std::io::{BufRead, Write};
use std::process::ExitCode;

/// What one piece was filled with.
struct Piece {
    seed: u64,
    bytes: Vec<u8>,
}

impl Piece {
    fn new(seed: u64) -> Self {
        let size = match seed % 16 {
            0 => 64 * 1024 + seed % (512 * 1024),
            1..4 => 4096 + seed % 8192,
            _ => 1 + seed % 512,
        };
        let mut bytes = Vec::new();
        // Most grow in steps, as a reader's buffer does.
        if seed % 5 == 0 {
            bytes.reserve_exact(size as usize);
        }
        bytes.extend((0..size).map(|at| pattern(seed, at)));
        Self { seed, bytes }
    }

    fn is_intact(&self) -> bool {
        self.bytes.iter().zip(0..).all(|(byte, at)| *byte == pattern(self.seed, at))
    }
}

fn pattern(seed: u64, at: u64) -> u8 {
    (seed.wrapping_add(at).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

fn next(seed: u64) -> u64 {
    let seed = seed ^ (seed << 13);
    let seed = seed ^ (seed >> 7);
    seed ^ (seed << 17)
}

fn main() -> ExitCode {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    let Some(count) = read.ok().and_then(|_| line.trim().parse::<u64>().ok()) else {
        eprintln!("expected: how many pieces to make");
        return ExitCode::from(2);
    };
    match fill(count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(said) => {
            eprintln!("{said}");
            ExitCode::FAILURE
        }
    }
}

fn fill(count: u64) -> Result<(), String> {
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut seed, mut freed) = (0x853c_49e6_748f_ea9b, 0);
    for number in 0..count {
        seed = next(seed);
        let piece = Piece::new(seed);
        print(&format!("piece {number} of {} bytes\n", piece.bytes.len()))?;
        pieces.push(piece);
        if seed % 3 == 0 {
            let piece = pieces.swap_remove(seed as usize % pieces.len());
            check(&piece)?;
            freed += 1;
        }
    }
    pieces.iter().try_for_each(check)?;
    let held: usize = pieces.iter().map(|piece| piece.bytes.len()).sum();
    print(&format!("intact: {freed} freed, {} held with {} MiB\n", pieces.len(), held >> 20))
}

fn check(piece: &Piece) -> Result<(), String> {
    let message = || format!("a piece of {} bytes has changed", piece.bytes.len());
    piece.is_intact().then_some(()).ok_or_else(message)
}

/// Without a buffer of ours, so that every line is a call of the host.
fn print(line: &str) -> Result<(), String> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| format!("cannot print: {error}"))
}
