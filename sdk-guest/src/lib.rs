//! What a task for the Fallow grid is written against.
//!
//! A task is an ordinary function from an input to an output. [`task!`] makes it the component's export, and the same
//! function runs natively in `cargo test` through [`testing`]. The smallest task, with its test:
//!
//! ```
//! fn count_lines(text: String) -> fallow::Result<String> {
//!     Ok(text.lines().count().to_string())
//! }
//! fallow::task!(run = count_lines);
//!
//! # fn main() {
//! assert_eq!(fallow::testing::run(count_lines, "one\ntwo\n").unwrap(), "2");
//! # }
//! ```
//!
//! Inputs and outputs are any [`FromInput`] and [`IntoOutput`]: bytes, text, [`Json`], [`Postcard`], [`Files`]. A task
//! may also cut its job's input (`split`, which gives units to an [`Emitter`]) and join the outputs (`merge`, which
//! takes them from [`Parts`]):
//!
//! ```
//! use fallow::{Emitter, Json, Parts, Result};
//!
//! fn cut(text: String, units: &mut Emitter<String>) -> Result<()> {
//!     text.lines().try_for_each(|line| units.emit(line.to_owned()))
//! }
//! fn words(line: String) -> Result<Json<usize>> {
//!     Ok(Json(line.split_whitespace().count()))
//! }
//! fn sum(parts: Parts<Json<usize>>, _last: bool) -> Result<Json<usize>> {
//!     Ok(Json(parts.flatten().map(|Json(words)| words).sum()))
//! }
//! fallow::task!(run = words, split = cut, merge = sum);
//!
//! # fn main() {
//! let units = fallow::testing::split::<_, _, String, _>(cut, "a b\nc\n").unwrap();
//! assert_eq!(units, ["a b", "c"]);
//! assert_eq!(fallow::testing::merge(sum, vec![Some(Json(2)), None, Some(Json(1))], true).unwrap().0, 3);
//! # }
//! ```
//!
//! What the host offers to every function: [`progress`], [`log!`], [`checkpoint`] and [`restore`], [`shared`] files and
//! [`random`] bytes. Everything a task can observe is the same on every computer; clocks stand nearly still.
//!
//! Not here: how a task is built and submitted (the tool `fallow`), and plain WASI programs, which need no SDK.

mod backend;
mod data;
mod emit;
mod error;
mod export;
mod files;
mod host;
mod parts;
mod shared;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

#[cfg(feature = "json")]
pub use data::Json;
#[cfg(feature = "postcard")]
pub use data::Postcard;
pub use data::{FromInput, IntoOutput, Merged};
pub use emit::Emitter;
pub use error::{Error, Result};
pub use files::Files;
pub use host::{checkpoint, log_bytes, progress, random, restore};
pub use parts::Parts;
pub use shared::{Shared, shared};

/// For the expansion of [`task!`] only.
#[doc(hidden)]
pub mod __private {
    pub use crate::export::*;
}
