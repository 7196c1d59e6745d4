//! How many values a function makes a compiler keep and join: one for each local that is set within a block, where the block
//! ends, and one for each local that is used within a loop, where it begins again. Few bytes ask for very many of
//! them, in blocks within blocks, and a compiler takes more than linear time and memory for them.

use wasmparser::Operator;

/// The locals that each open block sets and uses; the function's body is the outermost.
#[derive(Debug)]
pub struct Joins {
    /// Words of a set of all locals, one bit each.
    words: usize,
    /// Two sets an open block: those set, and those set or read.
    open: Vec<u64>,
    loops: Vec<bool>,
    joins: u64,
    blocks: u64,
    locals: u64,
}

impl Joins {
    /// For a function of so many locals.
    pub fn new(locals: u32) -> Self {
        let words = locals.div_ceil(64) as usize;
        Self { words, open: vec![0; 2 * words], loops: vec![false], joins: 0, blocks: 0, locals: locals.into() }
    }

    /// Count a valid operator.
    pub fn count(&mut self, operator: &Operator<'_>) {
        match operator {
            Operator::Block { .. } | Operator::If { .. } => self.begin(false),
            Operator::Loop { .. } => self.begin(true),
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                self.note(*local_index, 0);
                self.note(*local_index, self.words);
            }
            Operator::LocalGet { local_index } => self.note(*local_index, self.words),
            Operator::End => self.end(),
            _ => {}
        }
    }

    /// Values joined so far.
    pub fn joins(&self) -> u64 {
        self.joins
    }

    /// Values that compilers may have to keep, each over each block.
    pub fn kept(&self) -> u64 {
        self.blocks * self.locals
    }

    fn begin(&mut self, is_loop: bool) {
        self.open.resize(self.open.len() + 2 * self.words, 0);
        self.loops.push(is_loop);
        self.blocks += 1;
    }

    fn note(&mut self, local: u32, offset: usize) {
        let set = self.open.len() - 2 * self.words + offset;
        if let Some(word) = self.open.get_mut(set + local as usize / 64) {
            *word |= 1 << (local % 64);
        }
    }

    /// What happens within the innermost block happens within the one around it, too.
    fn end(&mut self) {
        let innermost = self.open.len() - 2 * self.words;
        let is_loop = self.loops.pop().unwrap_or(false);
        let Some(around) = innermost.checked_sub(2 * self.words) else { return };
        let (outer, inner) = self.open.split_at_mut(innermost);
        let joined = if is_loop { &inner[self.words..] } else { &inner[..self.words] };
        self.joins += joined.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        for (outer, inner) in outer[around..].iter_mut().zip(inner) {
            *outer |= *inner;
        }
        self.open.truncate(innermost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joins(operators: &[Operator<'_>]) -> (u64, u64) {
        let mut joins = Joins::new(100);
        operators.iter().for_each(|operator| joins.count(operator));
        (joins.joins(), joins.kept())
    }

    #[test]
    fn each_local_is_joined_once_a_block_that_sets_it_and_once_a_loop_that_uses_it() {
        let ty = wasmparser::BlockType::Empty;
        let (block, repeat) = (Operator::Block { blockty: ty }, Operator::Loop { blockty: ty });
        let set = |local_index| Operator::LocalSet { local_index };
        let get = |local_index| Operator::LocalGet { local_index };
        assert_eq!(joins(&[set(1), get(2), Operator::End]), (0, 0));
        assert_eq!(joins(&[block.clone(), set(1), set(1), set(99), get(2), Operator::End, Operator::End]), (2, 100));
        assert_eq!(joins(&[repeat.clone(), set(1), get(1), get(2), Operator::End, Operator::End]), (2, 100));
        // What the inner one sets, the outer one sets; what the outer one sets, the inner one does not.
        let nested = [block.clone(), set(3), repeat, set(70), Operator::End, Operator::End, Operator::End];
        assert_eq!(joins(&nested), (1 + 2, 200));
        assert_eq!(joins(&[block, set(3), Operator::End, set(4), Operator::End]), (1, 100));
    }
}
