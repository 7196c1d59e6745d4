//! Groups, their members, and who was asked into them.

use fallow_protocol::api::{GroupInfo, GroupInvitation, GroupMember, GroupRole, Invitation};
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::sql::{self, signed};

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Id within the database.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Internal id of its owner's account.
    pub owner: i64,
    /// When it was made.
    pub created_at_ms: u64,
}

/// A node of a member.
#[derive(Clone, Debug)]
pub struct Device {
    /// Id within the database.
    pub id: i64,
    /// Public id.
    pub public_id: fallow_protocol::NodeId,
    /// Its name.
    pub name: String,
    /// Internal id of its owner's account.
    pub account: i64,
    /// That account's name.
    pub owner: String,
}

/// Make a group with its owner in it; its internal id, or none where the name is taken.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    name: &str,
    owner: i64,
    now_ms: u64,
) -> Result<Option<i64>, StoreError> {
    let text = "INSERT INTO account_groups (name, owner, created_at_ms) VALUES ($1, $2, $3) \
                ON CONFLICT (name) DO NOTHING RETURNING id";
    let row = sql::one(connection, text, vec![name.into(), owner.into(), signed(now_ms).into()]).await?;
    let Some(row) = row else { return Ok(None) };
    let id: i64 = sql::get(&row, "id")?;
    add(connection, id, owner, now_ms).await?;
    Ok(Some(id))
}

/// Take an account in. False where it was in it already.
pub async fn add<C: ConnectionTrait>(
    connection: &C,
    group: i64,
    account: i64,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let text = "INSERT INTO group_members (group_id, account_id, since_ms) VALUES ($1, $2, $3) \
                ON CONFLICT (group_id, account_id) DO NOTHING";
    Ok(sql::execute(connection, text, vec![group.into(), account.into(), signed(now_ms).into()]).await? == 1)
}

/// Let an account out. False where it was not in it.
pub async fn remove<C: ConnectionTrait>(connection: &C, group: i64, account: i64) -> Result<bool, StoreError> {
    let text = "DELETE FROM group_members WHERE group_id = $1 AND account_id = $2";
    Ok(sql::execute(connection, text, vec![group.into(), account.into()]).await? == 1)
}

/// End a group.
pub async fn delete<C: ConnectionTrait>(connection: &C, group: i64) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM group_invitations WHERE group_id = $1",
        "DELETE FROM group_members WHERE group_id = $1",
        "DELETE FROM account_groups WHERE id = $1",
    ] {
        sql::execute(connection, text, vec![group.into()]).await?;
    }
    Ok(())
}

/// An account leaves all its groups, and those that it owns end: before it is forgotten.
pub async fn leave_all<C: ConnectionTrait>(connection: &C, account: i64) -> Result<(), StoreError> {
    let owned = "SELECT id FROM account_groups WHERE owner = $1";
    for row in sql::all(connection, owned, vec![account.into()]).await? {
        delete(connection, sql::get(&row, "id")?).await?;
    }
    for text in
        ["DELETE FROM group_invitations WHERE account_id = $1", "DELETE FROM group_members WHERE account_id = $1"]
    {
        sql::execute(connection, text, vec![account.into()]).await?;
    }
    Ok(())
}

/// A group by its name.
pub async fn by_name<C: ConnectionTrait>(connection: &C, name: &str) -> Result<Option<Group>, StoreError> {
    let text = "SELECT id, name, owner, created_at_ms FROM account_groups WHERE name = $1";
    sql::one(connection, text, vec![name.into()]).await?.as_ref().map(read_group).transpose()
}

fn read_group(row: &QueryResult) -> Result<Group, StoreError> {
    Ok(Group {
        id: sql::get(row, "id")?,
        name: sql::get(row, "name")?,
        owner: sql::get(row, "owner")?,
        created_at_ms: sql::unsigned(row, "created_at_ms")?,
    })
}

/// A group by its name, where the account is in it.
pub async fn of_member<C: ConnectionTrait>(
    connection: &C,
    name: &str,
    account: i64,
) -> Result<Option<Group>, StoreError> {
    let text = "SELECT g.id, g.name, g.owner, g.created_at_ms FROM account_groups g \
                JOIN group_members m ON m.group_id = g.id WHERE g.name = $1 AND m.account_id = $2";
    sql::one(connection, text, vec![name.into(), account.into()]).await?.as_ref().map(read_group).transpose()
}

/// Whether an account is in a group.
pub async fn is_in<C: ConnectionTrait>(connection: &C, group: i64, account: i64) -> Result<bool, StoreError> {
    let text = "SELECT 1 AS one FROM group_members WHERE group_id = $1 AND account_id = $2";
    Ok(sql::one(connection, text, vec![group.into(), account.into()]).await?.is_some())
}

/// Whether two accounts are in a group together.
pub async fn share_group<C: ConnectionTrait>(connection: &C, one: i64, other: i64) -> Result<bool, StoreError> {
    let text = "SELECT 1 AS one FROM group_members a JOIN group_members b ON b.group_id = a.group_id \
                WHERE a.account_id = $1 AND b.account_id = $2 LIMIT 1";
    Ok(sql::one(connection, text, vec![one.into(), other.into()]).await?.is_some())
}

/// Everybody in every group: name, account. Bounded by what accounts may make and join.
pub async fn memberships<C: ConnectionTrait>(connection: &C) -> Result<Vec<(String, i64)>, StoreError> {
    let text = "SELECT g.name, m.account_id FROM group_members m JOIN account_groups g ON g.id = m.group_id";
    let rows = sql::all(connection, text, Vec::new()).await?;
    rows.iter().map(|row| Ok((sql::get(row, "name")?, sql::get(row, "account_id")?))).collect()
}

/// How many accounts are in a group or asked into it.
pub async fn count_of_group<C: ConnectionTrait>(connection: &C, group: i64) -> Result<(u64, u64), StoreError> {
    let text = "SELECT (SELECT COUNT(*) FROM group_members WHERE group_id = $1) AS members, \
                (SELECT COUNT(*) FROM group_invitations WHERE group_id = $1) AS invited";
    let row = sql::one(connection, text, vec![group.into()]).await?.ok_or(StoreError::Corrupt("a count"))?;
    Ok((sql::unsigned(&row, "members")?, sql::unsigned(&row, "invited")?))
}

/// How many groups an account is in.
pub async fn count_of_account<C: ConnectionTrait>(connection: &C, account: i64) -> Result<u64, StoreError> {
    let text = "SELECT COUNT(*) AS groups_in FROM group_members WHERE account_id = $1";
    let row = sql::one(connection, text, vec![account.into()]).await?.ok_or(StoreError::Corrupt("a count"))?;
    sql::unsigned(&row, "groups_in")
}

/// Ask an account into a group. False where it was asked already.
pub async fn invite<C: ConnectionTrait>(
    connection: &C,
    group: i64,
    account: i64,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let text = "INSERT INTO group_invitations (group_id, account_id, made_at_ms) VALUES ($1, $2, $3) \
                ON CONFLICT (group_id, account_id) DO NOTHING";
    Ok(sql::execute(connection, text, vec![group.into(), account.into(), signed(now_ms).into()]).await? == 1)
}

/// Take an invitation away. False where there is none.
pub async fn uninvite<C: ConnectionTrait>(connection: &C, group: i64, account: i64) -> Result<bool, StoreError> {
    let text = "DELETE FROM group_invitations WHERE group_id = $1 AND account_id = $2";
    Ok(sql::execute(connection, text, vec![group.into(), account.into()]).await? == 1)
}

/// Up to `limit` groups of an account after the internal id `after`, with these ids.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    account: i64,
    after: i64,
    limit: u64,
) -> Result<Vec<(i64, GroupInfo)>, StoreError> {
    let text = "SELECT g.id, g.name, g.owner, g.created_at_ms, \
                (SELECT COUNT(*) FROM group_members o WHERE o.group_id = g.id) AS members, \
                (SELECT COUNT(*) FROM group_members o JOIN nodes n ON n.account_id = o.account_id \
                    WHERE o.group_id = g.id AND n.revoked_at_ms IS NULL) AS nodes \
                FROM group_members m JOIN account_groups g ON g.id = m.group_id \
                WHERE m.account_id = $1 AND m.group_id > $2 ORDER BY m.group_id LIMIT $3";
    let rows = sql::all(connection, text, vec![account.into(), after.into(), signed(limit).into()]).await?;
    let read = |row: &QueryResult| {
        let group = read_group(row)?;
        let info = GroupInfo {
            role: role_in(&group, account),
            name: group.name,
            members: sql::unsigned(row, "members")?,
            nodes: sql::unsigned(row, "nodes")?,
            created_at_ms: group.created_at_ms,
        };
        Ok((group.id, info))
    };
    rows.iter().map(read).collect()
}

/// What an account is in a group that it is in.
pub fn role_in(group: &Group, account: i64) -> GroupRole {
    if group.owner == account { GroupRole::Owner } else { GroupRole::Member }
}

/// Who is in a group, the longest first.
pub async fn members<C: ConnectionTrait>(connection: &C, group: &Group) -> Result<Vec<GroupMember>, StoreError> {
    let text = "SELECT m.account_id, a.public_id, a.name, m.since_ms FROM group_members m \
                JOIN accounts a ON a.id = m.account_id WHERE m.group_id = $1 ORDER BY m.since_ms, m.account_id";
    let read = |row: &QueryResult| {
        Ok(GroupMember {
            account: sql::parsed(row, "public_id")?,
            name: sql::get(row, "name")?,
            role: role_in(group, sql::get(row, "account_id")?),
            since_ms: sql::unsigned(row, "since_ms")?,
        })
    };
    sql::all(connection, text, vec![group.id.into()]).await?.iter().map(read).collect()
}

/// Who was asked into a group, and has not answered.
pub async fn invited<C: ConnectionTrait>(connection: &C, group: i64) -> Result<Vec<GroupInvitation>, StoreError> {
    let text = "SELECT a.public_id, a.name, i.made_at_ms FROM group_invitations i \
                JOIN accounts a ON a.id = i.account_id WHERE i.group_id = $1 ORDER BY i.made_at_ms, a.id";
    let read = |row: &QueryResult| {
        Ok(GroupInvitation {
            account: sql::parsed(row, "public_id")?,
            name: sql::get(row, "name")?,
            at_ms: sql::unsigned(row, "made_at_ms")?,
        })
    };
    sql::all(connection, text, vec![group.into()]).await?.iter().map(read).collect()
}

/// Groups that an account was asked into, up to `limit` after the internal id `after`, with these ids.
pub async fn invitations<C: ConnectionTrait>(
    connection: &C,
    account: i64,
    after: i64,
    limit: u64,
) -> Result<Vec<(i64, Invitation)>, StoreError> {
    let text = "SELECT g.id, g.name, a.name AS by_name, i.made_at_ms, \
                (SELECT COUNT(*) FROM group_members o WHERE o.group_id = g.id) AS members \
                FROM group_invitations i JOIN account_groups g ON g.id = i.group_id \
                JOIN accounts a ON a.id = g.owner \
                WHERE i.account_id = $1 AND i.group_id > $2 ORDER BY i.group_id LIMIT $3";
    let read = |row: &QueryResult| {
        let invitation = Invitation {
            group: sql::get(row, "name")?,
            by: sql::get(row, "by_name")?,
            members: sql::unsigned(row, "members")?,
            at_ms: sql::unsigned(row, "made_at_ms")?,
        };
        Ok((sql::get(row, "id")?, invitation))
    };
    let values = vec![account.into(), after.into(), signed(limit).into()];
    sql::all(connection, text, values).await?.iter().map(read).collect()
}

/// Nodes of a group's members, at most `limit`.
pub async fn devices<C: ConnectionTrait>(connection: &C, group: i64, limit: u64) -> Result<Vec<Device>, StoreError> {
    let text = "SELECT n.id, n.public_id, n.name, n.account_id, a.name AS owner FROM group_members m \
                JOIN nodes n ON n.account_id = m.account_id JOIN accounts a ON a.id = m.account_id \
                WHERE m.group_id = $1 AND n.revoked_at_ms IS NULL ORDER BY n.id LIMIT $2";
    let read = |row: &QueryResult| {
        Ok(Device {
            id: sql::get(row, "id")?,
            public_id: sql::parsed(row, "public_id")?,
            name: sql::get(row, "name")?,
            account: sql::get(row, "account_id")?,
            owner: sql::get(row, "owner")?,
        })
    };
    sql::all(connection, text, vec![group.into(), signed(limit).into()]).await?.iter().map(read).collect()
}
