//! Second factors of accounts: offering, confirming, checking, removing.

use axum::http::StatusCode;
use fallow_protocol::api::TotpSecret;

use crate::api::ApiError;
use crate::app::{App, now_ms};
use crate::auth::{hash, totp};
use crate::store::people::{self, Person};

/// Longer ones are no codes.
const CODE_BYTES_MAX: usize = 64;

/// The account's second factor, where it has one: a code of the authenticator, or a recovery code, each used up.
pub async fn check(app: &App, person: &Person, code: Option<&str>) -> Result<(), ApiError> {
    let Some(sealed) = &person.totp else { return Ok(()) };
    let Some(code) = code.filter(|code| !code.trim().is_empty() && code.len() <= CODE_BYTES_MAX) else {
        return Err(needed("this account has a second factor: give the code that its authenticator shows"));
    };
    let (id, secret) = (person.account.id, unseal(app, person.account.id, sealed)?);
    let used = match totp::step_of(&secret, code, person.totp_step, now_ms()) {
        Some(step) => app.store.write(move |db| Box::pin(async move { people::use_step(db, id, step).await })).await?,
        None => match totp::recovery_hash(code) {
            Some(kept) => {
                let work =
                    app.store.write(move |db| Box::pin(async move { people::use_recovery(db, id, &kept).await }));
                work.await?
            }
            None => false,
        },
    };
    if used { Ok(()) } else { Err(needed("the code is wrong, was used already, or is not of this moment")) }
}

fn needed(detail: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "second-factor", detail)
        .field("code")
        .help("a recovery code does as well, once")
}

fn unseal(app: &App, account: i64, sealed: &[u8]) -> Result<Vec<u8>, ApiError> {
    let none =
        || anyhow::anyhow!("the second factor of account {account} cannot be read: was keys/accounts.key replaced?");
    app.people.seal.open_secret(account, sealed).ok_or_else(|| ApiError::internal(none()))
}

/// Make a second factor that does not count yet.
pub async fn offer(app: &App, person: &Person) -> Result<TotpSecret, ApiError> {
    if person.totp.is_some() {
        let detail = "this account has a second factor already; remove it first";
        return Err(ApiError::new(StatusCode::CONFLICT, "totp-exists", detail));
    }
    let (id, secret) = (person.account.id, totp::new_secret());
    let sealed = app.people.seal.close(id, &secret);
    let work = app.store.write(move |db| {
        let sealed = sealed.clone();
        Box::pin(async move { people::offer_totp(db, id, sealed).await })
    });
    work.await?;
    let url = totp::url(&secret, &app.config.name, &person.account.name);
    Ok(TotpSecret { secret: totp::base32(&secret), url })
}

/// The offered one counts from now on, since its owner knows a code of it. The recovery codes, told once.
pub async fn confirm(app: &App, person: &Person, code: &str) -> Result<Vec<String>, ApiError> {
    let Some(sealed) = &person.totp_next else {
        let detail = "no second factor is waiting to be confirmed; begin again";
        return Err(ApiError::new(StatusCode::CONFLICT, "no-totp", detail));
    };
    let (id, secret) = (person.account.id, unseal(app, person.account.id, sealed)?);
    let step = totp::step_of(&secret, code, person.totp_step, now_ms());
    let wrong =
        || ApiError::invalid("code", "the code is not of this moment; is the clock of the authenticator right?");
    let step = step.ok_or_else(wrong)?;
    let codes = totp::recovery_codes();
    let kept: Vec<_> = codes.iter().filter_map(|code| totp::recovery_hash(code)).collect();
    debug_assert_eq!(kept.len(), codes.len());
    let work = app.store.write(move |db| {
        let kept = kept.clone();
        Box::pin(async move { people::take_totp(db, id, step, &kept).await })
    });
    if work.await? { Ok(codes) } else { Err(wrong()) }
}

/// What is kept of a device's or a link's secret that came in a body.
pub fn kept(secret: &str) -> fallow_protocol::Digest {
    hash(&super::login::shorten(secret))
}
