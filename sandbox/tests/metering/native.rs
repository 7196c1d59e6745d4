//! The engine's side: an instrumented module, linked to a meter and to the host's values.

use fallow_sandbox::instrument::{METER_MEMORY, METER_MODULE, meter};
use wasmtime::{
    Caller, Config, Engine, Extern, ExternType, Func, FuncType, Global, Instance, Memory, Module, OptLevel, Ref, Store,
    StoreLimits, StoreLimitsBuilder, Table, Trap, Val, ValType,
};

use crate::host::{Callee, FOREIGN, Host, Kind, Setup};
use crate::interp::{Value, engine_value, own_value};

/// What the store holds.
pub struct State {
    pub host: Host,
    meter: Option<Memory>,
    limits: StoreLimits,
}

/// An instance in the engine.
pub struct Native {
    pub store: Store<State>,
    meter: Memory,
    /// Missing where initialisation trapped.
    pub instance: Option<Instance>,
}

/// An engine for the tests. `canonical_nans`: the engine's own making canonical of every NaN that arithmetic makes.
pub fn engine(canonical_nans: bool) -> Engine {
    let mut config = Config::new();
    config.cranelift_nan_canonicalization(canonical_nans);
    // One of the two is compiled as for a run; of the other only the meaning counts.
    config.cranelift_opt_level(if canonical_nans { OptLevel::None } else { OptLevel::Speed });
    config.wasm_multi_memory(true);
    config.wasm_wide_arithmetic(true);
    config.wasm_relaxed_simd(false);
    // Deeper than the interpreter goes.
    config.max_wasm_stack(32 << 20);
    config.async_stack_size(48 << 20);
    Engine::new(&config).expect("an engine")
}

impl Native {
    /// Instantiate.
    pub fn new(module: &Module, setup: &Setup) -> (Self, Result<(), Trap>) {
        let limits = StoreLimitsBuilder::new()
            .memory_size((setup.pages_max * 65_536) as usize)
            .table_elements(setup.elements_max as usize)
            .build();
        let mut store = Store::new(module.engine(), State { host: Host::new(setup), meter: None, limits });
        store.limiter(|state| &mut state.limits);
        let meter = make_meter(&mut store, setup);
        let mut place = 0;
        let mut imports = Vec::new();
        for import in module.imports() {
            if import.module() == METER_MODULE {
                assert_eq!(import.name(), METER_MEMORY);
                imports.push(meter.into());
            } else {
                imports.push(make_import(&mut store, place, &import.ty()));
                place += 1;
            }
        }
        let (instance, started) = match Instance::new(&mut store, module, &imports) {
            Ok(instance) => (Some(instance), Ok(())),
            Err(error) => (None, Err(trap(&error))),
        };
        (Self { store, meter, instance }, started)
    }

    /// Fuel flushed so far.
    pub fn fuel(&self) -> u64 {
        read_fuel(self.meter.data(&self.store))
    }

    pub fn export(&mut self, name: &str) -> Extern {
        let instance = self.instance.expect("the instance started");
        instance.get_export(&mut self.store, name).unwrap_or_else(|| panic!("export {name} is lost"))
    }

    /// Write into an exported memory.
    pub fn write(&mut self, name: &str, at: usize, bytes: &[u8]) {
        let memory = self.export(name).into_memory().expect("a memory");
        memory.write(&mut self.store, at, bytes).expect("within the memory");
    }

    /// Call an exported function.
    pub fn invoke(&mut self, name: &str, args: &[Value]) -> Result<Vec<Value>, Trap> {
        let func = self.export(name).into_func().expect("a function");
        let args: Vec<Val> = args.iter().map(|value| engine_value(*value)).collect();
        let mut results = vec![Val::I32(0); func.ty(&self.store).results().len()];
        func.call(&mut self.store, &args, &mut results).map_err(|error| trap(&error))?;
        Ok(results.iter().map(own_value).collect())
    }
}

fn trap(error: &wasmtime::Error) -> Trap {
    *error.downcast_ref::<Trap>().unwrap_or_else(|| panic!("no trap but: {error:?}"))
}

fn read_fuel(meter: &[u8]) -> u64 {
    u64::from_le_bytes(meter[..8].try_into().expect("eight bytes"))
}

fn make_meter(store: &mut Store<State>, setup: &Setup) -> Memory {
    let module = Module::new(store.engine(), meter()).expect("the meter is valid");
    let instance = Instance::new(&mut *store, &module, &[]).expect("the meter has no imports");
    let memory = instance.get_memory(&mut *store, METER_MEMORY).expect("the meter's memory");
    memory.write(&mut *store, 0, &setup.fuel.to_le_bytes()).expect("its first word");
    memory.write(&mut *store, 8, &setup.limit.to_le_bytes()).expect("its second word");
    store.data_mut().meter = Some(memory);
    memory
}

fn make_import(store: &mut Store<State>, place: usize, ty: &ExternType) -> Extern {
    match ty {
        ExternType::Func(ty) => make_func(store, Callee::Import(place), ty.clone()).into(),
        ExternType::Global(ty) => {
            let value = engine_value(store.data().host.global(place, kind(ty.content())));
            Global::new(store, ty.clone(), value).expect("a global").into()
        }
        ExternType::Memory(ty) => Memory::new(store, ty.clone()).expect("a memory").into(),
        ExternType::Table(ty) => {
            let table = Table::new(&mut *store, ty.clone(), Ref::Func(None)).expect("a table");
            for (slot, (params, results)) in FOREIGN.iter().enumerate().take(ty.minimum() as usize) {
                let types = |kinds: &[Kind]| kinds.iter().map(|kind| engine_type(*kind)).collect::<Vec<_>>();
                let ty = FuncType::new(store.engine(), types(params), types(results));
                let func = make_func(store, Callee::Foreign(slot), ty);
                table.set(&mut *store, slot as u64, Ref::Func(Some(func))).expect("a slot");
            }
            table.into()
        }
        other => panic!("no such import here: {other:?}"),
    }
}

fn make_func(store: &mut Store<State>, callee: Callee, ty: FuncType) -> Func {
    let kinds: Vec<Kind> = ty.results().map(|ty| kind(&ty)).collect();
    Func::new(store, ty, move |mut caller: Caller<'_, State>, args, results| {
        let meter = caller.data().meter.expect("made before any import");
        let fuel = read_fuel(meter.data(&caller));
        let args = args.iter().map(own_value).collect();
        let made = caller.data_mut().host.call(callee, args, fuel, &kinds);
        for (result, value) in results.iter_mut().zip(made) {
            *result = engine_value(value);
        }
        Ok(())
    })
}

fn kind(ty: &ValType) -> Kind {
    match ty {
        ValType::I32 => Kind::I32,
        ValType::I64 => Kind::I64,
        ValType::F32 => Kind::F32,
        ValType::F64 => Kind::F64,
        ValType::V128 => Kind::V128,
        ValType::Ref(_) => Kind::Func,
    }
}

fn engine_type(kind: Kind) -> ValType {
    match kind {
        Kind::I32 => ValType::I32,
        Kind::I64 => ValType::I64,
        Kind::F32 => ValType::F32,
        Kind::F64 => ValType::F64,
        Kind::V128 => ValType::V128,
        Kind::Func => ValType::FUNCREF,
    }
}
