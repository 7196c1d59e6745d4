//! From a component's exports to a task's functions: decode, call, encode. [`task!`](crate::task!) expands to these.

use std::fmt::Display;

use crate::{Emitter, FromInput, IntoOutput, Parts, Result};

#[cfg(target_arch = "wasm32")]
pub use crate::backend::bindings;

/// The task's own message, as it crosses the boundary.
pub fn message(error: impl Display) -> Vec<u8> {
    error.to_string().into_bytes()
}

/// `run`: one unit.
pub fn run<I, O, E>(task: impl FnOnce(I) -> Result<O, E>, input: Vec<u8>) -> Result<Vec<u8>, Vec<u8>>
where
    I: FromInput,
    O: IntoOutput,
    E: Display,
{
    let output = task(I::from_input(input).map_err(message)?).map_err(message)?;
    output.into_output().map_err(message)
}

/// `split`: the job's input to units.
pub fn split<I, T, E>(task: impl FnOnce(I, &mut Emitter<T>) -> Result<(), E>, input: Vec<u8>) -> Result<(), Vec<u8>>
where
    I: FromInput,
    T: IntoOutput,
    E: Display,
{
    task(I::from_input(input).map_err(message)?, &mut Emitter::new()).map_err(message)
}

/// `merge`: parts to one of them, or to the job's result.
pub fn merge<T, O, E>(
    task: impl FnOnce(Parts<T>, bool) -> Result<O, E>,
    count: u32,
    last: bool,
) -> Result<Vec<u8>, Vec<u8>>
where
    T: FromInput,
    O: IntoOutput,
    E: Display,
{
    let (parts, failed) = Parts::new(count);
    let output = task(parts, last);
    if let Some(error) = failed.take() {
        return Err(message(error));
    }
    output.map_err(message)?.into_output().map_err(message)
}

/// Make functions the exports of this component: `run`, and where the task has them `split` and `merge`, in this order.
///
/// ```text
/// fallow::task!(run = segment, split = cut, merge = join);
/// ```
///
/// - `run`: `fn(I) -> Result<O, E>`
/// - `split`: `fn(I, &mut Emitter<T>) -> Result<(), E>`
/// - `merge`: `fn(Parts<T>, last: bool) -> Result<O, E>`; what it gives while `last` is false is itself a part
///
/// with `I: FromInput`, `O: IntoOutput` and any `E` that can be displayed. Outside WebAssembly it only checks types.
#[macro_export]
macro_rules! task {
    (run = $run:path $(, split = $split:path)? $(, merge = $merge:path)? $(,)?) => {
        $crate::__export_run!($run);
        $($crate::__export_split!($split);)?
        $($crate::__export_merge!($merge);)?
    };
}

/// Part of [`task!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __export_run {
    ($run:path) => {
        #[allow(unsafe_code)]
        const _: () = {
            struct Task;
            #[cfg(target_arch = "wasm32")]
            impl $crate::__private::bindings::run::exports::fallow::task::run::Guest for Task {
                fn run(input: ::std::vec::Vec<u8>) -> ::std::result::Result<::std::vec::Vec<u8>, ::std::vec::Vec<u8>> {
                    $crate::__private::run($run, input)
                }
            }
            #[cfg(target_arch = "wasm32")]
    $crate::__private::bindings::run::export_run!(Task with_types_in $crate::__private::bindings::run);
            #[cfg(not(target_arch = "wasm32"))]
            impl Task {
                #[allow(dead_code)]
                fn check(input: ::std::vec::Vec<u8>) {
                    let _ = $crate::__private::run($run, input);
                }
            }
        };
    };
}

/// Part of [`task!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __export_split {
    ($split:path) => {
        #[allow(unsafe_code)]
        const _: () = {
            struct Task;
            #[cfg(target_arch = "wasm32")]
            impl $crate::__private::bindings::split::exports::fallow::task::split::Guest for Task {
                fn split(input: ::std::vec::Vec<u8>) -> ::std::result::Result<(), ::std::vec::Vec<u8>> {
                    $crate::__private::split($split, input)
                }
            }
            #[cfg(target_arch = "wasm32")]
    $crate::__private::bindings::split::export_split!(Task with_types_in $crate::__private::bindings::split);
            #[cfg(not(target_arch = "wasm32"))]
            impl Task {
                #[allow(dead_code)]
                fn check(input: ::std::vec::Vec<u8>) {
                    let _ = $crate::__private::split($split, input);
                }
            }
        };
    };
}

/// Part of [`task!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __export_merge {
    ($merge:path) => {
        #[allow(unsafe_code)]
        const _: () = {
            struct Task;
            #[cfg(target_arch = "wasm32")]
            impl $crate::__private::bindings::merge::exports::fallow::task::merge::Guest for Task {
                fn merge(count: u32, last: bool) -> ::std::result::Result<::std::vec::Vec<u8>, ::std::vec::Vec<u8>> {
                    $crate::__private::merge($merge, count, last)
                }
            }
            #[cfg(target_arch = "wasm32")]
    $crate::__private::bindings::merge::export_merge!(Task with_types_in $crate::__private::bindings::merge);
            #[cfg(not(target_arch = "wasm32"))]
            impl Task {
                #[allow(dead_code)]
                fn check(count: u32, last: bool) {
                    let _ = $crate::__private::merge($merge, count, last);
                }
            }
        };
    };
}
