//! Memories: loads and stores of scalars and vectors, growth, bulk operations.

use wasmparser::{MemArg, Operator as O};

use super::value::Word;
use super::{Interp, Trap, Value};

/// Bytes of a page.
const PAGE: u64 = 65_536;

/// A memory.
#[derive(Debug)]
pub struct Memory {
    pub bytes: Vec<u8>,
    /// Pages it can grow to.
    pages_max: u64,
}

impl Memory {
    pub fn new(ty: &wasmparser::MemoryType, pages_max: u64) -> Self {
        let pages_max = ty.maximum.unwrap_or(PAGE).min(pages_max);
        Self { bytes: vec![0; (ty.initial * PAGE) as usize], pages_max }
    }

    fn pages(&self) -> u64 {
        self.bytes.len() as u64 / PAGE
    }

    fn grow(&mut self, delta: u32) -> Option<u32> {
        let (old, new) = (self.pages(), self.pages() + u64::from(delta));
        (new <= self.pages_max).then(|| {
            self.bytes.resize((new * PAGE) as usize, 0);
            old as u32
        })
    }

    fn slice(&mut self, from: u64, len: u64) -> Result<&mut [u8], Trap> {
        let bytes = self.bytes.get_mut(from as usize..(from + len) as usize);
        bytes.ok_or(Trap::MemoryOutOfBounds)
    }

    /// Copy a segment's part in.
    pub fn init(&mut self, data: &[u8], to: u32, from: u32, len: u32) -> Result<(), Trap> {
        let part = data.get(from as usize..from as usize + len as usize).ok_or(Trap::MemoryOutOfBounds)?;
        self.slice(to.into(), len.into())?.copy_from_slice(part);
        Ok(())
    }
}

impl Interp<'_> {
    /// Execute it if it is one of these.
    pub(super) fn memory(&mut self, op: &O<'_>) -> Result<bool, Trap> {
        match op {
            O::I32Load { memarg } => self.load(memarg, u32::from_le_bytes)?,
            O::I64Load { memarg } => self.load(memarg, u64::from_le_bytes)?,
            O::F32Load { memarg } => self.load(memarg, f32::from_le_bytes)?,
            O::F64Load { memarg } => self.load(memarg, f64::from_le_bytes)?,
            O::I32Load8S { memarg } => self.load(memarg, |[a]: [u8; 1]| i32::from(a as i8))?,
            O::I32Load8U { memarg } => self.load(memarg, |[a]: [u8; 1]| u32::from(a))?,
            O::I32Load16S { memarg } => self.load(memarg, |a| i32::from(i16::from_le_bytes(a)))?,
            O::I32Load16U { memarg } => self.load(memarg, |a| u32::from(u16::from_le_bytes(a)))?,
            O::I64Load8S { memarg } => self.load(memarg, |[a]: [u8; 1]| i64::from(a as i8))?,
            O::I64Load8U { memarg } => self.load(memarg, |[a]: [u8; 1]| u64::from(a))?,
            O::I64Load16S { memarg } => self.load(memarg, |a| i64::from(i16::from_le_bytes(a)))?,
            O::I64Load16U { memarg } => self.load(memarg, |a| u64::from(u16::from_le_bytes(a)))?,
            O::I64Load32S { memarg } => self.load(memarg, |a| i64::from(i32::from_le_bytes(a)))?,
            O::I64Load32U { memarg } => self.load(memarg, |a| u64::from(u32::from_le_bytes(a)))?,
            O::I32Store { memarg } => self.store(memarg, u32::to_le_bytes)?,
            O::I64Store { memarg } => self.store(memarg, u64::to_le_bytes)?,
            O::F32Store { memarg } => self.store(memarg, f32::to_le_bytes)?,
            O::F64Store { memarg } => self.store(memarg, f64::to_le_bytes)?,
            O::I32Store8 { memarg } => self.store(memarg, |a: u32| [a as u8])?,
            O::I32Store16 { memarg } => self.store(memarg, |a: u32| (a as u16).to_le_bytes())?,
            O::I64Store8 { memarg } => self.store(memarg, |a: u64| [a as u8])?,
            O::I64Store16 { memarg } => self.store(memarg, |a: u64| (a as u16).to_le_bytes())?,
            O::I64Store32 { memarg } => self.store(memarg, |a: u64| (a as u32).to_le_bytes())?,
            _ => return self.vector_memory(op).and_then(|done| if done { Ok(true) } else { self.bulk(op) }),
        }
        Ok(true)
    }

    fn vector_memory(&mut self, op: &O<'_>) -> Result<bool, Trap> {
        match op {
            O::V128Load { memarg } => self.load(memarg, u128::from_le_bytes)?,
            O::V128Load8x8S { memarg } => self.load(memarg, |a| widen::<1>(a, true))?,
            O::V128Load8x8U { memarg } => self.load(memarg, |a| widen::<1>(a, false))?,
            O::V128Load16x4S { memarg } => self.load(memarg, |a| widen::<2>(a, true))?,
            O::V128Load16x4U { memarg } => self.load(memarg, |a| widen::<2>(a, false))?,
            O::V128Load32x2S { memarg } => self.load(memarg, |a| widen::<4>(a, true))?,
            O::V128Load32x2U { memarg } => self.load(memarg, |a| widen::<4>(a, false))?,
            O::V128Load8Splat { memarg } => self.load(memarg, splat::<1>)?,
            O::V128Load16Splat { memarg } => self.load(memarg, splat::<2>)?,
            O::V128Load32Splat { memarg } => self.load(memarg, splat::<4>)?,
            O::V128Load64Splat { memarg } => self.load(memarg, splat::<8>)?,
            O::V128Load32Zero { memarg } => self.load(memarg, |a| u128::from(u32::from_le_bytes(a)))?,
            O::V128Load64Zero { memarg } => self.load(memarg, |a| u128::from(u64::from_le_bytes(a)))?,
            O::V128Load8Lane { memarg, lane } => self.load_lane::<1>(memarg, *lane)?,
            O::V128Load16Lane { memarg, lane } => self.load_lane::<2>(memarg, *lane)?,
            O::V128Load32Lane { memarg, lane } => self.load_lane::<4>(memarg, *lane)?,
            O::V128Load64Lane { memarg, lane } => self.load_lane::<8>(memarg, *lane)?,
            O::V128Store { memarg } => self.store(memarg, u128::to_le_bytes)?,
            O::V128Store8Lane { memarg, lane } => self.store(memarg, |a| lane_of::<1>(a, *lane))?,
            O::V128Store16Lane { memarg, lane } => self.store(memarg, |a| lane_of::<2>(a, *lane))?,
            O::V128Store32Lane { memarg, lane } => self.store(memarg, |a| lane_of::<4>(a, *lane))?,
            O::V128Store64Lane { memarg, lane } => self.store(memarg, |a| lane_of::<8>(a, *lane))?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn bulk(&mut self, op: &O<'_>) -> Result<bool, Trap> {
        match op {
            O::MemorySize { mem } => self.stack.push(self.memories[*mem as usize].pages() as u32),
            O::MemoryGrow { mem } => {
                let delta: u32 = self.stack.pop();
                let old = self.memories[*mem as usize].grow(delta);
                self.grown(op, delta, old);
            }
            O::MemoryFill { mem } => {
                let (to, value, len) = self.three();
                self.memories[*mem as usize].slice(to.into(), len.into())?.fill(value as u8);
            }
            O::MemoryCopy { dst_mem, src_mem } => {
                let (to, from, len) = self.three();
                let part = self.memories[*src_mem as usize].slice(from.into(), len.into())?.to_vec();
                self.memories[*dst_mem as usize].slice(to.into(), len.into())?.copy_from_slice(&part);
            }
            O::MemoryInit { data_index, mem } => {
                let (to, from, len) = self.three();
                self.memories[*mem as usize].init(self.data[*data_index as usize], to, from, len)?;
            }
            O::DataDrop { data_index } => self.data[*data_index as usize] = &[],
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The three operands of a bulk operation.
    pub(super) fn three(&mut self) -> (u32, u32, u32) {
        let (c, b, a) = (self.stack.pop(), self.stack.pop(), self.stack.pop());
        (a, b, c)
    }

    fn address<const N: usize>(&mut self, memarg: &MemArg) -> Result<&mut [u8], Trap> {
        let address: u32 = self.stack.pop();
        self.memories[memarg.memory as usize].slice(u64::from(address) + memarg.offset, N as u64)
    }

    fn load<const N: usize, R: Word>(&mut self, memarg: &MemArg, f: impl Fn([u8; N]) -> R) -> Result<(), Trap> {
        let bytes = <[u8; N]>::try_from(&*self.address::<N>(memarg)?).expect("a slice of this length");
        self.stack.push(f(bytes));
        Ok(())
    }

    fn store<const N: usize, A: Word>(&mut self, memarg: &MemArg, f: impl Fn(A) -> [u8; N]) -> Result<(), Trap> {
        let bytes = f(self.stack.pop());
        self.address::<N>(memarg)?.copy_from_slice(&bytes);
        Ok(())
    }

    fn load_lane<const N: usize>(&mut self, memarg: &MemArg, lane: u8) -> Result<(), Trap> {
        let Value::V128(vector) = self.stack.take() else { panic!("a lane belongs to a vector") };
        let mut bytes = vector.to_le_bytes();
        bytes[lane as usize * N..][..N].copy_from_slice(self.address::<N>(memarg)?);
        self.stack.push(u128::from_le_bytes(bytes));
        Ok(())
    }
}

/// Eight bytes as lanes of `N` bytes, each of twice the width.
fn widen<const N: usize>(bytes: [u8; 8], signed: bool) -> u128 {
    let mut wide = [0; 16];
    for (lane, part) in bytes.chunks(N).enumerate() {
        let fill = if signed && part[N - 1] >= 0x80 { 0xff } else { 0 };
        wide[lane * 2 * N..][..N].copy_from_slice(part);
        wide[lane * 2 * N + N..][..N].fill(fill);
    }
    u128::from_le_bytes(wide)
}

fn splat<const N: usize>(bytes: [u8; N]) -> u128 {
    u128::from_le_bytes(std::array::from_fn(|place| bytes[place % N]))
}

fn lane_of<const N: usize>(vector: u128, lane: u8) -> [u8; N] {
    vector.to_le_bytes()[lane as usize * N..][..N].try_into().expect("a lane within the vector")
}
