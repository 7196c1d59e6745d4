//! Where a function's count is added to.
//!
//! Code that is executed equally often is one *segment*, whose cost is added once, at its beginning. A segment ends
//! where control may go elsewhere, and goes on behind a block that every path leaves by its end, because what comes
//! before and after is then executed equally often. Nobody looks at the count but at flushes, so a segment does not
//! go on behind a block that has one.

use wasmparser::Operator;

use super::costs;
use super::info::{Flush, Info};

/// What to add to the count, and where.
#[derive(Debug, Default)]
pub struct Plan {
    /// Index of the operation before which to add, and the fuel; in order.
    pub adds: Vec<(usize, u64)>,
    /// Whether anything is ever counted, also by operands.
    pub counts: bool,
    /// Whether a `return` or a branch to the function's own label leaves it before its end.
    pub leaves_early: bool,
}

/// Fuel that is added at one place.
struct Segment {
    at: usize,
    fuel: u64,
}

/// A block that is open.
struct Frame {
    /// The segment in which it began; none in code that is never reached.
    entry: Option<usize>,
    /// Some path does not reach its end, or looks at the count before.
    escapes: bool,
}

struct Planner {
    segments: Vec<Segment>,
    frames: Vec<Frame>,
    current: Option<usize>,
    leaves_early: bool,
}

/// Plan a function's counting.
pub fn plan(operators: &[Operator<'_>], info: &Info) -> Plan {
    let first = Segment { at: 0, fuel: 0 };
    let function = Frame { entry: Some(0), escapes: false };
    let mut planner = Planner { segments: vec![first], frames: vec![function], current: Some(0), leaves_early: false };
    let mut dynamic = false;
    for (index, operator) in operators.iter().enumerate() {
        let cost = costs::of(operator);
        dynamic |= cost.per != costs::Per::None;
        if let Some(current) = planner.current {
            planner.segments[current].fuel += cost.fixed;
        }
        planner.step(index, operator, info.flush_before(operators, index));
    }
    let mut adds: Vec<(usize, u64)> =
        planner.segments.iter().filter(|segment| segment.fuel > 0).map(|segment| (segment.at, segment.fuel)).collect();
    adds.sort_unstable();
    Plan { counts: dynamic || !adds.is_empty(), adds, leaves_early: planner.leaves_early }
}

impl Planner {
    fn step(&mut self, index: usize, operator: &Operator<'_>, flush: Flush) {
        match operator {
            Operator::Block { .. } => self.open(),
            Operator::Loop { .. } | Operator::If { .. } => {
                self.open();
                self.begin(index + 1);
            }
            Operator::Else => {
                self.current = self.frames.last().and_then(|frame| frame.entry);
                self.begin(index + 1);
            }
            Operator::End => self.close(index + 1),
            Operator::Br { relative_depth } => {
                self.branch(*relative_depth);
                self.current = None;
            }
            Operator::BrIf { relative_depth } => {
                self.branch(*relative_depth);
                self.begin(index + 1);
            }
            Operator::BrTable { targets } => {
                for depth in targets.targets().map_while(Result::ok) {
                    self.branch(depth);
                }
                self.branch(targets.default());
                self.current = None;
            }
            Operator::Return => {
                self.branch(self.frames.len() as u32 - 1);
                self.current = None;
            }
            Operator::Unreachable => {
                self.escape(self.frames.len());
                self.current = None;
            }
            _ if flush != Flush::None => {
                self.escape(self.frames.len());
                self.begin(index + 1);
            }
            _ => {}
        }
    }

    fn open(&mut self) {
        self.frames.push(Frame { entry: self.current, escapes: false });
    }

    fn close(&mut self, next: usize) {
        let Some(frame) = self.frames.pop() else { return };
        self.current = frame.entry;
        if frame.escapes {
            self.begin(next);
        }
    }

    /// A new segment, unless the code is never reached.
    fn begin(&mut self, at: usize) {
        if self.current.is_some() {
            self.segments.push(Segment { at, fuel: 0 });
            self.current = Some(self.segments.len() - 1);
        }
    }

    /// The innermost frames, this many, may not reach their ends, or have somebody look.
    fn escape(&mut self, frames: usize) {
        let inner = self.frames.len() - frames;
        self.frames[inner..].iter_mut().for_each(|frame| frame.escapes = true);
    }

    /// A branch leaves all frames within its target; the target itself goes on, behind its end or at its beginning.
    fn branch(&mut self, depth: u32) {
        let depth = (depth as usize).min(self.frames.len() - 1);
        if self.current.is_some() {
            self.leaves_early |= depth + 1 == self.frames.len();
            self.escape(depth);
        }
    }
}
