//! Text: a regular expression over made lines.

use regex::Regex;

/// Find addresses in 2,000 lines, `rounds` times.
pub fn regex(rounds: u64) -> u64 {
    let pattern = Regex::new(r"(?-u)([a-z0-9.]+)@([a-z0-9]+)\.(org|com|net)\b").expect("it is a regular expression");
    let text: String = (0..2_000).map(|n| format!("{n} from user{n}.x@host{} .org to a{n}@b{n}.net, ok\n", n % 7)).collect();
    (0..rounds).map(|_| pattern.captures_iter(&text).map(|found| found[2].len() as u64).sum::<u64>()).sum()
}
