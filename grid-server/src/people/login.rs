//! Logging in: by password and second factor, or by the operator's one-time link.
//!
//! Whether an account is there cannot be told from the answer or its time: an unknown one costs a hash as well.

use std::sync::Arc;
use std::time::Instant;

use axum::http::{HeaderValue, StatusCode};
use fallow_protocol::api::NewSession;
use fallow_protocol::ids::random_letters;

use super::second_factor;
use crate::api::{ApiError, ApiState};
use crate::app::{App, now_ms};
use crate::audit;
use crate::auth::{self, Visitor, cookie, hash, random_secret};
use crate::store::people::{self, Person};
use crate::store::sessions::{self, NewRow};
use crate::store::{Store, StoreError, links, registrations};

/// Tries from one address at one account that need no wait.
const TRIES_FREE: u32 = 5;
/// Tries from all addresses at one account that need no wait.
const TRIES_FREE_ALL: u32 = 100;
/// Sessions of one account.
const SESSIONS_MAX: u64 = 100;
/// Longest name or address that is looked for.
const LOGIN_BYTES_MAX: usize = 255;
/// Life of the operator's one-time link, milliseconds.
pub const WELCOME_MS: u64 = 86_400_000;

/// Check everything, and say whose session begins.
pub async fn log_in(state: &ApiState, visitor: &Visitor, new: NewSession) -> Result<Person, ApiError> {
    let app = &state.app;
    state.rates.login(visitor.address)?;
    if new.login.len() > LOGIN_BYTES_MAX || new.login.contains('\0') {
        return Err(wrong());
    }
    let email_key = new.login.trim().to_ascii_lowercase();
    let network = crate::api::rate::network(visitor.address);
    let here = app.people.begin_try(&format!("login {email_key} {network}"), TRIES_FREE)?;
    let all = app.people.begin_try(&format!("login {email_key}"), TRIES_FREE_ALL)?;
    let person = find(app, &email_key, new.login.trim()).await?;
    let waiting = match &person {
        Some(_) => None,
        None => registrations::waiting(app.store.reader(), &email_key, new.login.trim(), now_ms()).await?,
    };
    let kept = person.as_ref().and_then(|person| person.password.clone());
    let kept = kept.or(waiting.map(|waiting| waiting.password));
    let right = app.people.passwords.verify(new.password, kept).await?;
    let person = match (right, person) {
        (true, Some(person)) => person,
        (true, None) => return Err(not_confirmed()),
        (false, person) => {
            if let Some(person) = person {
                note_refusal(app, visitor, person.account.id);
            }
            return Err(wrong());
        }
    };
    if let Err(error) = second_factor::check(app, &person, new.code.as_deref()).await {
        if new.code.is_none() {
            // The page asks for the code now; that was no guess.
            app.people.throttle.take_back(&here, TRIES_FREE, Instant::now());
            app.people.throttle.take_back(&all, TRIES_FREE_ALL, Instant::now());
        } else {
            audit::note(app, visitor, Some(person.account.id), "session.refused", "second factor", "").await;
        }
        return Err(error);
    }
    if let Some(reason) = &person.account.suspended {
        return Err(auth::suspended(reason));
    }
    app.people.throttle.clear(&here);
    app.people.throttle.clear(&all);
    Ok(person)
}

async fn find(app: &App, email_key: &str, name: &str) -> Result<Option<Person>, ApiError> {
    match people::by_email(app.store.reader(), email_key).await? {
        Some(person) => Ok(Some(person)),
        None => Ok(people::by_name(app.store.reader(), name).await?),
    }
}

/// Nobody waits for it, so that the time does not tell whether there is such an account.
fn note_refusal(app: &Arc<App>, visitor: &Visitor, account: i64) {
    let (app, visitor) = (app.clone(), visitor.clone());
    tokio::spawn(async move { audit::note(&app, &visitor, Some(account), "session.refused", "password", "").await });
}

fn wrong() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "wrong-credentials", "the name or the password is wrong")
        .help("a forgotten password can be chosen anew with the account's e-mail address")
}

fn not_confirmed() -> ApiError {
    let detail = "this account is not confirmed: follow the link in the mail that was sent";
    ApiError::new(StatusCode::UNAUTHORIZED, "not-confirmed", detail)
        .help("register again with the same address to get another mail")
}

/// Begin a session; its `Set-Cookie`.
pub async fn open_session(app: &App, account_id: i64, visitor: &Visitor) -> Result<HeaderValue, ApiError> {
    let (secret, now, life) = (random_secret(), now_ms(), app.config.accounts.session_ms());
    let row = NewRow {
        account_id,
        public_id: format!("ses-{}", random_letters(12)),
        hash: hash(&secret),
        address: visitor.address.to_canonical().to_string(),
        agent: visitor.agent.clone(),
        expires_at_ms: now.saturating_add(life),
        now_ms: now,
    };
    let public_id = row.public_id.clone();
    let work = app.store.write(move |db| {
        let row = row.clone();
        Box::pin(async move { sessions::insert(db, &row, SESSIONS_MAX).await })
    });
    work.await?;
    let by = audit::By { actor: Some(account_id), address: visitor.address };
    audit::note(app, by, Some(account_id), "session.created", &public_id, &visitor.agent).await;
    Ok(cookie::set(&secret, app.config.tls.encrypted(), life))
}

/// Use the operator's one-time link up; the internal id of the account.
pub async fn follow_link(state: &ApiState, visitor: &Visitor, token: &str) -> Result<i64, ApiError> {
    state.rates.login(visitor.address)?;
    let (kept, now) = (hash(&shorten(token)), now_ms());
    let work = state
        .app
        .store
        .write(move |db| Box::pin(async move { links::take(db, links::Kind::Welcome, &kept, now).await }));
    work.await?.map(|(account, _)| account).ok_or_else(bad_link)
}

/// A link that is unknown, used, or past its end: all the same.
pub fn bad_link() -> ApiError {
    let detail = "the link is unknown, was used, or has ended";
    ApiError::new(StatusCode::BAD_REQUEST, "bad-link", detail).field("token").help("ask for another one")
}

/// A token that is too long is none; it is not hashed whole.
pub fn shorten(token: &str) -> String {
    token.trim().chars().take(256).collect()
}

/// Make a one-time link for an account without a password: the address that it leads to.
pub async fn welcome_link(store: &Store, account_id: i64, url: &str) -> Result<String, StoreError> {
    let (token, now) = (random_secret(), now_ms());
    let kept = hash(&token);
    let work = store.write(move |db| {
        Box::pin(
            async move { links::insert(db, account_id, links::Kind::Welcome, &kept, "", now + WELCOME_MS, 3).await },
        )
    });
    work.await?;
    Ok(format!("{url}/welcome?token={token}"))
}
