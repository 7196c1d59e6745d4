//! `fallow groups`: a lab or a club whose members' computers run each other's jobs.

use fallow_protocol::api::{GroupDetail, GroupInfo, GroupRole, Invitation};
use serde_json::json;

use crate::args::GroupsCommand;
use crate::client::Client;
use crate::failure::Failure;
use crate::parse::minute;
use crate::session::{Session, all};
use crate::terminal::escape::line;
use crate::words::{count, counted};

/// More groups than an account is in.
const GROUPS_MAX: usize = 1_000;

/// The whole command.
pub async fn groups(session: &Session, command: GroupsCommand) -> anyhow::Result<()> {
    let client = &session.client()?;
    match command {
        GroupsCommand::List => list(session, client).await,
        GroupsCommand::Create { group } => tell(session, &client.create_group(&group).await?),
        GroupsCommand::Show { group } => tell(session, &client.group(&group).await?),
        GroupsCommand::Invite { group, account } => tell(session, &client.invite(&group, &account).await?),
        GroupsCommand::Accept { group } => tell(session, &client.accept_invitation(&group).await?),
        GroupsCommand::Decline { group } => {
            client.decline_invitation(&group).await?;
            done(session, "declined", &group)
        }
        GroupsCommand::Leave { group } => {
            let me = client.me().await?;
            client.remove_member(&group, &me.id).await?;
            done(session, "left", &group)
        }
        GroupsCommand::Remove { group, account } => {
            let detail = client.group(&group).await?;
            let member = detail.members.iter().find(|member| member.name == account);
            let missing = || Failure::usage(format!("{account:?} is not in {group}"), "fallow groups show names all");
            client.remove_member(&group, &member.ok_or_else(missing)?.account).await?;
            done(session, "removed", &account)
        }
        GroupsCommand::Delete { group } => {
            client.delete_group(&group).await?;
            done(session, "ended", &group)
        }
    }
}

fn done(session: &Session, verb: &str, what: &str) -> anyhow::Result<()> {
    session.terminal.document(&json!({ verb: what }));
    session.terminal.talk(format!("  {verb} {}", line(what)));
    Ok(())
}

async fn list(session: &Session, client: &Client) -> anyhow::Result<()> {
    let page = |cursor: Option<String>, rows| async move { client.groups(cursor.as_deref(), rows).await };
    let groups = all(GROUPS_MAX, page).await?;
    let page = |cursor: Option<String>, rows| async move { client.invitations(cursor.as_deref(), rows).await };
    let invitations = all(GROUPS_MAX, page).await?;
    rows(&groups, &invitations).iter().for_each(|row| session.terminal.line(row));
    session.terminal.document(&json!({ "groups": groups, "invitations": invitations }));
    Ok(())
}

fn rows(groups: &[GroupInfo], invitations: &[Invitation]) -> Vec<String> {
    if groups.is_empty() && invitations.is_empty() {
        return vec!["  no groups yet; `fallow groups create NAME` makes one".into()];
    }
    let of = |group: &GroupInfo| {
        let (members, nodes) =
            (counted(group.members, "member", "members"), counted(group.nodes, "computer", "computers"));
        format!("  {:24}  {:6}  {members}, {nodes}", line(&group.name), role(group.role))
    };
    let asked = |invitation: &Invitation| {
        let (group, by) = (line(&invitation.group), line(&invitation.by));
        format!("  {group:24}  {by} asks you in: `fallow groups accept {group}`")
    };
    groups.iter().map(of).chain(invitations.iter().map(asked)).collect()
}

fn role(role: GroupRole) -> &'static str {
    match role {
        GroupRole::Owner => "owner",
        GroupRole::Member => "member",
    }
}

fn tell(session: &Session, group: &GroupDetail) -> anyhow::Result<()> {
    session.terminal.document(group);
    detail(group).iter().for_each(|row| session.terminal.line(row));
    Ok(())
}

fn detail(group: &GroupDetail) -> Vec<String> {
    let mut told = vec![format!("  {}: jobs with run_on = \"group:{0}\" run on these", line(&group.name))];
    for member in &group.members {
        let devices: Vec<_> = group.devices.iter().filter(|device| device.owner == member.name).collect();
        let online = devices.iter().filter(|device| device.state == "online").count() as u64;
        told.push(format!(
            "  {:24}  {:6}  {} of {} computers online, since {}",
            line(&member.name),
            role(member.role),
            count(online),
            count(devices.len() as u64),
            minute(member.since_ms)
        ));
    }
    told.extend(
        group.invitations.iter().map(|asked| format!("  {:24}  was asked {}", line(&asked.name), minute(asked.at_ms))),
    );
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_invitations_are_listed() {
        let group = GroupInfo { name: "lab".into(), role: GroupRole::Owner, members: 3, nodes: 1, created_at_ms: 0 };
        let asked = Invitation { group: "club".into(), by: "eve\u{1b}".into(), members: 2, at_ms: 0 };
        let wanted = [
            "  lab                       owner   3 members, 1 computer",
            "  club                      eve\\u{1b} asks you in: `fallow groups accept club`",
        ];
        assert_eq!(rows(&[group], &[asked]), wanted);
        assert!(rows(&[], &[])[0].contains("no groups yet"));
    }
}
