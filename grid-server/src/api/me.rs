//! What a person does with the own account: name, address, password, second factor, audit log, export, deletion.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use fallow_protocol::api::{
    AccountDeletion, AuditEvent, Me, MeChange, NewEmail, Page, PasswordChange, PasswordOnly, RecoveryCodes, TotpCode,
    TotpRemoval, TotpSecret,
};

use super::accounts::{PageQuery, me_of};
use super::extract::{ApiJson, ApiQuery, page_limit, page_number};
use super::session::WithCookie;
use super::{ApiError, ApiState};
use crate::audit::note;
use crate::auth::{AnyAccount, AnyPerson, Auth, Caller, FirstError, Person, cookie, passwords};
use crate::people::{export, forget, register, second_factor};
use crate::store::audit::Wanted;
use crate::store::people::Person as Row;
use crate::store::{accounts, audit, links, people, sessions};

/// Tries at the own password that need no wait.
const TRIES_FREE: u32 = 5;

async fn row(state: &ApiState, caller: &Caller) -> Result<Row, ApiError> {
    let row = people::by_id(state.app.store.reader(), caller.account_id).await?;
    row.ok_or_else(|| ApiError::not_found("such account"))
}

/// The caller's row, once the password is known to be right.
async fn with_password(state: &ApiState, caller: &Caller, field: &str, password: String) -> Result<Row, ApiError> {
    let person = row(state, caller).await?;
    let app = &state.app;
    let tried = app.people.begin_try(&format!("password {}", caller.account_id), TRIES_FREE)?;
    if !app.people.passwords.verify(password, person.password.clone()).await? {
        let detail = "this is not the account's password";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "wrong-password", detail).field(field));
    }
    app.people.throttle.clear(&tried);
    Ok(person)
}

/// The account of the token or the session in use.
#[utoipa::path(get, path = "/api/v1/me", tag = "accounts", security(("bearer" = [])),
    responses((status = 200, body = Me)))]
pub async fn me(State(state): State<ApiState>, caller: Auth<AnyAccount>) -> Result<Json<Me>, ApiError> {
    let account = accounts::by_id(state.app.store.reader(), caller.account_id).await?;
    let account = account.ok_or_else(|| ApiError::not_found("such account"))?;
    Ok(Json(me_of(account, &caller.scopes, caller.session.is_some())))
}

/// Change the account's name.
#[utoipa::path(patch, path = "/api/v1/me", tag = "people", security(("cookie" = [])), request_body = MeChange,
    responses((status = 200, body = Me), (status = 409, description = "`name-taken`")))]
pub async fn change_me(
    State(state): State<ApiState>,
    caller: Auth<Person>,
    ApiJson(change): ApiJson<MeChange>,
) -> Result<Json<Me>, ApiError> {
    if let Some(name) = change.name {
        register::check_name(&name)?;
        let (id, wished) = (caller.account_id, name.clone());
        let work = state.app.store.write(move |db| {
            let wished = wished.clone();
            Box::pin(async move { accounts::rename(db, id, &wished).await })
        });
        if !work.await? {
            return Err(FirstError::NameTaken(name).into());
        }
        note(&state.app, &*caller, Some(id), "account.renamed", "", "").await;
    }
    let person = row(&state, &caller).await?;
    Ok(Json(me_of(person.account, &caller.scopes, true)))
}

/// Give the account another address; it counts once the link that is sent there is followed.
#[utoipa::path(post, path = "/api/v1/me/email", tag = "people", security(("cookie" = [])), request_body = NewEmail,
    responses((status = 202), (status = 403, description = "`wrong-password`")))]
pub async fn change_email(
    State(state): State<ApiState>,
    caller: Auth<Person>,
    ApiJson(mut new): ApiJson<NewEmail>,
) -> Result<StatusCode, ApiError> {
    let (_, email_key) = register::address(&new.email)?;
    with_password(&state, &caller, "password", std::mem::take(&mut new.password)).await?;
    state.rates.mail(&email_key)?;
    register::offer_email(&state.app, caller.account_id, &new).await?;
    note(&state.app, &*caller, Some(caller.account_id), "email.offered", "", "").await;
    register::tell_change(&state.app, caller.account_id, "Your account is to get another address.").await;
    Ok(StatusCode::ACCEPTED)
}

/// Give an account that has no password an address and one: the step after the operator's one-time link.
#[utoipa::path(post, path = "/api/v1/password/first", tag = "people", security(("cookie" = [])),
    request_body = NewEmail,
    responses((status = 200, body = Me), (status = 409, description = "`has-password`, `email-taken`")))]
pub async fn first_password(
    State(state): State<ApiState>,
    caller: Auth<Person>,
    ApiJson(new): ApiJson<NewEmail>,
) -> Result<Json<Me>, ApiError> {
    let (to, email_key) = register::address(&new.email)?;
    passwords::check("password", &new.password, &[&new.email])?;
    let before = row(&state, &caller).await?;
    if before.password.is_some() {
        let detail = "this account has a password; change it with POST /api/v1/password";
        return Err(ApiError::new(StatusCode::CONFLICT, "has-password", detail));
    }
    state.rates.mail(&email_key)?;
    let (app, id, email) = (&state.app, caller.account_id, to.to_string());
    let password = app.people.passwords.hash(new.password.clone()).await?;
    let work = app.store.write(move |db| {
        let (email, email_key, password) = (email.clone(), email_key.clone(), password.clone());
        Box::pin(async move {
            let set = people::set_email(db, id, &email, &email_key, None).await?;
            if set {
                people::set_password(db, id, &password).await?;
                links::delete_all(db, id).await?;
            }
            Ok(set)
        })
    });
    if !work.await? {
        let detail = "another account has this address";
        return Err(ApiError::new(StatusCode::CONFLICT, "email-taken", detail).field("email"));
    }
    register::offer_email(app, id, &new).await?;
    note(app, &*caller, Some(id), "password.changed", "", "the first one").await;
    let person = row(&state, &caller).await?;
    Ok(Json(me_of(person.account, &caller.scopes, true)))
}

/// Change the password; all other sessions end.
#[utoipa::path(post, path = "/api/v1/password", tag = "people", security(("cookie" = [])),
    request_body = PasswordChange,
    responses((status = 204), (status = 403, description = "`wrong-password`")))]
pub async fn change_password(
    State(state): State<ApiState>,
    caller: Auth<Person>,
    ApiJson(change): ApiJson<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    let person = with_password(&state, &caller, "current", change.current).await?;
    let email = person.account.email.clone().unwrap_or_default();
    passwords::check("new", &change.new, &[&person.account.name, &email])?;
    let (app, id, but) = (&state.app, caller.account_id, caller.session);
    let password = app.people.passwords.hash(change.new).await?;
    let work = app.store.write(move |db| {
        let password = password.clone();
        Box::pin(async move {
            people::set_password(db, id, &password).await?;
            links::delete_all(db, id).await?;
            sessions::delete_others(db, id, but).await
        })
    });
    work.await?;
    note(app, &*caller, Some(id), "password.changed", "", "").await;
    register::tell_change(app, id, "The password of your account was changed.").await;
    Ok(StatusCode::NO_CONTENT)
}

/// Begin with a second factor: it counts once a code of it is confirmed.
#[utoipa::path(post, path = "/api/v1/totp", tag = "people", security(("cookie" = [])), request_body = PasswordOnly,
    responses((status = 200, body = TotpSecret), (status = 403, description = "`wrong-password`"),
        (status = 409, description = "`totp-exists`")))]
pub async fn offer_totp(
    State(state): State<ApiState>,
    caller: Auth<Person>,
    ApiJson(body): ApiJson<PasswordOnly>,
) -> Result<Json<TotpSecret>, ApiError> {
    let person = with_password(&state, &caller, "password", body.password).await?;
    second_factor::offer(&state.app, &person).await.map(Json)
}

/// Confirm a second factor; the answer has the recovery codes, once.
#[utoipa::path(post, path = "/api/v1/totp/confirm", tag = "people", security(("cookie" = [])),
    request_body = TotpCode, responses((status = 200, body = RecoveryCodes), (status = 409, description = "`no-totp`")))]
pub async fn confirm_totp(
    State(state): State<ApiState>,
    caller: Auth<Person>,
    ApiJson(body): ApiJson<TotpCode>,
) -> Result<Json<RecoveryCodes>, ApiError> {
    let tried = state.app.people.begin_try(&format!("totp {}", caller.account_id), TRIES_FREE)?;
    let person = row(&state, &caller).await?;
    let recovery = second_factor::confirm(&state.app, &person, &body.code).await?;
    state.app.people.throttle.clear(&tried);
    note(&state.app, &*caller, Some(caller.account_id), "totp.added", "", "").await;
    register::tell_change(&state.app, caller.account_id, "Your account has a second factor now.").await;
    Ok(Json(RecoveryCodes { recovery }))
}

/// Remove the second factor.
#[utoipa::path(post, path = "/api/v1/totp/remove", tag = "people", security(("cookie" = [])),
    request_body = TotpRemoval,
    responses((status = 204), (status = 401, description = "`second-factor`"),
        (status = 403, description = "`wrong-password`")))]
pub async fn remove_totp(
    State(state): State<ApiState>,
    caller: Auth<Person>,
    ApiJson(body): ApiJson<TotpRemoval>,
) -> Result<StatusCode, ApiError> {
    with_both(&state, &caller, body.password, Some(&body.code)).await?;
    let id = caller.account_id;
    state.app.store.write(move |db| Box::pin(async move { people::drop_totp(db, id).await })).await?;
    note(&state.app, &*caller, Some(id), "totp.removed", "", "").await;
    register::tell_change(&state.app, id, "The second factor of your account was removed.").await;
    Ok(StatusCode::NO_CONTENT)
}

/// The caller's row, once password and second factor are known to be right.
async fn with_both(state: &ApiState, caller: &Caller, password: String, code: Option<&str>) -> Result<Row, ApiError> {
    let person = with_password(state, caller, "password", password).await?;
    let tried = state.app.people.begin_try(&format!("totp {}", caller.account_id), TRIES_FREE)?;
    second_factor::check(&state.app, &person, code).await?;
    state.app.people.throttle.clear(&tried);
    Ok(person)
}

/// What was done by and to the account, newest first.
#[utoipa::path(get, path = "/api/v1/me/audit", tag = "people", security(("cookie" = [])), params(PageQuery),
    responses((status = 200, body = Page<AuditEvent>)))]
pub async fn my_audit(
    State(state): State<ApiState>,
    caller: Auth<Person>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<AuditEvent>>, ApiError> {
    let limit = page_limit(query.limit)?;
    let before = query.cursor.as_deref().map(page_number).transpose()?;
    let wanted = Wanted { of: Some(caller.account_id), ..Wanted::default() };
    let rows = audit::list(state.app.store.reader(), wanted, before, limit).await?;
    Ok(Json(audit_page(rows, limit)))
}

/// Rows as a page.
pub fn audit_page(rows: Vec<audit::Event>, limit: u64) -> Page<AuditEvent> {
    let next = super::accounts::next(rows.len(), limit, rows.last().map(|row| row.id));
    let items = rows.into_iter().map(|row| AuditEvent {
        at_ms: row.at_ms,
        actor: row.actor,
        action: row.action,
        object: row.object,
        address: row.address,
        details: row.details,
    });
    Page { items: items.collect(), next }
}

/// All that is kept of the account, as a file to download.
#[utoipa::path(get, path = "/api/v1/me/export", tag = "people", security(("cookie" = [])),
    responses((status = 200, body = serde_json::Value)))]
pub async fn export_me(State(state): State<ApiState>, caller: Auth<AnyPerson>) -> Result<Response, ApiError> {
    let document = export::export(&state.app, caller.account_id).await?;
    note(&state.app, &*caller, Some(caller.account_id), "account.exported", "", "").await;
    let attachment = HeaderValue::from_static("attachment; filename=\"fallow-account.json\"");
    Ok(([(CONTENT_DISPOSITION, attachment)], Json(document)).into_response())
}

/// Delete the account: jobs are cancelled, nodes removed, tokens and sessions ended, name and address forgotten.
#[utoipa::path(post, path = "/api/v1/me/delete", tag = "people", security(("cookie" = [])),
    request_body = AccountDeletion,
    responses((status = 204), (status = 401, description = "`second-factor`"),
        (status = 403, description = "`wrong-password`"), (status = 409, description = "`last-operator`")))]
pub async fn delete_me(
    State(state): State<ApiState>,
    caller: Auth<AnyPerson>,
    ApiJson(body): ApiJson<AccountDeletion>,
) -> Result<WithCookie<StatusCode>, ApiError> {
    with_both(&state, &caller, body.password, body.code.as_deref()).await?;
    forget::forget(&state.app, caller.account_id, &caller.account, caller.operator).await?;
    note(&state.app, &*caller, Some(caller.account_id), "account.deleted", caller.account.as_str(), "").await;
    let cookie = cookie::clear(state.app.config.tls.encrypted());
    Ok(([(SET_COOKIE, cookie)], StatusCode::NO_CONTENT))
}
