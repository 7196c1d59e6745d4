//! `fallow admin`: what operators see and do.

use fallow_protocol::api::{AdminJob, AdminModule, AdminNode, AdminUser, AuditEvent, HealthPart, Page, Suspended};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::args::{AdminCommand, SearchArgs, What};
use crate::client::Client;
use crate::parse::minute;
use crate::session::{Session, all};
use crate::terminal::escape::line;
use crate::words::{count, credits, fuel};

/// The whole command.
pub async fn admin(session: &Session, command: AdminCommand) -> anyhow::Result<()> {
    let client = &session.client()?;
    match command {
        AdminCommand::Users(args) => list(session, client, "users", &args, user).await,
        AdminCommand::Nodes(args) => list(session, client, "nodes", &args, node).await,
        AdminCommand::Jobs(args) => list(session, client, "jobs", &args, job).await,
        AdminCommand::Modules(args) => list(session, client, "modules", &args, module).await,
        AdminCommand::Suspend { what, id, reason } => {
            client.suspend(list_of(what), &id, &reason).await?;
            done(session, "suspended", &id)
        }
        AdminCommand::Restore { what, id } => {
            client.restore(list_of(what), &id).await?;
            done(session, "restored", &id)
        }
        AdminCommand::Audit { actor, action, limit } => {
            let (actor, action) = (actor.as_deref(), action.as_deref());
            let page = |cursor: Option<String>, rows| async move {
                client.audit(actor, action, cursor.as_deref(), rows).await
            };
            let items = all(limit as usize, page).await?;
            items.iter().for_each(|item| session.terminal.line(event(item)));
            session.terminal.document(&Page { items, next: None });
            Ok(())
        }
        AdminCommand::Health => {
            let health = client.admin_health().await?;
            health.parts.iter().for_each(|item| session.terminal.line(part(item)));
            session.terminal.document(&health);
            Ok(())
        }
    }
}

fn list_of(what: What) -> &'static str {
    match what {
        What::User => "users",
        What::Node => "nodes",
        What::Module => "modules",
    }
}

fn done(session: &Session, verb: &str, id: &str) -> anyhow::Result<()> {
    session.terminal.document(&json!({ verb: id }));
    session.terminal.talk(format!("  {verb} {}", line(id)));
    Ok(())
}

async fn list<T: Serialize + DeserializeOwned>(
    session: &Session,
    client: &Client,
    what: &'static str,
    args: &SearchArgs,
    row: fn(&T) -> String,
) -> anyhow::Result<()> {
    let query = args.query.as_deref();
    let page =
        |cursor: Option<String>, rows| async move { client.admin_list(what, query, cursor.as_deref(), rows).await };
    let items: Vec<T> = all(args.limit as usize, page).await?;
    items.iter().for_each(|item| session.terminal.line(row(item)));
    session.terminal.document(&Page { items, next: None });
    Ok(())
}

fn why(suspended: Option<&Suspended>) -> String {
    suspended.map(|suspended| format!("  suspended: {}", line(&suspended.reason))).unwrap_or_default()
}

fn user(user: &AdminUser) -> String {
    format!(
        "  {:16}  {:20}  {:8}  {} of {} fuel, {} credits, {} nodes, {} jobs{}",
        user.id.as_str(),
        line(&user.name),
        line(&user.role),
        fuel(user.fuel_used),
        fuel(user.fuel_quota),
        credits(user.available),
        count(user.nodes),
        count(user.jobs),
        why(user.suspended.as_ref()),
    )
}

fn node(node: &AdminNode) -> String {
    format!(
        "  {:17}  {:16}  {:16}  {:8}  {} held, {} done{}",
        node.id.as_str(),
        line(&node.name),
        line(&node.owner.name),
        line(&node.state),
        count(node.units_held),
        count(node.units_done),
        why(node.suspended.as_ref()),
    )
}

fn job(job: &AdminJob) -> String {
    format!(
        "  {:16}  {:20}  {:16}  {} of {} units done, {} failed{}",
        job.id.as_str(),
        line(&job.name),
        line(&job.owner.name),
        count(job.done),
        count(job.units),
        count(job.failed),
        why(job.suspended.as_ref()),
    )
}

fn module(module: &AdminModule) -> String {
    let (owner, jobs) = (line(&module.owner.name), count(module.jobs));
    format!("  {}  {owner:16}  {jobs} jobs{}", module.module, why(module.suspended.as_ref()))
}

fn event(event: &AuditEvent) -> String {
    format!(
        "  {}  {:16}  {:20}  {}  {}",
        minute(event.at_ms),
        line(event.actor.as_deref().unwrap_or("nobody")),
        line(&event.action),
        line(&event.object),
        line(&event.details),
    )
}

fn part(part: &HealthPart) -> String {
    format!("  {:10}  {:4}  {}", line(&part.name), if part.ok { "ok" } else { "FAIL" }, line(&part.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_harmless() {
        let told = event(&AuditEvent {
            at_ms: 1_795_270_200_000,
            actor: Some("op".into()),
            action: "module.suspended".into(),
            object: "\u{1b}[2J".into(),
            address: String::new(),
            details: "it mines".into(),
        });
        assert_eq!(told, "  2026-11-21 14:10  op                module.suspended      \\u{1b}[2J  it mines");
        let bad = HealthPart { name: "disk".into(), ok: false, text: "0.5 of 9.0 GiB are free".into(), since_ms: 0 };
        assert_eq!(part(&bad), "  disk        FAIL  0.5 of 9.0 GiB are free");
    }
}
