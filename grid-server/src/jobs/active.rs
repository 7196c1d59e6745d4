//! Jobs that have not ended, as the workers keep them in memory: bounded a job, nothing a unit.

/// All active jobs.
#[derive(Debug, Default)]
pub struct Active {}
