//! The host's functions as the rest of the crate calls them: the real imports in WebAssembly, a stand-in in the
//! thread elsewhere. Both halves have the same functions.

#[cfg(target_arch = "wasm32")]
mod guest;
#[cfg(not(target_arch = "wasm32"))]
mod native;

#[cfg(target_arch = "wasm32")]
pub use guest::*;
#[cfg(not(target_arch = "wasm32"))]
pub use native::*;
