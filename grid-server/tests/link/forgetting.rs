//! What is forgotten with an old job: its inputs, but none that somebody still names.

use fallow_protocol::Digest;
use fallow_protocol::api::{JobInfo, UploadState};
use fallow_protocol::job::{FileRef, JobSubmission, Split};
use grid_server::app::now_ms;
use grid_server::store::accounts;
use grid_server::workers::tidy::tidy;
use reqwest::Method;

use crate::grid::{Grid, problem, read};
use crate::raw::{ALL, author, counting, submit};

const DAY_MS: u64 = 24 * 3_600_000;

async fn put(grid: &Grid, token: &str, bytes: &[u8]) -> FileRef {
    let blob = Digest::of(bytes);
    let path = format!("/api/v1/blobs/{blob}?offset=0&len={}", bytes.len());
    let _: UploadState =
        read(grid.ask(Method::PATCH, &path, token).body(bytes.to_vec()).send().await.unwrap(), 200).await;
    FileRef { name: format!("{}.txt", blob.short()), blob }
}

async fn is_readable(grid: &Grid, token: &str, file: &FileRef) -> bool {
    grid.get(&format!("/api/v1/blobs/{}", file.blob), token).await.status() == 200
}

async fn owned_bytes(grid: &Grid, name: &str) -> u64 {
    accounts::by_name(grid.running.app.store.reader(), name).await.unwrap().unwrap().blob_bytes
}

async fn cancelled(grid: &Grid, token: &str, job: &JobSubmission) {
    let job = submit(grid, token, job).await;
    let path = format!("/api/v1/jobs/{}/cancel", job.id);
    let ended: JobInfo = read(grid.ask(Method::POST, &path, token).send().await.unwrap(), 200).await;
    assert!(ended.phase.is_final(), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inputs_go_with_the_last_job_that_names_them() {
    let grid = Grid::start().await;
    let app = &grid.running.app;
    let (token, module) = author(&grid, "ann", ALL).await;
    let (other, other_module) = author(&grid, "bob", ALL).await;
    // A module's component of that very content: see `author`.
    let component = put(&grid, &token, b"ann").await;
    let [only, both, shared, theirs, unused] = [&b"only"[..], b"both", b"shared", b"theirs", b"unused"];
    let only = put(&grid, &token, only).await;
    let both = put(&grid, &token, both).await;
    let shared = put(&grid, &token, shared).await;
    let unused = put(&grid, &token, unused).await;
    let mine = put(&grid, &token, theirs).await;
    let theirs = put(&grid, &other, theirs).await;
    let job = |module, inputs: &[&FileRef], shared: &[&FileRef]| JobSubmission {
        split: Split::File,
        inputs: inputs.iter().map(|file| (*file).clone()).collect(),
        shared: shared.iter().map(|file| (*file).clone()).collect(),
        ..counting(module, 1)
    };
    let old = job(module, &[&only, &both, &mine, &component], &[&shared]);
    cancelled(&grid, &token, &old).await;
    let before = owned_bytes(&grid, "ann").await;
    submit(&grid, &token, &job(module, &[&both], &[])).await;
    submit(&grid, &other, &job(other_module, &[&theirs], &[])).await;

    tidy(app, now_ms() + 29 * DAY_MS).await.unwrap();
    assert!(is_readable(&grid, &token, &only).await, "jobs are kept for 30 days");
    tidy(app, now_ms() + 31 * DAY_MS).await.unwrap();
    for (file, kept) in
        [(&only, false), (&mine, false), (&shared, false), (&both, true), (&unused, true), (&component, true)]
    {
        assert_eq!(is_readable(&grid, &token, file).await, kept, "{}", file.name);
    }
    assert!(is_readable(&grid, &other, &theirs).await, "it is another account's, too");
    let after = owned_bytes(&grid, "ann").await;
    assert_eq!(before - after, (b"only".len() + b"theirs".len() + b"shared".len()) as u64);

    // The same turn has swept the files away that nobody owns.
    for (file, kept) in [(&only, false), (&shared, false), (&both, true), (&theirs, true)] {
        assert_eq!(app.blobs.contains(&file.blob).await.unwrap(), kept, "{}", file.name);
    }
    let refused = problem(grid.post("/api/v1/jobs", &token, &old).await, 422, "invalid").await;
    assert!(refused.detail.contains("not among the account's uploads"), "{refused:?}");
    put(&grid, &token, b"only").await;
    assert!(is_readable(&grid, &token, &only).await, "and it can come again");
}
