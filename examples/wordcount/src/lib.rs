//! Counts the words of a text: each unit counts in its lines, `merge` adds the counts up.
//!
//! Words are what stands between everything but letters, digits and apostrophes, in lower case. Between the levels of
//! the merge counts stay JSON; the result is a table for people, most frequent first.

use std::collections::BTreeMap;
use std::fmt::Write;

use fallow::{Json, Merged, Parts, Result};

/// How often each word is there. Ordered, so that the same text gives the same bytes.
type Counts = BTreeMap<String, u64>;

/// One unit: some lines.
pub fn count(text: String) -> Result<Json<Counts>> {
    let mut counts = Counts::new();
    for word in words(&text) {
        *counts.entry(word).or_default() += 1;
    }
    fallow::log!("{} different words", counts.len());
    Ok(Json(counts))
}

/// Add counts up; in the end write the table.
pub fn add(parts: Parts<Json<Counts>>, last: bool) -> Result<Merged<Json<Counts>, String>> {
    let (mut total, mut missing) = (Counts::new(), 0);
    for part in parts {
        let Some(Json(counts)) = part else {
            missing += 1;
            continue;
        };
        for (word, count) in counts {
            *total.entry(word).or_default() += count;
        }
    }
    if missing > 0 {
        fallow::log!("{missing} parts are missing");
    }
    Ok(if last { Merged::Result(table(total)) } else { Merged::Part(Json(total)) })
}

fallow::task!(run = count, merge = add);

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'' && letter != '’')
        .map(|word| word.trim_matches(['\'', '’']).to_lowercase())
        .filter(|word| !word.is_empty())
}

fn table(total: Counts) -> String {
    let mut rows: Vec<(String, u64)> = total.into_iter().collect();
    // A stable sort: words of equal count stay in alphabetical order.
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    rows.into_iter().fold(String::new(), |mut table, (word, count)| {
        let _ = writeln!(table, "{count:>7}  {word}");
        table
    })
}

#[cfg(test)]
mod tests {
    use fallow::testing;

    use super::*;

    const TEXT: &str = include_str!("../input/sherlock.txt");

    fn counted(text: &str) -> Option<Json<Counts>> {
        Some(testing::run(count, text).unwrap())
    }

    #[test]
    fn words_are_letters_and_inner_apostrophes() {
        let found: Vec<String> = words("“It’s *quite* a two-page” don't 'quoted' 1887…").collect();
        assert_eq!(found, ["it’s", "quite", "a", "two", "page", "don't", "quoted", "1887"]);
    }

    #[test]
    fn the_whole_text_in_pieces_is_the_whole_text() {
        let lines: Vec<&str> = TEXT.split_inclusive('\n').collect();
        let pieces: Vec<_> = lines.chunks(250).map(|lines| counted(&lines.concat())).collect();
        let Merged::Part(first) = testing::merge(add, pieces[..5].to_vec(), false).unwrap() else {
            panic!("not a part")
        };
        let rest = [Some(first)].into_iter().chain(pieces[5..].iter().cloned()).collect();
        let tiled = testing::merge(add, rest, true).unwrap();
        assert_eq!(tiled, testing::merge(add, vec![counted(TEXT)], true).unwrap());
        let Merged::Result(table) = tiled else { panic!("not the result") };
        assert!(table.starts_with("   1"), "{}", &table[..80]);
        assert_eq!(table.lines().next().unwrap().split_whitespace().nth(1), Some("the"));
    }

    #[test]
    fn what_is_left_out_is_said() {
        let mut host = testing::Host::new();
        host.merge(add, vec![counted("a b a"), None], true).unwrap();
        assert_eq!(host.log(), ["1 parts are missing"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_the_authors_error() {
        assert_eq!(testing::run(count, b"ab\xff").unwrap_err(), "input is not UTF-8 text: byte 2");
    }
}
