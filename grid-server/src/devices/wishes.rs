//! What an owner chose on the portal, and how his device hears of it. His word at the computer wins; that is the
//! device's own affair, here both are only kept.

use std::sync::Arc;

use fallow_protocol::NodeId;
use fallow_protocol::api::Takes;
use fallow_protocol::link::{OwnerWish, OwnerWord, ToNode};
use grid_core::{AccountNo, matching};

use super::DeviceError;
use crate::app::{App, now_ms};
use crate::link::node::Node;
use crate::store::StoreError;
use crate::store::devices::{self as rows, Settings};
use crate::store::nodes::{self, NodeRow};

/// What a change asks for; said again where a write is repeated.
pub trait Change: Fn(&mut NodeRow, &mut Settings) + Send + Sync + Clone + 'static {}
impl<F: Fn(&mut NodeRow, &mut Settings) + Send + Sync + Clone + 'static> Change for F {}

/// Change what is chosen for an account's own device: keep it, and tell the device.
pub async fn change(app: &App, account: i64, id: &NodeId, change: impl Change) -> Result<NodeRow, DeviceError> {
    let _turn = app.recorder.turn.lock().await;
    let node = id.clone();
    let work = app.store.write(move |db| {
        let (node, change) = (node.clone(), change.clone());
        Box::pin(async move {
            let row = nodes::by_public_id(db, &node).await?;
            let Some(mut row) = row.filter(|row| row.account_id == account && row.revoked_at_ms.is_none()) else {
                return Ok(None);
            };
            let (name, mut settings) = (row.name.clone(), rows::chosen(db, row.id).await?.settings);
            change(&mut row, &mut settings);
            if row.name != name {
                nodes::rename(db, row.id, &row.name).await?;
            }
            rows::put_settings(db, row.id, &settings).await?;
            Ok(Some((row, settings)))
        })
    });
    let (row, settings) = work.await?.ok_or_else(|| DeviceError::NotFound(id.clone()))?;
    if let Some(node) = app.nodes.node(row.id) {
        tell(&node, &row.name, settings);
        app.wakes.dispatch.notify_one();
    }
    Ok(row)
}

/// Let a device that has just logged in hear what was chosen.
pub async fn greet(app: &App, node: &Node) -> Result<(), StoreError> {
    let _turn = app.recorder.turn.lock().await;
    let db = app.store.reader();
    let Some(row) = nodes::by_id(db, node.id).await? else { return Ok(()) };
    let chosen = rows::chosen(db, node.id).await?;
    node.lock().word = chosen.word;
    tell(node, &row.name, chosen.settings);
    Ok(())
}

fn tell(node: &Node, name: &str, settings: Settings) {
    let wish = OwnerWish {
        name: name.to_owned(),
        preferences: settings.preferences.clone().unwrap_or_default(),
        pause: settings.pause.filter(|pause| pause.until_ms.is_none_or(|until| until > now_ms())),
    };
    let hears = {
        let mut inner = node.lock();
        inner.takes = Arc::new(matching_takes(&settings));
        inner.settings = settings;
        inner.hears_owner
    };
    if hears {
        node.send(vec![ToNode::Owner(Box::new(wish))]);
    }
}

/// As the matcher sees it. Who shares a group with the owner is filled in when it asks.
fn matching_takes(settings: &Settings) -> matching::Takes {
    matching::Takes {
        who: settings.who,
        companions: Default::default(),
        not_authors: settings.not_authors.iter().map(|id| AccountNo(*id)).collect(),
        not_modules: settings.not_modules.iter().copied().collect(),
    }
}

/// A device told what was chosen at the computer, and which pause from the portal was ended there.
pub async fn note_word(app: &App, node: i64, word: OwnerWord) -> Result<(), StoreError> {
    let _turn = app.recorder.turn.lock().await;
    let kept = word.clone();
    let write = app.store.write(move |db| {
        let word = kept.clone();
        Box::pin(async move {
            rows::put_word(db, node, &word).await?;
            let mut settings = rows::chosen(db, node).await?.settings;
            let ended = word.resumed.is_some() && settings.pause.map(|pause| pause.since_ms) == word.resumed;
            if ended {
                settings.pause = None;
                rows::put_settings(db, node, &settings).await?;
            }
            Ok(ended.then_some(settings))
        })
    });
    if let (Some(settings), Some(node)) = (write.await?, app.nodes.node(node)) {
        node.lock().settings = settings;
    }
    Ok(())
}

/// Names of the portal as they are kept.
pub async fn takes(app: &App, takes: Takes) -> Result<impl Change + use<>, DeviceError> {
    let ids = rows::account_ids(app.store.reader(), &takes.not_authors).await?;
    if let Some(name) = takes.not_authors.iter().find(|name| !ids.contains_key(*name)) {
        return Err(DeviceError::NoAccount(name.clone()));
    }
    let mut not_authors: Vec<i64> = ids.into_values().collect();
    not_authors.sort_unstable();
    let Takes { who, mut not_modules, .. } = takes;
    not_modules.sort_unstable();
    not_modules.dedup();
    Ok(move |_: &mut NodeRow, settings: &mut Settings| {
        settings.who = who;
        settings.not_authors.clone_from(&not_authors);
        settings.not_modules.clone_from(&not_modules);
    })
}
