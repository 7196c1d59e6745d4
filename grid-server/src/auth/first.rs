//! Making accounts and tokens: for the operator at the first start, for `token create`, and for the API.

use fallow_protocol::AccountId;
use fallow_protocol::ids::random_letters;
use grid_core::AccountNo;
use grid_core::ledger::{ALLOWANCE, Account, Amount, Transfer};
use sea_orm::DatabaseTransaction;

use super::{Scope, hash, random_token};
use crate::app::now_ms;
use crate::store::tokens::NewRow;
use crate::store::{Store, StoreError, accounts, ledger, tokens};

const DAY_MS: u64 = 86_400_000;
/// Life of the tokens that come with an account, days.
const FIRST_DAYS: u32 = 365;
/// Living tokens of one account.
pub const TOKENS_MAX: u64 = 200;

/// Why there is no new account or token.
#[derive(Debug, thiserror::Error)]
pub enum FirstError {
    /// The name is taken.
    #[error("there is an account {0:?} already")]
    NameTaken(String),
    /// The account has too many tokens.
    #[error("the account has {TOKENS_MAX} living tokens already; remove some first")]
    TooManyTokens,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A new account with its first token.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its public id.
    pub id: AccountId,
    /// Its first token.
    pub token: String,
}

/// A new token: its row and its text.
pub fn token_row(account_id: i64, name: &str, scopes: &[Scope], days: u32) -> (NewRow, String) {
    let token = random_token();
    let now = now_ms();
    let row = NewRow {
        account_id,
        public_id: format!("tok-{}", random_letters(12)),
        hash: hash(&token),
        name: name.to_owned(),
        scopes: Scope::join(scopes),
        expires_at_ms: now.saturating_add(u64::from(days) * DAY_MS),
        now_ms: now,
    };
    (row, token)
}

/// Make an account and its first token, in one transaction.
pub async fn create_account(
    store: &Store,
    name: &str,
    operator: bool,
    fuel_quota: u64,
    allowance: Amount,
) -> Result<NewAccount, FirstError> {
    let id = AccountId::random();
    let (role, scopes) = if operator { ("operator", &Scope::ALL[..]) } else { ("user", &Scope::USER[..]) };
    let (row, token) = token_row(0, "first", scopes, FIRST_DAYS);
    let (public_id, owned) = (id.clone(), name.to_owned());
    let made = store
        .write(move |transaction| {
            let (public_id, name, mut row) = (public_id.clone(), owned.clone(), row.clone());
            Box::pin(async move {
                let now = row.now_ms;
                let made = account_row(transaction, &public_id, &name, role, fuel_quota, allowance, now).await?;
                let Some(account_id) = made else { return Ok(false) };
                row.account_id = account_id;
                tokens::insert(transaction, &row, TOKENS_MAX).await
            })
        })
        .await?;
    if made { Ok(NewAccount { id, token }) } else { Err(FirstError::NameTaken(name.to_owned())) }
}

/// An account with its first credits, within a transaction; none where the name is taken.
pub async fn account_row(
    transaction: &DatabaseTransaction,
    id: &AccountId,
    name: &str,
    role: &str,
    fuel_quota: u64,
    allowance: Amount,
    now_ms: u64,
) -> Result<Option<i64>, StoreError> {
    let made = accounts::insert(transaction, id, name, role, fuel_quota, now_ms).await?;
    if let Some(account_id) = made {
        open(transaction, account_id, allowance, now_ms).await?;
    }
    Ok(made)
}

/// The account of the ledger, with the first credits.
async fn open(
    transaction: &DatabaseTransaction,
    account: i64,
    allowance: Amount,
    now_ms: u64,
) -> Result<(), StoreError> {
    let account = AccountNo(account);
    ledger::open_account(transaction, Account::user(account)).await?;
    if allowance.is_zero() {
        return Ok(());
    }
    let grant = Transfer::grant(account, ALLOWANCE, allowance);
    let granted = ledger::apply(transaction, &[grant], now_ms).await?;
    granted.map(drop).map_err(|_| StoreError::Corrupt("a new account's credits"))
}

/// Make a token for an account: its row and its text.
pub async fn issue(
    store: &Store,
    account_id: i64,
    name: &str,
    scopes: &[Scope],
    days: u32,
) -> Result<(NewRow, String), FirstError> {
    let (row, token) = token_row(account_id, name, scopes, days);
    let kept = row.clone();
    let made = store
        .write(move |transaction| {
            let row = kept.clone();
            Box::pin(async move { tokens::insert(transaction, &row, TOKENS_MAX).await })
        })
        .await?;
    if made { Ok((row, token)) } else { Err(FirstError::TooManyTokens) }
}

/// The operator's token, where this is the grid's first start.
pub async fn operator(store: &Store, fuel_quota: u64) -> Result<Option<String>, FirstError> {
    if has_accounts(store).await? {
        return Ok(None);
    }
    match create_account(store, "operator", true, fuel_quota, Amount::ZERO).await {
        Ok(account) => Ok(Some(account.token)),
        // Another server on the same database was first.
        Err(FirstError::NameTaken(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Whether the grid was started before: its first start makes the operator's account.
pub async fn has_accounts(store: &Store) -> Result<bool, FirstError> {
    Ok(!accounts::list(store.reader(), 0, 1).await?.is_empty())
}
