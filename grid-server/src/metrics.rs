//! Stub until the API's branch is merged: counters.
#[derive(Debug, Default)]
pub struct Metrics {}
