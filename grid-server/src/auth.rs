//! Who asks: API tokens with scopes, as bearer in the `Authorization` header only; sessions of browsers, as a cookie
//! only; and the sessions of nodes.
//!
//! Their secrets are random, so a plain hash of them is enough to keep. Ownership is in the store's queries, not here.

use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Deref;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use data_encoding::BASE32_NOPAD;
use fallow_protocol::{AccountId, Digest};

use crate::api::{ApiError, ApiState};
use crate::app::now_ms;
use crate::link::Session;
use crate::store::{sessions, tokens};

pub mod cookie;
mod first;
pub mod passwords;
pub mod seal;
pub mod throttle;
pub mod totp;

pub use first::{
    FirstError, NewAccount, TOKENS_MAX, account_row, create_account, has_accounts, issue, operator, token_row,
};

/// What every API token begins with.
pub const TOKEN_PREFIX: &str = "fallow_";
/// Longer ones are no tokens, and are not hashed.
const TOKEN_BYTES_MAX: usize = 256;

/// A new token's text: 256 random bits.
pub fn random_token() -> String {
    format!("{TOKEN_PREFIX}{}", random_secret())
}

/// 256 random bits as 52 letters and digits.
pub fn random_secret() -> String {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()
}

/// What is kept of a secret.
pub fn hash(secret: &str) -> Digest {
    Digest::of(secret.as_bytes())
}

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// See jobs, blobs, modules.
    JobsRead,
    /// Upload, register, submit, cancel.
    JobsWrite,
    /// Let nodes join, and remove them.
    NodesWrite,
    /// Make accounts.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Scope; 4] = [Scope::JobsRead, Scope::JobsWrite, Scope::NodesWrite, Scope::Admin];
    /// Those of somebody who is no operator.
    pub const USER: [Scope; 3] = [Scope::JobsRead, Scope::JobsWrite, Scope::NodesWrite];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Scope::JobsRead => "jobs:read",
            Scope::JobsWrite => "jobs:write",
            Scope::NodesWrite => "nodes:write",
            Scope::Admin => "admin",
        }
    }

    /// The scope of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Names with spaces between, as they are kept.
    pub fn join(scopes: &[Scope]) -> String {
        scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ")
    }

    /// All scopes that an account may have.
    pub fn of_role(operator: bool) -> &'static [Scope] {
        if operator { &Self::ALL } else { &Self::USER }
    }

    /// The scopes of kept names.
    pub fn split(names: &str) -> Vec<Scope> {
        names.split(' ').filter_map(Scope::parse).collect()
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Internal id of the account.
    pub account_id: i64,
    /// Its public id.
    pub account: AccountId,
    /// What the token or the session allows.
    pub scopes: Vec<Scope>,
    /// End of the token's or the session's life.
    pub expires_at_ms: u64,
    /// Internal id of the session, where it is no token.
    pub session: Option<i64>,
    /// Whether the account is an operator's.
    pub operator: bool,
    /// Why the account may do nothing, where that is so.
    pub suspended: Option<String>,
    /// Where the request comes from.
    pub address: IpAddr,
}

/// What a handler needs; a type, so that its signature says it.
pub trait Needs: Send + Sync {
    /// The scope, or none where any living token will do.
    const SCOPE: Option<Scope> = None;
    /// Whether only a person in a browser may do it, and no token.
    const SESSION: bool = false;
    /// Whether a suspended account may do it.
    const SUSPENDED: bool = false;
}

macro_rules! needs {
    ($($(#[$doc:meta])* $name:ident = $scope:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
        impl Needs for $name {
            const SCOPE: Option<Scope> = $scope;
        }
    )*};
}

needs! {
    /// Any living token.
    AnyScope = None;
    /// `jobs:read`.
    JobsRead = Some(Scope::JobsRead);
    /// `jobs:write`.
    JobsWrite = Some(Scope::JobsWrite);
    /// `nodes:write`.
    NodesWrite = Some(Scope::NodesWrite);
    /// `admin`.
    Admin = Some(Scope::Admin);
}

/// A person in a browser.
#[derive(Clone, Copy, Debug)]
pub struct Person;

impl Needs for Person {
    const SESSION: bool = true;
}

/// A person in a browser, whose account may be suspended.
#[derive(Clone, Copy, Debug)]
pub struct AnyPerson;

impl Needs for AnyPerson {
    const SESSION: bool = true;
    const SUSPENDED: bool = true;
}

/// Any living token or session, also of a suspended account.
#[derive(Clone, Copy, Debug)]
pub struct AnyAccount;

impl Needs for AnyAccount {
    const SUSPENDED: bool = true;
}

/// Extractor: the caller, whose token or session is what the handler needs.
#[derive(Clone, Debug)]
pub struct Auth<N>(Caller, PhantomData<N>);

impl<N> Deref for Auth<N> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<N: Needs> FromRequestParts<ApiState> for Auth<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let ip = client_ip(parts, state.app.config.tls.behind_proxy);
        let caller = match find(parts, state, ip).await? {
            Some(caller) => caller,
            None => {
                state.rates.address(ip)?;
                return Err(unauthorised());
            }
        };
        state.rates.account(caller.account_id, ip)?;
        check::<N>(&caller)?;
        Ok(Self(caller, PhantomData))
    }
}

fn check<N: Needs>(caller: &Caller) -> Result<(), ApiError> {
    if let Some(reason) = caller.suspended.as_deref().filter(|_| !N::SUSPENDED) {
        return Err(suspended(reason));
    }
    if N::SESSION && caller.session.is_none() {
        let detail = "this is for a person who is logged in with a browser, and not for tokens";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "session-needed", detail));
    }
    match N::SCOPE {
        Some(scope) if !caller.scopes.contains(&scope) => Err(missing(scope)),
        _ => Ok(()),
    }
}

/// What a suspended account is told.
pub fn suspended(reason: &str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "suspended", format!("this account is suspended: {reason}"))
        .help("ask the grid's operator")
}

/// A bearer token counts before a cookie: whoever sends one means it.
async fn find(parts: &Parts, state: &ApiState, address: IpAddr) -> Result<Option<Caller>, ApiError> {
    if parts.headers.contains_key(header::AUTHORIZATION) {
        return find_token(parts, state, address).await;
    }
    let Some(secret) = cookie::read(&parts.headers, state.app.config.tls.encrypted()) else { return Ok(None) };
    let (app, now) = (&state.app, now_ms());
    let heard_after = now.saturating_sub(app.config.accounts.idle_ms());
    let Some(living) = sessions::by_hash(app.store.reader(), &hash(secret), now, heard_after).await? else {
        return Ok(None);
    };
    cookie::check_origin(parts, &app.people.public_url())?;
    cookie::check_header(parts)?;
    cookie::note_seen(app, &living.session, now);
    Ok(Some(Caller {
        account_id: living.account_id,
        account: living.account,
        scopes: Scope::of_role(living.operator).to_vec(),
        expires_at_ms: living.session.expires_at_ms,
        session: Some(living.session.id),
        operator: living.operator,
        suspended: living.suspended,
        address,
    }))
}

async fn find_token(parts: &Parts, state: &ApiState, address: IpAddr) -> Result<Option<Caller>, ApiError> {
    let Some(token) = bearer(parts).filter(|token| token.starts_with(TOKEN_PREFIX)) else { return Ok(None) };
    let found = tokens::by_hash(state.app.store.reader(), &hash(token), now_ms()).await?;
    Ok(found.map(|bearer| {
        // Whoever is no operator any more has tokens that were an operator's.
        let may = Scope::of_role(bearer.operator);
        let scopes = Scope::split(&bearer.token.scopes).into_iter().filter(|scope| may.contains(scope)).collect();
        Caller {
            account_id: bearer.account_id,
            account: bearer.account,
            scopes,
            expires_at_ms: bearer.token.expires_at_ms,
            session: None,
            operator: bearer.operator,
            suspended: bearer.suspended,
            address,
        }
    }))
}

/// Extractor: somebody who has not said who it is. Pages of other sites must not speak for him.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Where the request comes from.
    pub address: IpAddr,
    /// What the browser calls itself, shortened.
    pub agent: String,
}

impl FromRequestParts<ApiState> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        cookie::check_origin(parts, &state.app.people.public_url())?;
        let address = client_ip(parts, state.app.config.tls.behind_proxy);
        Ok(Self { address, agent: cookie::agent(&parts.headers) })
    }
}

/// The one bearer token of a request. Two `Authorization` headers are none.
fn bearer(parts: &Parts) -> Option<&str> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let right = scheme.eq_ignore_ascii_case("bearer") && token.len() <= TOKEN_BYTES_MAX;
    right.then_some(token.trim())
}

fn unauthorised() -> ApiError {
    let detail = "this needs a living token: send Authorization: Bearer TOKEN";
    ApiError::new(StatusCode::UNAUTHORIZED, "unauthorised", detail)
        .header(header::WWW_AUTHENTICATE, "Bearer")
        .help("log in with: fallow login URL; a new token comes from POST /api/v1/tokens or the grid's operator")
}

fn missing(scope: Scope) -> ApiError {
    let detail = format!("this needs a token with the scope {}", scope.name());
    ApiError::new(StatusCode::FORBIDDEN, "missing-scope", detail).help("use or make a token that has it")
}

/// Extractor: the connection of a node, by the session token of its `Welcome`.
#[derive(Clone, Debug)]
pub struct NodeSession(pub Session);

impl FromRequestParts<ApiState> for NodeSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        if let Some(session) = bearer(parts).and_then(|token| state.app.nodes.session(token)) {
            return Ok(Self(session));
        }
        state.rates.address(client_ip(parts, state.app.config.tls.behind_proxy))?;
        let detail = "this needs the session of a connected node; connect first";
        Err(ApiError::new(StatusCode::UNAUTHORIZED, "unauthorised", detail).header(header::WWW_AUTHENTICATE, "Bearer"))
    }
}

/// Where a request comes from. Behind a proxy the last address of `X-Forwarded-For` is the one that the proxy saw;
/// those before it are whatever the client claims.
pub fn client_ip(parts: &Parts, behind_proxy: bool) -> IpAddr {
    let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(unknown, |info| info.0.ip());
    if !behind_proxy {
        return peer;
    }
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().next_back();
    let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    last.unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut request = axum::http::Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        parts.extensions.insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 7))));
        parts
    }

    #[test]
    fn tokens_are_long_and_differ() {
        let (one, other) = (random_token(), random_token());
        assert_ne!(one, other);
        assert_eq!(one.len(), TOKEN_PREFIX.len() + 52);
        assert_ne!(hash(&one), hash(&other));
    }

    #[test]
    fn only_one_bearer_is_taken() {
        assert_eq!(bearer(&parts(&[("authorization", "Bearer fallow_x")])), Some("fallow_x"));
        assert_eq!(bearer(&parts(&[("authorization", "bearer fallow_x")])), Some("fallow_x"));
        assert_eq!(bearer(&parts(&[("authorization", "Basic fallow_x")])), None);
        assert_eq!(bearer(&parts(&[("authorization", "Bearer a"), ("authorization", "Bearer b")])), None);
        assert_eq!(bearer(&parts(&[("cookie", "token=fallow_x")])), None);
        assert_eq!(bearer(&parts(&[("authorization", &format!("Bearer {}", "x".repeat(300)))])), None);
    }

    #[test]
    fn forwarded_addresses_count_only_behind_a_proxy() {
        let spoofed = parts(&[("x-forwarded-for", "203.0.113.9, 198.51.100.7")]);
        assert_eq!(client_ip(&spoofed, false), IpAddr::from([192, 0, 2, 1]));
        assert_eq!(client_ip(&spoofed, true), IpAddr::from([198, 51, 100, 7]));
        assert_eq!(client_ip(&parts(&[("x-forwarded-for", "junk")]), true), IpAddr::from([192, 0, 2, 1]));
    }

    #[test]
    fn scopes_have_names() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.name()), Some(scope));
        }
        assert_eq!(Scope::split(&Scope::join(&Scope::ALL)), Scope::ALL);
        assert_eq!(Scope::parse("root"), None);
    }
}
