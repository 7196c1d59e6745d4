//! The audit log: what people and operators did, and from where. Texts are short, and hold no secrets, no passwords and
//! no addresses of people; names come from the accounts when it is read, so that a deleted one is forgotten here too.

use std::net::IpAddr;

use crate::app::{App, now_ms};
use crate::auth::{Caller, Visitor};
use crate::store::audit::{self, NewEvent};

/// Longest text of an event, characters.
const CHARS_MAX: usize = 300;

/// Who did it, and from where.
#[derive(Clone, Copy, Debug)]
pub struct By {
    /// Internal id of the account, where somebody was logged in.
    pub actor: Option<i64>,
    /// Where the request came from.
    pub address: IpAddr,
}

impl From<&Caller> for By {
    fn from(caller: &Caller) -> Self {
        Self { actor: Some(caller.account_id), address: caller.address }
    }
}

impl From<&Visitor> for By {
    fn from(visitor: &Visitor) -> Self {
        Self { actor: None, address: visitor.address }
    }
}

/// An event, for whoever writes it in a transaction of his own. `subject` is the account that it is about, `action` a
/// stable word as `session.created`, `object` an id or a name.
pub fn event(by: impl Into<By>, subject: Option<i64>, action: &str, object: &str, details: &str) -> NewEvent {
    let by = by.into();
    let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect::<String>();
    NewEvent {
        at_ms: now_ms(),
        actor: by.actor,
        subject,
        action: short(action),
        object: short(object),
        address: by.address.to_canonical().to_string(),
        details: short(details),
    }
}

/// Write an event, see [`event`]. A log that cannot be written stops nobody; the server's own log says so.
pub async fn note(app: &App, by: impl Into<By>, subject: Option<i64>, action: &str, object: &str, details: &str) {
    let event = event(by, subject, action, object, details);
    let work = app.store.write(move |db| {
        let event = event.clone();
        Box::pin(async move { audit::insert(db, &event).await })
    });
    if let Err(error) = work.await {
        tracing::error!(%error, action, "failed to write the audit log");
    }
}
