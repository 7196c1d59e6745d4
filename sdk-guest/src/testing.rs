//! Call a task's functions natively, through the same encoding as on the grid, with a stand-in for the host.
//!
//! [`run`], [`split`] and [`merge`] are enough for most tests; [`Host`] gives shared files or a checkpoint to the task
//! and afterwards tells what it logged, reported and kept. Fuel, limits and the sandbox itself are not here:
//! `fallow run` has them.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::{Emitter, FromInput, IntoOutput, Parts, Result, backend, export};

/// What the stand-in holds and records. See [`Host`].
#[derive(Debug, Default, Clone)]
pub struct State {
    pub(crate) progress: Vec<(u64, u64)>,
    pub(crate) log: Vec<String>,
    pub(crate) checkpoints: Vec<Vec<u8>>,
    pub(crate) restore: Option<Vec<u8>>,
    pub(crate) shared: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) units: Vec<Vec<u8>>,
    pub(crate) parts: Vec<Option<Vec<u8>>>,
    random: u64,
}

impl State {
    /// The next byte of a fixed stream (SplitMix64; the grid's own stream is another one).
    pub(crate) fn random_byte(&mut self) -> u8 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as u8
    }
}

/// A stand-in for the grid's host.
///
/// ```
/// fn scaled(text: String) -> fallow::Result<String> {
///     let factor: f64 = String::from_utf8(fallow::shared("factor.txt")?.read_all()?)?.parse()?;
///     fallow::log!("factor {factor}");
///     Ok((text.parse::<f64>()? * factor).to_string())
/// }
/// let mut host = fallow::testing::Host::new().shared("factor.txt", "2.5");
/// assert_eq!(host.run(scaled, "4").unwrap(), "10");
/// assert_eq!(host.log(), ["factor 2.5"]);
/// ```
#[derive(Debug, Default, Clone)]
pub struct Host(State);

impl Host {
    /// Without shared files or a checkpoint.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a shared file.
    pub fn shared(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.0.shared.insert(name.as_bytes().to_vec(), bytes.as_ref().to_vec());
        self
    }

    /// Starting from a checkpoint.
    pub fn checkpoint(mut self, state: impl AsRef<[u8]>) -> Self {
        self.0.restore = Some(state.as_ref().to_vec());
        self
    }

    /// With another random stream.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.random = seed;
        self
    }

    /// Call a `run` function on an encoded input. The error is the task's own message.
    pub fn run<I, O, E>(&mut self, task: impl FnOnce(I) -> Result<O, E>, input: impl IntoOutput) -> Result<O, String>
    where
        I: FromInput,
        O: IntoOutput,
        E: Display,
    {
        let input = I::from_input(encoded(input)?).map_err(text)?;
        backend::with_host(&mut self.0, || task(input)).map_err(text)
    }

    /// Call a `split` function: the units it emits, decoded as `U`.
    pub fn split<I, T, U, E>(
        &mut self,
        task: impl FnOnce(I, &mut Emitter<T>) -> Result<(), E>,
        input: impl IntoOutput,
    ) -> Result<Vec<U>, String>
    where
        I: FromInput,
        T: IntoOutput,
        U: FromInput,
        E: Display,
    {
        let input = encoded(input)?;
        backend::with_host(&mut self.0, || export::split(task, input)).map_err(utf8)?;
        std::mem::take(&mut self.0.units).into_iter().map(|unit| U::from_input(unit).map_err(text)).collect()
    }

    /// Call a `merge` function on encoded parts; `last` when it makes the job's result.
    pub fn merge<T, O, E, P>(
        &mut self,
        task: impl FnOnce(Parts<T>, bool) -> Result<O, E>,
        parts: Vec<Option<P>>,
        last: bool,
    ) -> Result<O, String>
    where
        T: FromInput,
        O: IntoOutput,
        E: Display,
        P: IntoOutput,
    {
        self.0.parts = parts.into_iter().map(|part| part.map(encoded).transpose()).collect::<Result<_, _>>()?;
        let (parts, failed) = Parts::new(self.0.parts.len() as u32);
        let output = backend::with_host(&mut self.0, || task(parts, last));
        match failed.take() {
            Some(error) => Err(text(error)),
            None => output.map_err(text),
        }
    }

    /// Lines that the task logged.
    pub fn log(&self) -> &[String] {
        &self.0.log
    }

    /// Progress that it reported: done, total.
    pub fn progress(&self) -> &[(u64, u64)] {
        &self.0.progress
    }

    /// Checkpoints that it kept, oldest first.
    pub fn checkpoints(&self) -> &[Vec<u8>] {
        &self.0.checkpoints
    }
}

/// [`Host::run`] on a host with nothing.
pub fn run<I, O, E>(task: impl FnOnce(I) -> Result<O, E>, input: impl IntoOutput) -> Result<O, String>
where
    I: FromInput,
    O: IntoOutput,
    E: Display,
{
    Host::new().run(task, input)
}

/// [`Host::split`] on a host with nothing.
pub fn split<I, T, U, E>(
    task: impl FnOnce(I, &mut Emitter<T>) -> Result<(), E>,
    input: impl IntoOutput,
) -> Result<Vec<U>, String>
where
    I: FromInput,
    T: IntoOutput,
    U: FromInput,
    E: Display,
{
    Host::new().split(task, input)
}

/// [`Host::merge`] on a host with nothing.
pub fn merge<T, O, E, P>(
    task: impl FnOnce(Parts<T>, bool) -> Result<O, E>,
    parts: Vec<Option<P>>,
    last: bool,
) -> Result<O, String>
where
    T: FromInput,
    O: IntoOutput,
    E: Display,
    P: IntoOutput,
{
    Host::new().merge(task, parts, last)
}

fn encoded(value: impl IntoOutput) -> Result<Vec<u8>, String> {
    value.into_output().map_err(text)
}

fn text(error: impl Display) -> String {
    error.to_string()
}

fn utf8(message: Vec<u8>) -> String {
    String::from_utf8_lossy(&message).into_owned()
}
