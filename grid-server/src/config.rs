//! Stub until the API's branch is merged: settings.
#[derive(Clone, Debug, Default)]
pub struct Config {}
