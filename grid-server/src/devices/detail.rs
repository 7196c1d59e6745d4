//! A device as its owner sees it now.

use std::collections::BTreeMap;

use fallow_protocol::api::{Doing, MachineInfo, NodeDetail, NodeInfo, NodePreferences, PauseInfo, Takes};
use fallow_protocol::link::{Machine, NodeState};
use fallow_protocol::preferences::Preferences;
use grid_core::presence::day_start;

use super::history;
use crate::api::standing;
use crate::app::{App, now_ms};
use crate::link::Presence;
use crate::store::devices::{self as rows, Settings};
use crate::store::nodes::NodeRow;
use crate::store::{StoreError, earnings};

/// Rows of a list as they are shown. Days begin at midnight, UTC.
pub async fn infos(app: &App, nodes: Vec<NodeRow>) -> Result<Vec<NodeInfo>, StoreError> {
    let ids: Vec<i64> = nodes.iter().map(|row| row.id).collect();
    let db = app.store.reader();
    let today = earnings::since(db, &ids, day_start(now_ms(), 0)).await?;
    let pending = earnings::pending(db, &ids).await?;
    let of = |sums: &std::collections::HashMap<i64, u64>, id| sums.get(&id).copied().unwrap_or(0);
    Ok(nodes.into_iter().map(|row| info(app, of(&today, row.id), of(&pending, row.id), row)).collect())
}

fn info(app: &App, earned_today: u64, pending: u64, row: NodeRow) -> NodeInfo {
    let record = app.trust.record(row.id);
    let presence = app.nodes.presence(row.id);
    let (state, reason) = match app.suspensions.node(row.id, row.account_id) {
        Some(why) => ("suspended", Some(why)),
        None => state(presence.as_ref()),
    };
    NodeInfo {
        standing: standing::of_node(app, row.id, row.account_id),
        id: row.public_id,
        name: row.name,
        state: state.into(),
        reason,
        working: presence.as_ref().is_some_and(is_working),
        earned_today,
        pending,
        slots: presence.as_ref().map_or(0, |presence| presence.slots),
        units_held: presence.as_ref().map_or(0, |presence| presence.units_held),
        units_done: row.units_done,
        fuel: row.fuel,
        seen_at_ms: if presence.is_some() { now_ms() } else { row.seen_at_ms },
        machine: machine_line(presence.as_ref().map_or(&row.machine, |presence| &presence.machine)),
        checks_passed: record.passed_total,
        results_wrong: record.wrong_total,
    }
}

fn state(presence: Option<&Presence>) -> (&'static str, Option<String>) {
    match presence.map(|presence| &presence.state) {
        None => ("offline", None),
        Some(NodeState::Active) => ("online", None),
        Some(NodeState::Draining) => ("draining", Some("it finishes what it has begun".into())),
        Some(NodeState::Paused { reason }) => ("paused", Some(reason.clone())),
    }
}

fn is_working(presence: &Presence) -> bool {
    presence.units_held > 0 && !matches!(presence.state, NodeState::Paused { .. })
}

/// Processor, memory and system in one line; empty before the first login.
pub(crate) fn machine_line(machine: &Machine) -> String {
    if machine.cores == 0 {
        return String::new();
    }
    let gib = machine.memory_bytes as f64 / (1u64 << 30) as f64;
    format!("{} × {}, {gib:.1} GiB, {} ({})", machine.cores, machine.cpu, machine.os, machine.arch)
}

/// All that an owner may know of a device.
pub async fn detail(app: &App, row: NodeRow, utc_offset_min: i32) -> Result<NodeDetail, StoreError> {
    let chosen = rows::chosen(app.store.reader(), row.id).await?;
    let totals = history::totals(app, &row, utc_offset_min).await?;
    let machine = app.nodes.presence(row.id).map_or_else(|| row.machine.clone(), |presence| presence.machine);
    let word = app.nodes.node(row.id).map_or(chosen.word, |node| node.lock().word.clone());
    let remote = chosen.settings.preferences.clone();
    Ok(NodeDetail {
        machine: machine_info(machine),
        doing: doing(app, &row),
        preferences: NodePreferences {
            effective: Preferences::effective(&word.preferences, &remote.clone().unwrap_or_default()),
            local: word.preferences,
            remote,
        },
        takes: takes(app, &chosen.settings).await?,
        pause: pause(&chosen.settings, now_ms()),
        joined_at_ms: row.joined_at_ms,
        earnings: totals,
        info: info(app, totals.today, totals.pending, row),
    })
}

fn pause(settings: &Settings, now_ms: u64) -> Option<PauseInfo> {
    let pause = settings.pause.filter(|pause| pause.until_ms.is_none_or(|until| until > now_ms))?;
    Some(PauseInfo { since_ms: pause.since_ms, until_ms: pause.until_ms, finish: pause.finish })
}

fn machine_info(machine: Machine) -> MachineInfo {
    let Machine { os, arch, cpu, cores, memory_bytes, disk_bytes, version, .. } = machine;
    MachineInfo { os, arch, cpu, cores, memory_bytes, disk_bytes, version }
}

fn doing(app: &App, row: &NodeRow) -> Vec<Doing> {
    let Some(node) = app.nodes.node(row.id) else { return Vec::new() };
    let mut units: BTreeMap<i64, u64> = BTreeMap::new();
    for held in node.lock().leases.iter() {
        *units.entry(held.row.job).or_default() += held.left;
    }
    let shown = |(job, units): (i64, u64)| {
        let job = app.active.get(job)?;
        let own = job.account == row.account_id;
        Some(Doing { job_name: job.submission.name.clone(), module: job.submission.module, own, units })
    };
    units.into_iter().filter(|(_, units)| *units > 0).filter_map(shown).collect()
}

async fn takes(app: &App, settings: &Settings) -> Result<Takes, StoreError> {
    Ok(Takes {
        who: settings.who,
        not_authors: rows::account_names(app.store.reader(), &settings.not_authors).await?,
        not_modules: settings.not_modules.clone(),
    })
}
