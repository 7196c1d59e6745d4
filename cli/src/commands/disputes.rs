//! `fallow disputes`: units of which nodes said different things, for operators.

use fallow_protocol::api::{Dispute, Page};

use crate::parse::minute;
use crate::session::{Session, all};
use crate::terminal::escape::line;
use crate::terminal::paint::Paint;

/// Letters of the evidence for people; `--json` has all of it.
const EVIDENCE_SHOWN: usize = 200;

/// The whole command.
pub async fn disputes(session: &Session, limit: u32) -> anyhow::Result<()> {
    let client = &session.client()?;
    let page = |cursor: Option<String>, rows| async move { client.disputes(cursor.as_deref(), rows).await };
    let items = all(limit as usize, page).await?;
    table(&items, session.terminal.paint).iter().for_each(|row| session.terminal.line(row));
    session.terminal.document(&Page { items, next: None });
    Ok(())
}

fn table(disputes: &[Dispute], paint: Paint) -> Vec<String> {
    if disputes.is_empty() {
        return vec!["  no disputes: whatever was checked was said by all alike".into()];
    }
    let head = format!("  {:>6}  {:16}  {:16}  {:>12}  {}", "number", "when (UTC)", "job", "unit", "evidence");
    let row = |dispute: &Dispute| {
        let evidence: String = line(&dispute.evidence.to_string()).chars().take(EVIDENCE_SHOWN).collect();
        let unit = format!("{}/{}", dispute.stage, dispute.seq);
        let job = dispute.job.as_ref().map_or("removed", |job| job.as_str());
        format!("  {:>6}  {}  {job:16}  {unit:>12}  {evidence}", dispute.id, minute(dispute.at_ms))
    };
    std::iter::once(paint.dim(&head)).chain(disputes.iter().map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_disputes() {
        let dispute = Dispute {
            id: 3,
            job: Some("job-7f3b00000000".parse().unwrap()),
            stage: 1,
            seq: 42,
            at_ms: 1_795_270_200_000,
            evidence: serde_json::json!({ "wrong": ["node-\u{1b}"] }),
        };
        let wanted = [
            "  number  when (UTC)        job                       unit  evidence",
            "       3  2026-11-21 14:10  job-7f3b00000000          1/42  {\"wrong\":[\"node-\\u001b\"]}",
        ];
        assert_eq!(table(&[dispute], Paint::off()), wanted);
        assert!(table(&[], Paint::off())[0].contains("no disputes"));
    }
}
