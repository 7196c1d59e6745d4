//! Core modules: every exported function is called once, and all that can be seen afterwards is hashed.

use anyhow::Context;
use fallow_protocol::manifest::Floats;
use wasmtime::{Engine, Extern, Func, Instance, Linker, Memory, Module, Store, Trap, Val, ValType};

use super::{Ended, STACK, plain};
use crate::instrument::{self, METER_MEMORY, METER_MODULE};
use crate::worker::flag;

/// The meter that all modules count into, compiled.
pub fn meter(engine: &Engine) -> anyhow::Result<Module> {
    Module::new(engine, instrument::meter()).map_err(plain)
}

/// Both runs of a module.
pub fn run(meter: &Module, module: &[u8]) -> anyhow::Result<(Ended, Ended)> {
    let (canonical, _) = attempt(meter, module, Floats::Canonical)?;
    let (first, made_nan) = attempt(meter, module, Floats::Plain)?;
    Ok(if made_nan { (canonical.clone(), canonical) } else { (first, canonical) })
}

/// How one build ended, and whether it made a NaN.
fn attempt(meter: &Module, module: &[u8], floats: Floats) -> anyhow::Result<(Ended, bool)> {
    let engine = meter.engine();
    let module = Module::new(engine, instrument::module(module, floats)?).map_err(plain)?;
    let mut seen = Seen { store: Store::new(engine, ()), hasher: blake3::Hasher::new(), traps: Vec::new() };
    let meter = seen.meter(meter)?;
    let mut linker = Linker::new(engine);
    linker.define(&seen.store, METER_MODULE, METER_MEMORY, meter).map_err(plain)?;
    flag::clear();
    match linker.instantiate(&mut seen.store, &module) {
        Ok(instance) => seen.all(&instance),
        Err(error) => seen.trapped(&error),
    }
    let made_nan = flag::is_set();
    Ok((seen.ended(meter, floats), made_nan))
}

/// What was seen of an instance.
struct Seen {
    store: Store<()>,
    hasher: blake3::Hasher,
    traps: Vec<String>,
}

impl Seen {
    fn meter(&mut self, meter: &Module) -> anyhow::Result<Memory> {
        let instance = Instance::new(&mut self.store, meter, &[]).map_err(plain)?;
        instance.get_memory(&mut self.store, METER_MEMORY).context("the meter has no memory")
    }

    /// Call what can be called, then look at what is left.
    fn all(&mut self, instance: &Instance) {
        let exports: Vec<Extern> = instance.exports(&mut self.store).map(wasmtime::Export::into_extern).collect();
        for (index, function) in exports.iter().filter_map(|export| export.clone().into_func()).enumerate() {
            self.call(&function, index as u64);
        }
        for export in exports {
            match export {
                Extern::Memory(memory) => {
                    self.hasher.update(memory.data(&self.store));
                }
                Extern::Global(global) => {
                    let value = global.get(&mut self.store);
                    self.value(&value);
                }
                _ => {}
            }
        }
    }

    fn call(&mut self, function: &Func, index: u64) {
        let ty = function.ty(&self.store);
        let params: Vec<Val> = ty.params().zip(index..).map(|(ty, number)| param(&ty, number)).collect();
        let mut results: Vec<Val> = ty.results().map(|ty| param(&ty, 0)).collect();
        match function.call(&mut self.store, &params, &mut results) {
            Ok(()) => results.iter().for_each(|value| self.value(value)),
            Err(error) => self.trapped(&error),
        }
    }

    fn trapped(&mut self, error: &wasmtime::Error) {
        let trap = error.downcast_ref::<Trap>();
        let name = match trap {
            Some(Trap::StackOverflow) => STACK.to_owned(),
            Some(trap) => format!("{trap:?}"),
            None => format!("{error:#}").replace(char::is_whitespace, "_"),
        };
        self.hasher.update(name.as_bytes());
        self.traps.push(name);
    }

    fn value(&mut self, value: &Val) {
        match value {
            Val::I32(bits) => self.hasher.update(&bits.to_le_bytes()),
            Val::I64(bits) => self.hasher.update(&bits.to_le_bytes()),
            Val::F32(bits) => self.hasher.update(&bits.to_le_bytes()),
            Val::F64(bits) => self.hasher.update(&bits.to_le_bytes()),
            Val::V128(bits) => self.hasher.update(&bits.as_u128().to_le_bytes()),
            Val::FuncRef(None) | Val::ExternRef(None) => self.hasher.update(b"null"),
            _ => self.hasher.update(b"reference"),
        };
    }

    fn ended(&self, meter: Memory, floats: Floats) -> Ended {
        let fuel = meter.data(&self.store).first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        let class = match self.traps.first() {
            _ if self.traps.iter().any(|trap| trap == STACK) => STACK.to_owned(),
            Some(first) => format!("traps-{}-{first}", self.traps.len()),
            None => "done".to_owned(),
        };
        Ended { class, fuel, output: self.hasher.finalize().to_hex().to_string(), floats }
    }
}

/// A value that says little, but differs from parameter to parameter.
fn param(ty: &ValType, number: u64) -> Val {
    match ty {
        ValType::I32 => Val::I32(number as i32),
        ValType::I64 => Val::I64(number as i64),
        ValType::F32 => Val::F32((number as f32 / 3.0).to_bits()),
        ValType::F64 => Val::F64((number as f64 / 3.0).to_bits()),
        ValType::V128 => Val::V128((u128::from(number) << 64 | u128::from(number)).into()),
        ValType::Ref(_) => Val::default_for_ty(ty).unwrap_or(Val::I32(0)),
    }
}
