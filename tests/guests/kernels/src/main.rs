//! `kernels NAME ROUNDS`: run one kernel and print its checksum, equal on every computer. Without arguments the two
//! words are read from standard input.

mod floats;
mod integers;
mod texts;

use std::process::ExitCode;

type Kernel = fn(u64) -> u64;

const KERNELS: [(&str, Kernel); 8] = [
    ("n-body", floats::n_body),
    ("mandelbrot", floats::mandelbrot),
    ("sha-256", integers::sha_256),
    ("matrix", floats::matrix),
    ("sort", integers::sort),
    ("regex", texts::regex),
    ("fib", integers::fib),
    ("mul-128", integers::mul_128),
];

fn main() -> ExitCode {
    let args = words();
    let kernel = args.first().and_then(|name| KERNELS.iter().find(|(known, _)| known == name));
    let rounds = args.get(1).and_then(|rounds| rounds.parse().ok());
    match (kernel, rounds) {
        (Some((_, kernel)), Some(rounds)) => {
            println!("{:016x}", kernel(std::hint::black_box(rounds)));
            ExitCode::SUCCESS
        }
        _ => {
            let names: Vec<&str> = KERNELS.iter().map(|(name, _)| *name).collect();
            eprintln!("expected: kernels NAME ROUNDS, with a name of {}", names.join(", "));
            ExitCode::from(2)
        }
    }
}

fn words() -> Vec<String> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.is_empty() {
        return args;
    }
    let mut input = String::new();
    let _ = std::io::stdin().read_line(&mut input);
    input.split_whitespace().map(str::to_owned).collect()
}
