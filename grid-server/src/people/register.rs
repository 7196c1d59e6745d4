//! Registering, confirming, forgotten passwords, other addresses: everything that goes through a mail.
//!
//! Whether an address has an account is told to nobody but its own mailbox.

use axum::http::StatusCode;
use fallow_protocol::AccountId;
use fallow_protocol::api::{NewEmail, NewPerson, PasswordReset};
use lettre::Address;

use super::login::bad_link;
use super::second_factor::kept;
use crate::api::{ApiError, ApiState, names};
use crate::app::{App, now_ms};
use crate::audit;
use crate::auth::{FirstError, Visitor, account_row, hash, passwords, random_secret};
use crate::config::Registration as Who;
use crate::mail::letters;
use crate::store::registrations::{self, Registration};
use crate::store::{links, people, sessions};

/// Life of a link that confirms an address, milliseconds.
const CONFIRM_MS: u64 = 86_400_000;
/// Life of a link for a new password, milliseconds.
const RESET_MS: u64 = 3_600_000;
/// Registrations of one address that wait, and of all.
const OF_ADDRESS_MAX: u64 = 5;
const WAITING_MAX: u64 = 20_000;
/// Links of one kind and account that are good at a time.
const LINKS_MAX: u64 = 3;

/// An address of a body, and its form for comparing.
pub fn address(text: &str) -> Result<(Address, String), ApiError> {
    letters::address(text).ok_or_else(|| ApiError::invalid("email", "this is no e-mail address like ann@example.org"))
}

/// What the names of deleted accounts begin with.
pub const FORGOTTEN: &str = "deleted ";

/// A name of a person: it must not look like an address, since both log in.
pub fn check_name(name: &str) -> Result<(), ApiError> {
    names::check("name", name)?;
    if name.contains('@') || name != name.trim() {
        return Err(ApiError::invalid("name", "a name has no @ in it, and no spaces around it"));
    }
    if name.starts_with(FORGOTTEN) {
        return Err(ApiError::invalid(
            "name",
            format!("names that begin with {FORGOTTEN:?} are of accounts that are gone"),
        ));
    }
    Ok(())
}

/// Register; the account is made when the link in the mail is followed.
pub async fn register(state: &ApiState, visitor: &Visitor, new: NewPerson) -> Result<(), ApiError> {
    let app = &state.app;
    if app.config.registration() == Who::Closed {
        let detail = "nobody registers on this grid by himself; its operators make accounts";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "registration-closed", detail));
    }
    check_name(&new.name)?;
    let (to, email_key) = address(&new.email)?;
    passwords::check("password", &new.password, &[&new.name, &new.email])?;
    state.rates.login(visitor.address)?;
    let password = app.people.passwords.hash(new.password).await?;
    let now = now_ms();
    if registrations::name_taken(app.store.reader(), &new.name, &email_key, now).await? {
        return Err(FirstError::NameTaken(new.name).into());
    }
    // Only its own mailbox hears whether an address is known, and no mailbox hears too much.
    if state.rates.mail(&email_key).is_err() {
        return Ok(());
    }
    let (grid, url) = (app.config.name.as_str(), app.people.public_url());
    if people::by_email(app.store.reader(), &email_key).await?.is_some() {
        app.people.mail.send(letters::known(to, grid, &url));
        return Ok(());
    }
    let token = random_secret();
    let row = Registration {
        hash: hash(&token),
        name: new.name,
        email: to.to_string(),
        email_key,
        password,
        created_at_ms: now,
        expires_at_ms: now + CONFIRM_MS,
    };
    let work = app.store.write(move |db| {
        let row = row.clone();
        Box::pin(async move { registrations::insert(db, &row, OF_ADDRESS_MAX, WAITING_MAX).await })
    });
    if work.await? {
        app.people.mail.send(letters::confirm(to, grid, &url, &token));
    }
    Ok(())
}

/// What the token of a link that confirms was for.
pub enum Confirmed {
    /// An account was made.
    Account(i64),
    /// An account has another address now.
    Email(i64),
}

enum Made {
    Account(i64),
    Email(i64),
    NameTaken(String),
    Nothing,
}

/// Follow the link of a registration or of another address.
pub async fn confirm(state: &ApiState, visitor: &Visitor, token: &str) -> Result<Confirmed, ApiError> {
    state.rates.login(visitor.address)?;
    let (app, kept, now) = (&state.app, kept(token), now_ms());
    let (quota, allowance, id) = (app.config.limits.fuel_quota, app.config.first_credits(), AccountId::random());
    let work = app.store.write(move |db| {
        let id = id.clone();
        Box::pin(async move {
            if let Some((account, email)) = links::take(db, links::Kind::Email, &kept, now).await? {
                let key = email.to_ascii_lowercase();
                let set = people::set_email(db, account, &email, &key, Some(now)).await?;
                return Ok(if set { Made::Email(account) } else { Made::Nothing });
            }
            let Some(row) = registrations::by_hash(db, &kept, now).await? else { return Ok(Made::Nothing) };
            if people::by_email(db, &row.email_key).await?.is_some() {
                return Ok(Made::Nothing);
            }
            let Some(account) = account_row(db, &id, &row.name, "user", quota, allowance, now).await? else {
                return Ok(Made::NameTaken(row.name));
            };
            people::set_email(db, account, &row.email, &row.email_key, Some(now)).await?;
            people::set_password(db, account, &row.password).await?;
            registrations::delete_of(db, &row.email_key).await?;
            Ok(Made::Account(account))
        })
    });
    let by = |account| audit::By { actor: Some(account), address: visitor.address };
    match work.await? {
        Made::Account(account) => {
            audit::note(app, by(account), Some(account), "account.created", "", "registered").await;
            Ok(Confirmed::Account(account))
        }
        Made::Email(account) => {
            audit::note(app, by(account), Some(account), "email.confirmed", "", "").await;
            Ok(Confirmed::Email(account))
        }
        Made::NameTaken(name) => Err(FirstError::NameTaken(name).into()),
        Made::Nothing => Err(bad_link()),
    }
}

/// Send a link for a new password, where the address is the confirmed one of an account.
pub async fn forgotten(app: &App, email: &str) -> Result<(), ApiError> {
    let (to, email_key) = address(email)?;
    let person = people::by_email(app.store.reader(), &email_key).await?;
    let Some(person) = person.filter(|person| person.account.email_confirmed) else { return Ok(()) };
    let (token, id) = (random_secret(), person.account.id);
    put_link(app, id, links::Kind::Reset, &token, String::new(), RESET_MS).await?;
    app.people.mail.send(letters::reset(to, &app.config.name, &app.people.public_url(), &token));
    Ok(())
}

async fn put_link(
    app: &App,
    id: i64,
    kind: links::Kind,
    token: &str,
    value: String,
    life_ms: u64,
) -> Result<(), ApiError> {
    let (kept, ends) = (hash(token), now_ms() + life_ms);
    let work = app.store.write(move |db| {
        let value = value.clone();
        Box::pin(async move { links::insert(db, id, kind, &kept, &value, ends, LINKS_MAX).await })
    });
    Ok(work.await?)
}

/// Choose a new password by the link of a mail. All sessions end.
pub async fn reset(state: &ApiState, visitor: &Visitor, new: PasswordReset) -> Result<(), ApiError> {
    state.rates.login(visitor.address)?;
    passwords::check("password", &new.password, &[])?;
    let (app, kept, now) = (&state.app, kept(&new.token), now_ms());
    let password = app.people.passwords.hash(new.password).await?;
    let work = app.store.write(move |db| {
        let password = password.clone();
        Box::pin(async move {
            let Some((account, _)) = links::take(db, links::Kind::Reset, &kept, now).await? else { return Ok(None) };
            people::set_password(db, account, &password).await?;
            sessions::delete_others(db, account, None).await?;
            links::delete_all(db, account).await?;
            Ok(Some(account))
        })
    });
    let account = work.await?.ok_or_else(bad_link)?;
    let by = audit::By { actor: Some(account), address: visitor.address };
    audit::note(app, by, Some(account), "password.changed", "", "by a link in a mail").await;
    tell_change(app, account, "The password of your account was changed by a link in a mail.").await;
    Ok(())
}

/// Send a link that confirms an address which is to be the account's.
pub async fn offer_email(app: &App, account: i64, new: &NewEmail) -> Result<(), ApiError> {
    let (to, email_key) = address(&new.email)?;
    if let Some(other) = people::by_email(app.store.reader(), &email_key).await?
        && other.account.id != account
    {
        app.people.mail.send(letters::known(to, &app.config.name, &app.people.public_url()));
        return Ok(());
    }
    let token = random_secret();
    put_link(app, account, links::Kind::Email, &token, to.to_string(), CONFIRM_MS).await?;
    app.people.mail.send(letters::email(to, &app.config.name, &app.people.public_url(), &token));
    Ok(())
}

/// Tell the account's own mailbox that something about its safety changed.
pub async fn tell_change(app: &App, account: i64, what: &str) {
    let person = people::by_id(app.store.reader(), account).await.ok().flatten();
    let person = person.filter(|person| person.account.email_confirmed);
    if let Some((to, _)) = person.and_then(|person| letters::address(&person.account.email?)) {
        app.people.mail.send(letters::changed(to, &app.config.name, &app.people.public_url(), what));
    }
}
