//! The sandbox as its users see it: real worker processes, guests written in WebAssembly text.

mod checkpoints;
mod determinism;
mod guests;
mod life;
mod limits;
mod outcomes;
mod refusals;
mod rig;
mod scratch;
mod shapes;
mod walls;
