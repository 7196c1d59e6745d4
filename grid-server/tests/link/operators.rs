//! What operators stop, as nodes hear it; and whose nodes run a group's job.

use fallow_protocol::api::{AdminJob, AdminUser, Explanation, JobInfo, NodeInfo, Page};
use fallow_protocol::job::{JobSubmission, RunOn};
use fallow_protocol::link::{RefusedReason, ToNode, ToServer};
use fallow_protocol::{Digest, JobId};
use serde_json::json;

use crate::grid::{Grid, problem, read};
use crate::raw::{ALL, Identity, Raw, author, bytes, counting, job_info, submit};

async fn post(grid: &Grid, path: &str, body: serde_json::Value) {
    let answer = grid.post(&format!("/api/v1/{path}"), &grid.operator, &body).await;
    assert_eq!(answer.status(), 204, "{path}");
}

async fn reasons(grid: &Grid, token: &str, job: &JobId) -> Vec<String> {
    let path = format!("/api/v1/jobs/{job}/explain");
    let explained: Explanation = read(grid.get(&path, token).await, 200).await;
    explained.reasons.into_iter().map(|reason| format!("{}: {}", reason.code, reason.text)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_module_stops_on_its_nodes_and_goes_on_when_it_is_restored() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let identity = Identity::enrol(&grid, &token).await;
    let (mut node, _) = Raw::login(&grid, &identity, Vec::new()).await;
    let made = submit(&grid, &token, &counting(module, 3)).await;
    let lease = node.lease().await;
    post(&grid, &format!("admin/modules/{module}/suspend"), json!({"reason": "it mines coins"})).await;
    let told = node.wait_for(|message| match message {
        ToNode::Suspended { job, reason } => Some((job, reason)),
        _ => None,
    });
    assert_eq!(told.await, (made.id.clone(), "it mines coins".to_owned()));
    let mut info: JobInfo = job_info(&grid, &token, &made.id).await;
    while info.counts.running > 0 {
        info = job_info(&grid, &token, &made.id).await;
    }
    assert_eq!(info.waiting_for.as_deref(), Some("operator"), "{info:?}");
    assert!(info.notice.unwrap().contains("it mines coins"));
    assert!(reasons(&grid, &token, &made.id).await[0].contains("it mines coins"));
    let again = grid.post("/api/v1/jobs", &token, &counting(module, 1)).await;
    assert!(problem(again, 403, "module-suspended").await.detail.contains("it mines coins"));
    let listed: Page<AdminJob> = read(grid.get("/api/v1/admin/jobs", &grid.operator).await, 200).await;
    assert_eq!(listed.items[0].suspended.as_ref().map(|it| it.reason.as_str()), Some("it mines coins"));

    // What the node brings late counts for nothing, and nothing is given out.
    let ends = lease.units.iter().map(|unit| crate::raw::result(&lease, unit.key.seq, Ok(b"x".to_vec()))).collect();
    node.results(&lease.job, ends).await;
    let info = job_info(&grid, &token, &made.id).await;
    assert_eq!((info.counts.done, info.counts.running, info.counts.total()), (0, 0, 3), "{info:?}");

    post(&grid, &format!("admin/modules/{module}/restore"), json!({})).await;
    let said = node.wait_for(|message| match message {
        ToNode::Job(grant) => Some(grant.job),
        _ => None,
    });
    assert_eq!(said.await, made.id, "the job is said again");
    let end = node.work(&grid, &token, &made.id, |input| Ok(bytes(input))).await;
    assert_eq!((end.counts.done, end.waiting_for, end.notice), (3, None, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_node_is_cut_off_and_refused_with_the_reason() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let identity = Identity::enrol(&grid, &token).await;
    let (mut node, _) = Raw::login(&grid, &identity, Vec::new()).await;
    let made = submit(&grid, &token, &counting(module, 2)).await;
    let lease = node.lease().await;
    post(&grid, &format!("admin/nodes/{}/suspend", identity.id), json!({"reason": "overheats"})).await;
    let job = node.wait_for(|message| match message {
        ToNode::Cancel(cancel) => Some(cancel.job),
        _ => None,
    });
    assert_eq!(job.await, lease.job);
    let refused = node.refused().await;
    assert_eq!(refused.reason, RefusedReason::Suspended);
    assert!(refused.message.contains("overheats"), "{refused:?}");
    let mut again = Raw::connect(&grid, &identity).await;
    let login = again.answer(Vec::new()).await;
    again.send(&ToServer::Login(login)).await;
    assert!(again.refused().await.message.contains("overheats"));
    let nodes: Page<NodeInfo> = read(grid.get("/api/v1/nodes", &token).await, 200).await;
    assert_eq!((nodes.items[0].state.as_str(), nodes.items[0].reason.as_deref()), ("suspended", Some("overheats")));

    // Its units are another's now, without any trouble counted.
    let (mut other, _) = Raw::login(&grid, &Identity::enrol(&grid, &token).await, Vec::new()).await;
    let end = other.work(&grid, &token, &made.id, |input| Ok(bytes(input))).await;
    assert_eq!(end.counts.done, 2);
    post(&grid, &format!("admin/nodes/{}/restore", identity.id), json!({})).await;
    Raw::login(&grid, &identity, Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_users_jobs_wait_and_his_nodes_get_no_work() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let bob = grid.account("bob").await;
    let mine = Identity::enrol(&grid, &token).await;
    let (mut node, _) = Raw::login(&grid, &mine, Vec::new()).await;
    let users: Page<AdminUser> = read(grid.get("/api/v1/admin/users?query=ann", &grid.operator).await, 200).await;
    let user = format!("admin/users/{}", users.items[0].id);
    post(&grid, &format!("{user}/suspend"), json!({"reason": "unpaid bills"})).await;
    assert!(node.refused().await.message.contains("unpaid bills"));
    problem(grid.post("/api/v1/jobs", &token, &counting(module, 1)).await, 403, "suspended").await;
    post(&grid, &format!("{user}/restore"), json!({})).await;
    let made = submit(&grid, &token, &counting(module, 2)).await;
    post(&grid, &format!("{user}/suspend"), json!({"reason": "unpaid bills"})).await;
    let (mut other, _) = Raw::login(&grid, &Identity::enrol(&grid, &bob).await, Vec::new()).await;
    let listed: Page<AdminJob> = read(grid.get("/api/v1/admin/jobs", &grid.operator).await, 200).await;
    assert!(listed.items[0].suspended.as_ref().unwrap().reason.contains("unpaid bills"));
    assert_eq!(listed.items[0].done, 0);
    post(&grid, &format!("{user}/restore"), json!({})).await;
    let end = other.work(&grid, &token, &made.id, |input| Ok(bytes(input))).await;
    assert_eq!(end.counts.done, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_groups_job_runs_on_members_nodes_only() {
    let grid = Grid::start().await;
    let (token, module) = author(&grid, "ann", ALL).await;
    let (bob, eve) = (grid.account("bob").await, grid.account("eve").await);
    let lab = |module: Digest| JobSubmission { run_on: RunOn::Group("lab".into()), ..counting(module, 2) };
    let refused = problem(grid.post("/api/v1/jobs", &token, &lab(module)).await, 422, "invalid").await;
    assert!(refused.detail.contains("you are in no group \"lab\""), "{refused:?}");
    assert_eq!(grid.post("/api/v1/groups", &token, &json!({"name": "lab"})).await.status(), 201);
    let (mut stranger, _) = Raw::login(&grid, &Identity::enrol(&grid, &eve).await, Vec::new()).await;
    let (mut member, _) = Raw::login(&grid, &Identity::enrol(&grid, &bob).await, Vec::new()).await;
    let made = submit(&grid, &token, &lab(module)).await;
    let why = reasons(&grid, &token, &made.id).await;
    assert!(why.iter().any(|why| why == "group-nodes-only: 2 nodes are not of group \"lab\""), "{why:?}");
    let ask = json!({"account_name": "bob"});
    assert_eq!(grid.post("/api/v1/groups/lab/invitations", &token, &ask).await.status(), 201);
    assert_eq!(grid.post("/api/v1/invitations/lab/accept", &bob, &json!({})).await.status(), 200);
    let end = member.work(&grid, &token, &made.id, |input| Ok(bytes(input))).await;
    assert_eq!(end.counts.done, 2);
    // The stranger gets what is for anyone, and that is the first thing that it ever gets.
    let open = submit(&grid, &token, &JobSubmission { run_on: RunOn::Anyone, ..counting(module, 40) }).await;
    assert_eq!(stranger.lease().await.job, open.id);
}
