//! Groups: making, asking, joining, leaving; and who is in which, in memory, as the matcher asks it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use fallow_protocol::AccountId;
use fallow_protocol::api::{GroupDetail, GroupDevice};
use fallow_protocol::digest::FieldHasher;
use fallow_protocol::job::RunOn;
use fallow_protocol::link::NodeState;
use grid_core::AccountNo;
use grid_core::name::check_group_name;

use crate::app::{App, now_ms};
use crate::store::groups::{self as rows, Device, Group, role_in};
use crate::store::{StoreError, accounts};

/// Groups that an account is in at most, its own ones and others.
pub const GROUPS_MAX: u64 = 50;
/// Accounts in a group.
pub const MEMBERS_MAX: u64 = 1_000;
/// Accounts that were asked into a group and have not answered.
pub const INVITATIONS_MAX: u64 = 100;
/// Devices that are told of a group.
const DEVICES_MAX: u64 = 1_000;

/// Why something about a group is not done.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// There is none of that name, or the account is not in it: which of both is not told.
    #[error("you are in no group {0:?}")]
    NotFound(String),
    /// The account was not asked.
    #[error("you have no invitation into a group {0:?}")]
    NotInvited(String),
    /// A name that no group may have.
    #[error(transparent)]
    Name(#[from] grid_core::name::NameError),
    /// Somebody has that name.
    #[error("there is a group {0:?} already")]
    NameTaken(String),
    /// There is no such account.
    #[error("there is no account {0:?}")]
    NoAccount(String),
    /// It is in it.
    #[error("{0:?} is in the group already")]
    IsMember(String),
    /// Only the owner may.
    #[error("only the owner of {0:?} may do this")]
    NotOwner(String),
    /// The owner cannot leave.
    #[error("the owner of {0:?} cannot leave it, only end it")]
    Owner(String),
    /// A limit.
    #[error("{0}")]
    Full(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who is in which group: by name, the accounts in it.
#[derive(Debug, Default)]
pub struct Groups {
    members: Mutex<HashMap<String, Arc<BTreeSet<AccountNo>>>>,
    // Whoever read last keeps what he read: reads come one after the other.
    reading: tokio::sync::Mutex<()>,
}

impl Groups {
    /// Accounts that may run a job: empty where it is not for a group, or there is none of that name.
    pub fn members(&self, run_on: &RunOn) -> Arc<BTreeSet<AccountNo>> {
        let RunOn::Group(name) = run_on else { return Arc::default() };
        self.lock().get(name).cloned().unwrap_or_default()
    }

    /// Accounts that are in a group with this one, itself not among them.
    pub fn companions(&self, account: i64) -> BTreeSet<AccountNo> {
        let account = AccountNo(account);
        let of = self.lock().values().filter(|members| members.contains(&account)).cloned().collect::<Vec<_>>();
        of.iter().flat_map(|members| members.iter().copied()).filter(|other| *other != account).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<BTreeSet<AccountNo>>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Read who is in which group: at the start, and after each change.
pub async fn load(app: &App) -> Result<(), StoreError> {
    let _one = app.groups.reading.lock().await;
    let mut sets: HashMap<String, BTreeSet<AccountNo>> = HashMap::new();
    for (name, account) in rows::memberships(app.store.reader()).await? {
        sets.entry(name).or_default().insert(AccountNo(account));
    }
    *app.groups.lock() = sets.into_iter().map(|(name, members)| (name, Arc::new(members))).collect();
    app.wakes.dispatch.notify_one();
    Ok(())
}

/// A group that the account is in.
pub async fn of_member(app: &App, account: i64, name: &str) -> Result<Group, GroupError> {
    let found = rows::of_member(app.store.reader(), name, account).await?;
    found.ok_or_else(|| GroupError::NotFound(name.to_owned()))
}

async fn of_owner(app: &App, account: i64, name: &str) -> Result<Group, GroupError> {
    let group = of_member(app, account, name).await?;
    if group.owner == account { Ok(group) } else { Err(GroupError::NotOwner(group.name)) }
}

/// A group with all that a member may know of it.
pub async fn detail(app: &App, account: i64, name: &str) -> Result<GroupDetail, GroupError> {
    let group = of_member(app, account, name).await?;
    let db = app.store.reader();
    let members = rows::members(db, &group).await?;
    let invitations = if group.owner == account { rows::invited(db, group.id).await? } else { Vec::new() };
    let devices = rows::devices(db, group.id, DEVICES_MAX).await?;
    Ok(GroupDetail {
        role: role_in(&group, account),
        created_at_ms: group.created_at_ms,
        members,
        invitations,
        devices: devices.into_iter().map(|device| shown(app, account, &group.name, device)).collect(),
        name: group.name,
    })
}

/// Others' computers have a name that tells them apart within the group, and nothing more.
fn shown(app: &App, account: i64, group: &str, device: Device) -> GroupDevice {
    let presence = app.nodes.presence(device.id);
    let state = match presence.as_ref().map(|presence| &presence.state) {
        None => "offline",
        Some(NodeState::Active) => "online",
        Some(NodeState::Draining) => "draining",
        Some(NodeState::Paused { .. }) => "paused",
    };
    let own = device.account == account;
    let pseudonym = || {
        let hash = FieldHasher::new("fallow group pseudonym v1").bytes(group.as_bytes());
        format!("device-{}", &hash.bytes(device.public_id.as_str().as_bytes()).finish().short()[..8])
    };
    GroupDevice {
        name: if own { device.name } else { pseudonym() },
        id: own.then_some(device.public_id),
        owner: device.owner,
        state: state.into(),
        slots: presence.map_or(0, |presence| presence.slots),
    }
}

enum Made {
    Done,
    Taken,
    TooMany,
}

/// Make a group; the account owns it.
pub async fn create(app: &App, account: i64, name: &str) -> Result<GroupDetail, GroupError> {
    check_group_name(name)?;
    let owned = name.to_owned();
    let work = app.store.write(move |db| {
        let name = owned.clone();
        Box::pin(async move {
            if rows::count_of_account(db, account).await? >= GROUPS_MAX {
                return Ok(Made::TooMany);
            }
            Ok(match rows::insert(db, &name, account, now_ms()).await? {
                Some(_) => Made::Done,
                None => Made::Taken,
            })
        })
    });
    match work.await? {
        Made::Done => {}
        Made::Taken => return Err(GroupError::NameTaken(name.to_owned())),
        Made::TooMany => return Err(too_many_groups()),
    }
    load(app).await?;
    detail(app, account, name).await
}

fn too_many_groups() -> GroupError {
    GroupError::Full(format!("an account is in {GROUPS_MAX} groups at most; leave one first"))
}

/// Ask an account into a group. Only its owner may. A repeat changes nothing.
pub async fn invite(app: &App, account: i64, name: &str, whom: &str) -> Result<AccountId, GroupError> {
    let group = of_owner(app, account, name).await?;
    let missing = || GroupError::NoAccount(whom.to_owned());
    let guest = accounts::by_name(app.store.reader(), whom).await?.ok_or_else(missing)?;
    let (group_id, guest_id) = (group.id, guest.id);
    let work = app.store.write(move |db| {
        Box::pin(async move {
            let (members, invited) = rows::count_of_group(db, group_id).await?;
            if members + invited >= MEMBERS_MAX || invited >= INVITATIONS_MAX {
                return Ok(None);
            }
            // In the transaction, so that nobody is both asked and in it.
            let is_in = rows::is_in(db, group_id, guest_id).await?;
            if !is_in {
                rows::invite(db, group_id, guest_id, now_ms()).await?;
            }
            Ok(Some(is_in))
        })
    });
    match work.await? {
        None => Err(GroupError::Full(format!(
            "a group has {MEMBERS_MAX} members and {INVITATIONS_MAX} open invitations at most"
        ))),
        Some(true) => Err(GroupError::IsMember(whom.to_owned())),
        Some(false) => Ok(guest.public_id),
    }
}

/// Take back an invitation.
pub async fn uninvite(app: &App, account: i64, name: &str, whom: &AccountId) -> Result<(), GroupError> {
    let group = of_owner(app, account, name).await?.id;
    let missing = || GroupError::NoAccount(whom.to_string());
    let guest = accounts::by_public_id(app.store.reader(), whom).await?.ok_or_else(missing)?.id;
    let gone = app.store.write(move |db| Box::pin(async move { rows::uninvite(db, group, guest).await })).await?;
    if gone { Ok(()) } else { Err(missing()) }
}

enum Answer {
    Done,
    NotInvited,
    TooMany,
}

/// Answer an invitation.
pub async fn answer(app: &App, account: i64, name: &str, accept: bool) -> Result<(), GroupError> {
    let owned = name.to_owned();
    let work = app.store.write(move |db| {
        let name = owned.clone();
        Box::pin(async move {
            let Some(group) = rows::by_name(db, &name).await? else { return Ok(Answer::NotInvited) };
            if accept && rows::count_of_account(db, account).await? >= GROUPS_MAX {
                return Ok(Answer::TooMany);
            }
            if !rows::uninvite(db, group.id, account).await? {
                return Ok(Answer::NotInvited);
            }
            if accept {
                rows::add(db, group.id, account, now_ms()).await?;
            }
            Ok(Answer::Done)
        })
    });
    match work.await? {
        Answer::Done => Ok(load(app).await?),
        Answer::NotInvited => Err(GroupError::NotInvited(name.to_owned())),
        Answer::TooMany => Err(too_many_groups()),
    }
}

/// A member leaves, or its owner removes somebody.
pub async fn remove(app: &App, account: i64, name: &str, whom: &AccountId) -> Result<(), GroupError> {
    let group = of_member(app, account, name).await?;
    let missing = || GroupError::NoAccount(whom.to_string());
    let member = accounts::by_public_id(app.store.reader(), whom).await?.ok_or_else(missing)?.id;
    if member != account && group.owner != account {
        return Err(GroupError::NotOwner(group.name));
    }
    if member == group.owner {
        return Err(GroupError::Owner(group.name));
    }
    let group = group.id;
    if !app.store.write(move |db| Box::pin(async move { rows::remove(db, group, member).await })).await? {
        return Err(missing());
    }
    Ok(load(app).await?)
}

/// End a group. Jobs that were for it run on their authors' own nodes only from then on.
pub async fn delete(app: &App, account: i64, name: &str) -> Result<(), GroupError> {
    let group = of_owner(app, account, name).await?.id;
    app.store.write(move |db| Box::pin(async move { rows::delete(db, group).await })).await?;
    Ok(load(app).await?)
}
