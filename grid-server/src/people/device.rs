//! The device flow (RFC 8628): a program without a browser shows a short code, a person who is logged in approves it,
//! and the program gets its token.

use axum::http::StatusCode;
use fallow_protocol::api::{DeviceCode, DeviceRequest, DeviceToken, JoinToken, NewDeviceCode};

use crate::api::{ApiError, ApiState, names};
use crate::app::{App, now_ms};
use crate::audit;
use crate::auth::{self, Caller, Scope, TOKENS_MAX, Visitor, hash, random_secret, token_row};
use crate::store::device_codes::{self, Decision, DeviceRow, NewRow};
use crate::store::{accounts, join_tokens, tokens};

/// Letters of codes that people type: no vowels, so that they spell nothing, and none that look alike.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const CODE_LETTERS: usize = 8;
/// Life of a code, milliseconds.
const LIFE_MS: u64 = 15 * 60_000;
/// Least time between two questions of one device, seconds.
pub const INTERVAL_S: u64 = 5;
/// Devices that ask at a time.
const WAITING_MAX: u64 = 10_000;
/// Tries to find a code that nobody shows.
const DRAWS: usize = 5;
/// Life of a token that a device gets, days.
const TOKEN_DAYS: u32 = 365;
/// Life of the join token that a node gets, milliseconds.
const JOIN_MS: u64 = 15 * 60_000;
/// Unused join tokens of one account.
const JOIN_TOKENS_MAX: u64 = 100;
const NODE: &str = "fallow-node";
const TOOL: &str = "fallow";

fn draw_code() -> String {
    let mut code = String::with_capacity(CODE_LETTERS);
    while code.len() < CODE_LETTERS {
        let mut byte = [0u8];
        getrandom::fill(&mut byte).expect("the operating system gives random bytes");
        // 240 is a multiple of 20: each letter is as likely as the others.
        if byte[0] < 240 {
            code.push(char::from(LETTERS[usize::from(byte[0]) % LETTERS.len()]));
        }
    }
    code
}

/// A code as somebody typed it, in the form in which it is kept; none where it is no code.
pub fn read_code(typed: &str) -> Option<String> {
    if typed.len() > 4 * CODE_LETTERS {
        return None;
    }
    let code: String = typed.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect();
    let right = code.len() == CODE_LETTERS && code.bytes().all(|letter| LETTERS.contains(&letter));
    right.then_some(code)
}

fn shown(code: &str) -> String {
    format!("{}-{}", &code[..CODE_LETTERS / 2], &code[CODE_LETTERS / 2..])
}

fn wished(new: &NewDeviceCode) -> Result<Vec<Scope>, ApiError> {
    match (new.client.as_str(), &new.scopes) {
        (NODE, None) => Ok(Vec::new()),
        (NODE, Some(_)) => Err(ApiError::invalid("scopes", "a node's join token has no scopes")),
        (TOOL, None) => Ok(Scope::USER.to_vec()),
        (TOOL, Some(names)) => {
            let unknown = names.iter().find(|name| Scope::parse(name).is_none());
            if let Some(unknown) = unknown {
                return Err(ApiError::invalid("scopes", format!("there is no scope {unknown:.40?}")));
            }
            let scopes: Vec<Scope> =
                Scope::ALL.into_iter().filter(|scope| names.iter().any(|name| name == scope.name())).collect();
            if scopes.is_empty() { Err(ApiError::invalid("scopes", "name at least one scope")) } else { Ok(scopes) }
        }
        _ => Err(ApiError::invalid("client", format!("a client is {TOOL} or {NODE}"))),
    }
}

/// A device begins to ask.
pub async fn begin(state: &ApiState, visitor: &Visitor, new: NewDeviceCode) -> Result<DeviceCode, ApiError> {
    names::check("name", &new.name)?;
    let scopes = wished(&new)?;
    state.rates.device(visitor.address)?;
    let (app, secret) = (&state.app, random_secret());
    for _ in 0..DRAWS {
        let code = draw_code();
        let row = NewRow {
            hash: hash(&secret),
            user_code: code.clone(),
            client: new.client.clone(),
            name: new.name.clone(),
            scopes: Scope::join(&scopes),
            address: visitor.address.to_canonical().to_string(),
            expires_at_ms: now_ms() + LIFE_MS,
        };
        let work = app.store.write(move |db| {
            let row = row.clone();
            Box::pin(async move { device_codes::insert(db, &row, WAITING_MAX).await })
        });
        if work.await? {
            return Ok(answer(app, secret, &code));
        }
    }
    let detail = "too many devices ask at this moment; try again in some minutes";
    Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail))
}

fn answer(app: &App, device_code: String, code: &str) -> DeviceCode {
    let (page, user_code) = (format!("{}/device", app.people.public_url()), shown(code));
    DeviceCode {
        device_code,
        verification_uri_complete: format!("{page}?code={user_code}"),
        verification_uri: page,
        user_code,
        expires_in_s: LIFE_MS / 1_000,
        interval_s: INTERVAL_S,
        root_fingerprint: app.keys.fingerprint(),
    }
}

fn refused(kind: &str, detail: &str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, kind, detail)
}

fn ended() -> ApiError {
    refused("expired-token", "the code is unknown, was used, or has ended; begin again")
}

/// A device asks whether it was approved; its token, once.
pub async fn poll(state: &ApiState, device_code: &str) -> Result<DeviceToken, ApiError> {
    let (app, now) = (&state.app, now_ms());
    let kept = super::second_factor::kept(device_code);
    let row = device_codes::by_hash(app.store.reader(), &kept, now).await?.ok_or_else(ended)?;
    if !state.rates.poll(kept, INTERVAL_S) {
        let detail = format!("ask every {INTERVAL_S} seconds");
        return Err(refused("slow-down", &detail));
    }
    match (row.decision, row.account_id) {
        (Decision::Approved, Some(account)) => give(app, row, account).await,
        (Decision::Denied, _) => Err(refused("access-denied", "the person who was asked said no")),
        _ => Err(refused("authorization-pending", "nobody has approved the code yet")),
    }
}

async fn give(app: &App, row: DeviceRow, account_id: i64) -> Result<DeviceToken, ApiError> {
    let account = accounts::by_id(app.store.reader(), account_id).await?.ok_or_else(ended)?;
    if let Some(reason) = &account.suspended {
        return Err(auth::suspended(reason));
    }
    if row.client == NODE { join_token(app, row.id, account_id).await } else { api_token(app, row, account_id).await }
}

async fn join_token(app: &App, row: i64, account_id: i64) -> Result<DeviceToken, ApiError> {
    let (secret, now) = (random_secret(), now_ms());
    let kept = hash(&secret);
    let work = app.store.write(move |db| {
        Box::pin(async move {
            if !join_tokens::insert(db, account_id, &kept, now + JOIN_MS, now, JOIN_TOKENS_MAX).await? {
                return Ok(None);
            }
            // Without its code it is nobody's, and nobody knows it.
            device_codes::delete(db, row).await.map(Some)
        })
    });
    let token = JoinToken::compose(&secret, &app.keys.fingerprint());
    match work.await? {
        Some(true) => Ok(DeviceToken { join_token: Some(token), token: None }),
        Some(false) => Err(ended()),
        None => {
            Err(full(&format!("the account has {JOIN_TOKENS_MAX} unused join tokens already; wait until they end")))
        }
    }
}

async fn api_token(app: &App, row: DeviceRow, account_id: i64) -> Result<DeviceToken, ApiError> {
    let (new, secret) = token_row(account_id, &row.name, &Scope::split(&row.scopes), TOKEN_DAYS);
    let work = app.store.write(move |db| {
        let new = new.clone();
        Box::pin(async move {
            if !tokens::insert(db, &new, TOKENS_MAX).await? {
                return Ok(None);
            }
            let fresh = device_codes::delete(db, row.id).await?;
            if !fresh {
                tokens::delete(db, account_id, &new.public_id).await?;
            }
            Ok(Some(fresh))
        })
    });
    match work.await? {
        Some(true) => Ok(DeviceToken { token: Some(secret), join_token: None }),
        Some(false) => Err(ended()),
        None => Err(full(&format!("the account has {TOKENS_MAX} living tokens already; remove some first"))),
    }
}

/// The account has no room for one more.
fn full(detail: &str) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "too-many-tokens", detail)
}

/// Who shows a code, for the person who is asked.
pub async fn look(state: &ApiState, caller: &Caller, code: &str) -> Result<DeviceRequest, ApiError> {
    let row = find(state, caller, code).await?;
    Ok(DeviceRequest {
        client: row.client,
        name: row.name,
        scopes: row.scopes.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
        address: row.address,
        expires_at_ms: row.expires_at_ms,
        root_fingerprint: state.app.keys.fingerprint(),
    })
}

async fn find(state: &ApiState, caller: &Caller, code: &str) -> Result<DeviceRow, ApiError> {
    // Codes are short: they must not be tried one after another.
    state.rates.look_up(caller.account_id)?;
    let none = || ApiError::not_found("such code; it may have ended, so let the device show another");
    let code = read_code(code).ok_or_else(none)?;
    device_codes::by_user_code(state.app.store.reader(), &code, now_ms()).await?.ok_or_else(none)
}

/// A person says yes or no.
pub async fn decide(state: &ApiState, caller: &Caller, code: &str, approve: bool) -> Result<(), ApiError> {
    let (app, row) = (&state.app, find(state, caller, code).await?);
    if let Some(scope) = Scope::split(&row.scopes).iter().find(|scope| approve && !caller.scopes.contains(scope)) {
        let detail = format!("this device asks for the scope {}, which your account has not", scope.name());
        return Err(ApiError::new(StatusCode::FORBIDDEN, "missing-scope", detail));
    }
    let (id, account) = (row.id, caller.account_id);
    let work = app
        .store
        .write(move |db| Box::pin(async move { device_codes::decide(db, id, account, approve, now_ms()).await }));
    if !work.await? {
        return Err(ApiError::not_found("such code; somebody decided about it meanwhile"));
    }
    let action = if approve { "device.approved" } else { "device.denied" };
    let details = format!("{} at {}", row.client, row.address);
    audit::note(app, caller, Some(account), action, &row.name, &details).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        for _ in 0..100 {
            let code = draw_code();
            assert_eq!(read_code(&shown(&code)), Some(code.clone()));
            assert_eq!(read_code(&shown(&code).to_lowercase().replace('-', " ")), Some(code));
        }
        for wrong in ["", "BCDF-GHJ", "BCDF-GHJKL", "AEIO-UAEI", &"B".repeat(4_000)] {
            assert_eq!(read_code(wrong), None, "{wrong}");
        }
    }
}
