//! A task's end as a node would report it: short outputs inline, long ones as a blob.

use std::path::Path;

use fallow_protocol::limits::INLINE_BYTES_MAX;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Call, Output, UnitResult};
use fallow_sandbox::client::TaskEnd;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::AnchorUnit;
use super::error::{AnchorError, host};
use crate::app::{App, now_ms};
use crate::blobs::BUFFER_BYTES;
use crate::store::blobs;
use crate::workers::results::cut;

/// What was being done where the output cannot be kept.
const KEEP: &str = "keep the output";

/// The result. `emitted` is the file that a split wrote.
pub async fn result(app: &App, unit: &AnchorUnit, end: TaskEnd, emitted: &Path) -> Result<UnitResult, AnchorError> {
    let TaskEnd { outcome, floats, fuel, memory_bytes, wall_us, output, log, .. } = end;
    let output = match (&outcome, unit.call) {
        (Outcome::Done, Call::Split) => Some(of_file(app, emitted).await?),
        (Outcome::Done, _) if output.len() <= INLINE_BYTES_MAX => Some(Output::Inline(output)),
        (Outcome::Done, _) => Some(blob(app, output.as_slice()).await?),
        _ => None,
    };
    let (key, attempt, resumed_at_fuel) = (unit.key, unit.attempt, None);
    let mut result =
        UnitResult { key, attempt, outcome, floats, fuel, memory_bytes, wall_us, output, log, resumed_at_fuel };
    cut(&mut result, &unit.job.limits);
    Ok(result)
}

async fn of_file(app: &App, path: &Path) -> Result<Output, AnchorError> {
    let mut file = File::open(path).await.map_err(host(KEEP))?;
    if file.metadata().await.map_err(host(KEEP))?.len() > INLINE_BYTES_MAX as u64 {
        return blob(app, file).await;
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).await.map_err(host(KEEP))?;
    Ok(Output::Inline(bytes))
}

/// Make a blob, entered as a node's upload is: nobody's until a unit's row names it, and swept away if none does.
async fn blob(app: &App, mut from: impl AsyncRead + Unpin) -> Result<Output, AnchorError> {
    let mut writer = app.blobs.writer().await.map_err(host(KEEP))?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match from.read(&mut buffer).await.map_err(host(KEEP))? {
            0 => break,
            read => writer.write(&buffer[..read]).await.map_err(host(KEEP))?,
        }
    }
    // Nothing is swept away between the file's coming and its row's.
    let _open = app.blobs.gate().read().await;
    let (digest, len) = writer.finish().await.map_err(host(KEEP))?;
    app.store.write(move |db| Box::pin(async move { blobs::insert(db, &digest, len, now_ms()).await })).await?;
    Ok(Output::Blob { digest, len })
}
