//! `fallow nodes` and `fallow join-token`: the account's computers.

use fallow_protocol::NodeId;
use fallow_protocol::api::{NodeInfo, NodeStanding, Page};
use serde_json::json;

use crate::parse::minute;
use crate::session::{Session, all};
use crate::terminal::escape::line;
use crate::terminal::paint::Paint;
use crate::words::{ago, count, fuel, now_ms};

/// More nodes than one account has.
const NODES_MAX: usize = 10_000;

/// List own nodes, or remove one.
pub async fn nodes(session: &Session, remove: Option<NodeId>) -> anyhow::Result<()> {
    let client = &session.client()?;
    let terminal = &session.terminal;
    if let Some(node) = remove {
        client.remove_node(&node).await?;
        terminal.document(&json!({ "removed": node }));
        terminal.talk(format!("  removed {node}; it may come back only by joining anew"));
        return Ok(());
    }
    let page = |cursor: Option<String>, rows| async move { client.nodes(cursor.as_deref(), rows).await };
    let items = all(NODES_MAX, page).await?;
    table(&items, now_ms(), terminal.paint).iter().for_each(|row| terminal.line(row));
    terminal.document(&Page { items, next: None });
    Ok(())
}

/// A token for one computer.
pub async fn join_token(session: &Session, minutes: Option<u32>) -> anyhow::Result<()> {
    let client = session.client()?;
    let token = client.create_join_token(minutes).await?;
    let terminal = &session.terminal;
    terminal.document(&token);
    if terminal.quiet {
        terminal.line(line(&token.token));
        return Ok(());
    }
    let minutes = token.expires_at_ms.saturating_sub(now_ms()).div_ceil(60_000);
    terminal.line(format!("fallow-node join {} --token {}", client.url(), line(&token.token)));
    terminal.remark(format!("  call this on the computer that lends; it works once, for {minutes} min"));
    Ok(())
}

fn table(nodes: &[NodeInfo], now_ms: u64, paint: Paint) -> Vec<String> {
    if nodes.is_empty() {
        return vec!["  no nodes yet; `fallow join-token` makes a token by which a computer joins".into()];
    }
    let head = format!(
        "  {:17}  {:16}  {:8}  {:>9}  {:>9}  {:>6}  {:10}  {}{}",
        "node",
        "name",
        "state",
        "holds",
        "done",
        "fuel",
        "seen",
        standing_column(nodes, "standing"),
        "machine"
    );
    let row = |node: &NodeInfo| {
        let name: String = line(&node.name).chars().take(16).collect();
        let holds = format!("{}/{}", count(node.units_held), node.slots);
        let why = node.reason.as_deref().map(|reason| format!(" ({})", line(reason))).unwrap_or_default();
        format!(
            "  {:17}  {name:16}  {}  {holds:>9}  {:>9}  {:>6}  {:10}  {}{}{why}",
            node.id.as_str(),
            state(&node.state, paint),
            count(node.units_done),
            fuel(node.fuel),
            ago(node.seen_at_ms, now_ms),
            standing_column(nodes, &standing(node)),
            line(&node.machine),
        )
    };
    std::iter::once(paint.dim(&head)).chain(nodes.iter().map(row)).collect()
}

/// What is told in the column of standings, which is there where any node has one.
fn standing_column(nodes: &[NodeInfo], told: &str) -> String {
    match nodes.iter().filter(|node| node.standing.is_some()).map(|node| standing(node).chars().count()).max() {
        Some(width) => format!("{told:width$}  ", width = width.max("standing".len())),
        None => String::new(),
    }
}

/// What a node's results are worth to others, with the checks that it passed.
fn standing(node: &NodeInfo) -> String {
    let checks = |word: &str| match (node.checks_passed, node.results_wrong) {
        (passed, 0) => format!("{word}, {} checks passed", count(passed)),
        (passed, wrong) => format!("{word}, {} checks passed, {} results wrong", count(passed), count(wrong)),
    };
    match &node.standing {
        None => String::new(),
        Some(NodeStanding::Anchor) => checks("anchor"),
        Some(NodeStanding::Trusted) => checks("trusted"),
        Some(NodeStanding::Probation { passes, needed }) => format!("probation, {passes} of {needed} checks passed"),
        Some(NodeStanding::Quarantined { until_ms }) => format!("quarantined until {}", minute(*until_ms)),
        Some(NodeStanding::Banned { why }) => format!("banned: {}", line(why)),
    }
}

/// The state in eight columns.
fn state(state: &str, paint: Paint) -> String {
    let wide = format!("{:8}", line(state));
    match state {
        "online" => paint.good(&wide),
        "offline" => paint.dim(&wide),
        _ => paint.warn(&wide),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_nodes() {
        let node = NodeInfo {
            id: "node-7f3b00000000".parse().unwrap(),
            name: "heron-3".into(),
            state: "paused".into(),
            reason: Some("by its owner".into()),
            working: false,
            earned_today: 0,
            pending: 0,
            slots: 6,
            units_held: 4,
            units_done: 4_120,
            fuel: 1_900_000_000,
            seen_at_ms: 0,
            machine: "8 × Zen 3, 16 GiB, Linux".into(),
            standing: None,
            checks_passed: 412,
            results_wrong: 0,
        };
        let wanted = [
            "  node               name              state         holds       done    fuel  seen        machine",
            "  node-7f3b00000000  heron-3           paused          4/6      4,120   1.9 G  5 min ago   8 × Zen 3, 16 GiB, Linux (by its owner)",
        ];
        assert_eq!(table(std::slice::from_ref(&node), 300_000, Paint::off()), wanted);
        let with = |standing| NodeInfo { standing: Some(standing), ..node.clone() };
        let nodes = [with(NodeStanding::Trusted), with(NodeStanding::Probation { passes: 3, needed: 20 })];
        let wanted = [
            "seen        standing                          machine",
            "5 min ago   trusted, 412 checks passed        8 × Zen 3, 16 GiB, Linux (by its owner)",
            "5 min ago   probation, 3 of 20 checks passed  8 × Zen 3, 16 GiB, Linux (by its owner)",
        ];
        for (row, wanted) in table(&nodes, 300_000, Paint::off()).iter().zip(wanted) {
            assert!(row.ends_with(wanted), "{row}");
        }
        assert_eq!(standing(&with(NodeStanding::Quarantined { until_ms: 0 })), "quarantined until 1970-01-01 00:00");
        let banned = with(NodeStanding::Banned { why: "wrong results\u{1b}".into() });
        assert_eq!(standing(&banned), "banned: wrong results\\u{1b}");
    }
}
