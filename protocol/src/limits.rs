//! Every size and count that bounds what crosses a boundary, each with its reason.

/// An input or output up to this many bytes travels in the message and lies in the database's row.
pub const INLINE_BYTES_MAX: usize = 1024;
/// One WebSocket message. Larger things are blobs; a lease of a thousand inline inputs still fits.
pub const FRAME_BYTES_MAX: usize = 2 * 1024 * 1024;
/// What a sender aims at when it fills a frame, so that no frame comes near the limit.
pub const FRAME_BYTES_AIM: usize = 256 * 1024;
/// Units in one lease: bounds the frame and what is lost with a node.
pub const LEASE_UNITS_MAX: usize = 1_000;
/// Results in one frame: as for leases.
pub const RESULTS_PER_FRAME_MAX: usize = 1_000;
/// Leases that one node may hold at a time.
pub const LEASES_PER_NODE_MAX: usize = 64;
/// JSON bodies of the API.
pub const API_BODY_BYTES_MAX: usize = 1024 * 1024;
/// A block of a blob: small enough to check while it streams, large enough that 8 GiB need 32,768 digests (1 MiB).
pub const BLOCK_BYTES: usize = 256 * 1024;
/// Default largest blob.
pub const BLOB_BYTES_MAX: u64 = 8 << 30;
/// Default largest component; operators raise it for large language runtimes.
pub const COMPONENT_BYTES_MAX: u64 = 64 << 20;
/// Largest number of units of one job.
pub const JOB_UNITS_MAX: u64 = 10_000_000;
/// Input files of one job.
pub const JOB_FILES_MAX: usize = 10_000;
/// Blobs that one unit names at most: a guest's own split gets all input files of its job at once.
pub const UNIT_BLOBS_MAX: usize = JOB_FILES_MAX;
/// Shared files of one job.
pub const JOB_SHARED_MAX: usize = 64;
/// Command-line arguments of one job, and bytes of all of them.
pub const JOB_ARGS_MAX: usize = 256;
/// Bytes of all arguments of a job together.
pub const JOB_ARGS_BYTES_MAX: usize = 16 * 1024;
/// Names that people choose (jobs, nodes, accounts, files), in bytes.
pub const NAME_BYTES_MAX: usize = 255;
/// Guest's log kept of a unit: the tail is what explains a failure.
pub const LOG_BYTES_KEPT: usize = 16 * 1024;
/// Guest's own error message kept.
pub const MESSAGE_BYTES_KEPT: usize = 4 * 1024;
/// Parts that one merge unit joins at most; more make a tree.
pub const MERGE_FAN_IN: u64 = 256;
/// Memory of one unit: WebAssembly's 32-bit memories end here.
pub const MEMORY_BYTES_MAX: u64 = 4 << 30;
/// Node link protocol spoken by this version.
pub const LINK_VERSION: u32 = 1;
/// Oldest node link protocol still understood.
pub const LINK_VERSION_MIN: u32 = 1;
