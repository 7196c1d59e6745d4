//! The sandbox as its users see it: real worker processes, guests written in WebAssembly text.

mod bombs;
mod checkpoints;
mod determinism;
mod floods;
mod guests;
mod life;
mod limits;
mod outcomes;
mod refusals;
mod rig;
mod scratch;
mod shapes;
mod walls;
