//! Why a job waits, with counts and with what would change it. The reasons are the matcher's own refusals.

use fallow_protocol::api::Reason;
use fallow_protocol::limits::LEASES_PER_NODE_MAX;

use super::desk::Desk;
use super::eligible::{Refusal, eligible, job_refusal};
use super::fair::{Fair, Fit};
use super::view::{JobView, NodeView, Snapshot, Suspension};
use crate::trust::{CheckLimit, limits, partner};

/// The reasons why units of `job` wait, most important first. Never empty.
pub fn explain(snapshot: &Snapshot, job: &JobView) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = quota(job).or_else(|| quota_out(snapshot, job)).into_iter().collect();
    let (able, refused) = sort_nodes(snapshot, job);
    let held_back = !reasons.is_empty();
    reasons.extend(nodes(snapshot, job, &able, held_back));
    reasons.extend(checks(snapshot, job, &able));
    reasons.extend(refusals(job, &refused));
    reasons
}

fn reason(code: &str, count: u64, text: String, help: Option<String>) -> Reason {
    Reason { code: code.to_owned(), count, text, help }
}

/// `1 node`, `12 nodes`.
fn some(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn waiting(job: &JobView) -> u64 {
    job.ready + job.picky.len() as u64
}

fn quota(job: &JobView) -> Option<Reason> {
    let code = job_refusal(job)?;
    if let Some(suspension) = &job.suspended {
        return Some(suspended(job, code, suspension));
    }
    if code == "budget-exhausted" {
        let text = format!("the job's budget is used up, and {} for more", waits(waiting(job)));
        return Some(reason(code, waiting(job), text, Some("`fallow topup JOB CREDITS` lets it go on".into())));
    }
    let text = format!("the fuel quota of your account is used up, and {} for it", waits(waiting(job)));
    Some(reason(code, waiting(job), text, Some("ask the grid's operator for a larger quota".into())))
}

fn suspended(job: &JobView, code: &str, suspension: &Suspension) -> Reason {
    let (what, why) = match suspension {
        Suspension::Author(why) => ("the author's account", why),
        Suspension::Module(why) => ("the module", why),
    };
    let text = format!("the grid's operator suspended {what}, and {}: {why}", waits(waiting(job)));
    reason(code, waiting(job), text, Some("ask the grid's operator".into()))
}

/// All that is left of the quota is spoken for by units that nodes hold.
fn quota_out(snapshot: &Snapshot, job: &JobView) -> Option<Reason> {
    let index = snapshot.jobs.iter().position(|other| other.id == job.id)?;
    if waiting(job) == 0 || Fair::new(snapshot).budget(index) > 0 {
        return None;
    }
    let text = format!(
        "what is left of the quota or budget may be used by units that are on nodes now; {} for these to end",
        waits(waiting(job))
    );
    let help =
        "lower `limits.fuel`, or give it more: `fallow topup`, or a larger quota from the grid's operator".to_owned();
    Some(reason("quota-on-lease", waiting(job), text, Some(help)))
}

fn waits(units: u64) -> String {
    format!("{} {}", some(units, "unit"), if units == 1 { "waits" } else { "wait" })
}

type Refused<'a> = Vec<(&'a NodeView, Refusal)>;

fn sort_nodes<'a>(snapshot: &'a Snapshot, job: &JobView) -> (Vec<&'a NodeView>, Refused<'a>) {
    let (mut able, mut refused) = (Vec::new(), Vec::new());
    for node in &snapshot.nodes {
        match eligible(node, job) {
            Ok(()) => able.push(node),
            Err(refusal) => refused.push((node, refusal)),
        }
    }
    (able, refused)
}

/// What the nodes that may run the job do.
fn nodes(snapshot: &Snapshot, job: &JobView, able: &[&NodeView], held_back: bool) -> Option<Reason> {
    if snapshot.nodes.is_empty() {
        let help = "start one: `fallow-node join URL --token T`".to_owned();
        return Some(reason("no-node-online", 0, "no node is online".into(), Some(help)));
    }
    if able.is_empty() {
        let text = format!("none of the {} online may run it now", some(snapshot.nodes.len() as u64, "node"));
        return Some(reason("no-eligible-node", 0, text, None));
    }
    if waiting(job) == 0 {
        return Some(reason(
            "nothing-waits",
            0,
            "no unit waits: all that exist are on nodes or have ended".into(),
            None,
        ));
    }
    let free = able.iter().filter(|node| has_room(node, job)).count() as u64;
    if held_back {
        return None;
    }
    if free == 0 {
        return Some(full(job, able));
    }
    let text = format!("{} may run it and will be given units now", some(free, "node"));
    Some(reason("about-to-run", free, text, None))
}

fn has_room(node: &NodeView, job: &JobView) -> bool {
    matches!(Desk::new(node, |_| job.unit_us).turn(job, u64::MAX, 1), Fit::Units(_))
}

fn full(job: &JobView, able: &[&NodeView]) -> Reason {
    let here = able.iter().filter(|node| node.work_of(job.id).is_some_and(|work| work.units > 0)).count() as u64;
    let count = able.len() as u64;
    let whose = match here {
        0 => "all with other jobs".to_owned(),
        _ if here == count => "all with this job".to_owned(),
        _ => format!("{here} of them with this job"),
    };
    let busiest = able.iter().filter(|node| node.leases as usize >= LEASES_PER_NODE_MAX).count();
    let text =
        format!("{} may run it and {} full, {whose}", some(count, "node"), if count == 1 { "is" } else { "are" });
    let help = (busiest > 0).then(|| format!("{busiest} of them hold {LEASES_PER_NODE_MAX} leases: larger units help"));
    reason("slots-full", count, text, help)
}

/// Units that wait for a check, and what limits it.
fn checks(snapshot: &Snapshot, job: &JobView, able: &[&NodeView]) -> Option<Reason> {
    let units: Vec<_> = job.picky.iter().filter(|unit| unit.is_check()).collect();
    let first = units.first()?;
    let count = units.len() as u64;
    let best = able
        .iter()
        .filter_map(|node| partner(&snapshot.policy, &first.claims, &node.candidate(), first.is_disputed()).ok());
    let limits = limits(best.min());
    let server = if snapshot.anchor { "; the server makes the check itself" } else { "" };
    let Some(limit) = limits.first() else {
        let text = format!("{} to be checked by another node before what came out stands", some(count, "unit"));
        return Some(reason("checking", count, text, None));
    };
    let (code, help) = match limit {
        CheckLimit::NoOtherNode => ("no-second-node", "bring another node online"),
        CheckLimit::NoSecondOwner => ("no-second-owner", "a node of another owner would check better"),
        CheckLimit::NoTrustedNode => ("no-trusted-node", "the operator can mark a node as an anchor"),
        CheckLimit::NoSecondNetwork => ("no-second-network", "a node elsewhere would check better"),
    };
    let words: Vec<_> = limits.iter().map(|limit| limit.label()).collect();
    let text = format!("{} to be checked: {}{server}", some(count, "unit"), words.join(", "));
    Some(reason(code, count, text, Some(help.to_owned())))
}

/// Refusals of one kind together, the most frequent first.
fn refusals(job: &JobView, refused: &Refused<'_>) -> Vec<Reason> {
    let mut groups: Vec<(&'static str, Vec<&(&NodeView, Refusal)>)> = Vec::new();
    for entry in refused {
        let code = code(&entry.1);
        match groups.iter_mut().find(|(known, _)| *known == code) {
            Some((_, members)) => members.push(entry),
            None => groups.push((code, vec![entry])),
        }
    }
    groups.sort_by_key(|(code, members)| (std::cmp::Reverse(members.len()), *code));
    groups.iter().map(|(code, members)| describe(job, code, members)).collect()
}

fn code(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::OwnOnly => "own-nodes-only",
        Refusal::GroupOnly(_) => "group-nodes-only",
        Refusal::NotInGroup(_) => "not-in-group",
        Refusal::NoStrangers => "takes-no-strangers",
        Refusal::GroupsOnly => "takes-groups-only",
        Refusal::NotAuthor => "author-not-taken",
        Refusal::NotModule => "module-not-taken",
        Refusal::Memory { .. } => "memory-too-small",
        Refusal::Profile => "other-profile",
        Refusal::Untrusted(_) => "untrusted",
        Refusal::AtDoor => "new-nodes-wait",
        Refusal::Declined => "declined",
        Refusal::Draining => "draining",
        Refusal::Paused(_) => "paused",
    }
}

fn describe(job: &JobView, code: &str, members: &[&(&NodeView, Refusal)]) -> Reason {
    let count = members.len() as u64;
    let nodes = some(count, "node");
    let (is, has, takes) = if count == 1 { ("is", "has", "takes") } else { ("are", "have", "take") };
    let (text, help) = match &members[0].1 {
        Refusal::OwnOnly => (
            format!("{nodes} {is} not yours, and the job runs only on your own"),
            Some("bring a computer of yours online, or submit with `--run-on anyone`".to_owned()),
        ),
        Refusal::GroupOnly(name) => (
            format!("{nodes} {is} not of group {name:?}"),
            Some("bring a member's computer online, or submit with `--run-on anyone`".to_owned()),
        ),
        Refusal::NotInGroup(name) => (
            format!("{nodes} {is} not yours, and you are not in group {name:?} (any more)"),
            Some("submit with `--run-on own` or `--run-on anyone`".to_owned()),
        ),
        Refusal::NoStrangers => (format!("{nodes} {takes} no strangers' work"), None),
        Refusal::GroupsOnly => (format!("{nodes} {takes} only work of {} owner's groups", its(count)), None),
        Refusal::NotAuthor => (format!("{nodes} {takes} no work of yours: so {} owner chose", its(count)), None),
        Refusal::NotModule => (format!("{nodes} {takes} no work of this module: so {} owner chose", its(count)), None),
        Refusal::Memory { .. } => (
            format!("{nodes} {has} less than the {} MB that a unit asks for", job.limits.memory_bytes >> 20),
            smaller_limit(members),
        ),
        Refusal::Profile => (
            format!("{nodes} {} another semantics profile than the module's", if count == 1 { "runs" } else { "run" }),
            Some("nodes and modules of one version fit; build and submit again after an upgrade".to_owned()),
        ),
        Refusal::Untrusted(why) => (format!("{nodes} {why}, and {has} no strangers' work until then"), None),
        Refusal::AtDoor => {
            let waits = if count == 1 { "waits" } else { "wait" };
            (format!("{nodes} {is} new and {waits} until other new ones have been checked"), None)
        }
        Refusal::Declined => (format!("{nodes} declined it lately"), None),
        Refusal::Draining => (format!("{nodes} {is} finishing what they hold and {takes} nothing new"), None),
        Refusal::Paused(_) => (format!("{nodes} {is} paused{}", why_paused(members)), None),
    };
    reason(code, count, text, help)
}

fn its(count: u64) -> &'static str {
    if count == 1 { "its" } else { "their" }
}

/// The commonest words with which nodes say that they are paused.
fn why_paused(members: &[&(&NodeView, Refusal)]) -> String {
    let mut counts = std::collections::BTreeMap::new();
    for (_, refusal) in members {
        if let Refusal::Paused(why) = refusal {
            *counts.entry(why.as_str()).or_insert(0u64) += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().filter(|(why, _)| !why.is_empty()).collect();
    counts.sort_by_key(|(why, count)| (std::cmp::Reverse(*count), *why));
    let parts: Vec<_> = counts.iter().take(3).map(|(why, count)| format!("{count} {why}")).collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

/// A limit that would admit at least four fifths of the nodes, rounded down to a number that people write.
fn smaller_limit(members: &[&(&NodeView, Refusal)]) -> Option<String> {
    let has = |refusal: &Refusal| match refusal {
        Refusal::Memory { has } => Some(has >> 20),
        _ => None,
    };
    let mut sizes: Vec<u64> = members.iter().filter_map(|(_, refusal)| has(refusal)).collect();
    sizes.sort_unstable();
    let fifth = *sizes.get(sizes.len() / 5)?;
    let limit = if fifth >= 200 { fifth / 100 * 100 } else { fifth / 10 * 10 };
    let admitted = sizes.iter().filter(|size| **size >= limit).count();
    (limit > 0).then(|| format!("`limits.memory_mb = {limit}` would admit {admitted} of them"))
}
