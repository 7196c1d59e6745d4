//! The part of WASI preview 2 that is linked: no sockets, no http. Clocks and files are our own.

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random, sync};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};

use super::clocks::{ClockView, Clocks};
use super::filesystem::{Files, FilesView};
use super::state::State;

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// Add all interfaces that a guest may import, besides `fallow:task`.
pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    link_io(linker)?;
    link_clocks(linker)?;
    link_cli(linker)?;
    random::random::add_to_linker::<State, WasiRandom>(linker, |state| state.random())?;
    random::insecure::add_to_linker::<State, WasiRandom>(linker, |state| state.random())?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(linker, |state| state.random())?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(linker, |state| state.filesystem())?;
    sync::filesystem::types::add_to_linker::<State, Files>(linker, files)
}

fn link_io(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi_io::bindings::wasi::io::error::add_to_linker::<State, Table>(linker, |state| &mut state.table)?;
    sync::io::poll::add_to_linker::<State, Table>(linker, |state| &mut state.table)?;
    sync::io::streams::add_to_linker::<State, Table>(linker, |state| &mut state.table)
}

fn link_clocks(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    clocks::wall_clock::add_to_linker::<State, Clocks>(linker, clock)?;
    clocks::monotonic_clock::add_to_linker::<State, Clocks>(linker, clock)
}

fn link_cli(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    cli::exit::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::environment::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(linker, State::cli)
}

fn clock(state: &mut State) -> ClockView<'_> {
    ClockView { clock: &state.clock, table: &mut state.table }
}

fn files(state: &mut State) -> FilesView<'_> {
    let written = state.written.clone();
    // The count is shared, so that the view may hold its own handle to it.
    FilesView { inner: state.filesystem(), written }
}
