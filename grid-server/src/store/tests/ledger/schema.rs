//! The tables themselves: what they refuse to whoever goes around the rules, their steps down and up, and how rows are
//! found.

use fallow_migrations::{Migrator, MigratorTrait};
use grid_core::AccountNo;
use grid_core::ledger::{Account, Amount, Balance, Transfer};
use sea_orm::{ConnectionTrait, Statement};

use super::super::super::ledger::{balance, check::check};
use super::super::super::{Store, StoreError, accounts, batch, holdings, ledger};
use super::super::{new_account, new_url};
use super::{BEN, applied, begin, credits, done, findings, frame, open};

on_both! {
    stone => super::transfers_are_never_changed_or_deleted;
    guards => super::the_tables_refuse_what_the_rules_refuse;
    steps => super::the_schema_goes_down_and_up_again;
}

/// Run a statement as it is; whether the database took it.
pub(super) async fn raw(store: &Store, text: &'static str) -> Result<u64, StoreError> {
    store
        .write(move |db| {
            Box::pin(async move {
                let done = db.execute_raw(Statement::from_string(db.get_database_backend(), text)).await?;
                Ok(done.rows_affected())
            })
        })
        .await
}

async fn transfers_are_never_changed_or_deleted(store: &Store) {
    begin(store).await;
    let mut attempts = vec![
        "UPDATE transfers SET amount = amount + 1",
        "UPDATE transfers SET made_at_ms = 0 WHERE seq = 1",
        "DELETE FROM transfers WHERE seq = 2",
        "DELETE FROM transfers",
        "DELETE FROM ledger_accounts",
        "UPDATE ledger_accounts SET credits_posted = credits_posted - 1 WHERE credits_posted > 0",
        "UPDATE ledger_accounts SET owner = owner + 1, id = id + 4096 WHERE kind = 5",
    ];
    if store.backend() == sea_orm::DbBackend::Sqlite {
        attempts.push("INSERT OR REPLACE INTO transfers SELECT * FROM transfers");
        attempts.push(
            "INSERT OR REPLACE INTO transfers (id, kind, code, debit, credit, amount, made_at_ms, cause)
            SELECT id, kind, code, debit, credit, 7, made_at_ms, cause FROM transfers",
        );
    } else {
        attempts.push("TRUNCATE transfers CASCADE");
    }
    for text in attempts {
        assert!(raw(store, text).await.is_err(), "{text}");
    }
    assert_eq!(findings(store).await, []);
    assert_eq!(check(store.reader(), 10).await.unwrap().audit.transfers(), 2);
}

/// Constraints are the last guard, for whoever writes without the rules.
async fn the_tables_refuse_what_the_rules_refuse(store: &Store) {
    begin(store).await;
    done(store, &Transfer::hold(frame(1), BEN, credits(1), Amount::ZERO), 6).await;
    let insert = |values: &str| -> &'static str {
        let columns = "id, kind, code, debit, credit, amount, pending, timeout_ms, made_at_ms, cause";
        let void = "(SELECT id FROM transfers WHERE kind = 2)";
        let values = values.replace("PENDING", void);
        let id = if store.backend() == sea_orm::DbBackend::Sqlite { "x'01'" } else { "'\\x01'::bytea" };
        Box::leak(format!("INSERT INTO transfers ({columns}) SELECT {id}, {values}, 1, {id}").into_boxed_str())
    };
    for values in [
        "1, 1, 17, 4117, 0, NULL, NULL",
        "1, 1, 17, 4117, -5, NULL, NULL",
        "1, 1, 17, 4117, 1000000000000001, NULL, NULL",
        "1, 1, 17, 17, 5, NULL, NULL",
        "1, 1, 17, 999, 5, NULL, NULL",
        "5, 1, 17, 4117, 5, NULL, NULL",
        "3, 9, 17, 4117, 5, NULL, NULL",
        "1, 1, 17, 4117, 5, PENDING, NULL",
        "1, 1, 17, 4117, 5, NULL, 7",
    ] {
        assert!(raw(store, insert(values)).await.is_err(), "{values}");
    }
    for text in [
        "UPDATE ledger_accounts SET debits_posted = credits_posted + 1 WHERE kind = 5",
        "UPDATE ledger_accounts SET debits_pending = credits_posted + 1 WHERE kind = 6",
        "UPDATE ledger_accounts SET debits_pending = -1 WHERE kind = 1",
        "INSERT INTO ledger_accounts (id, kind, currency, owner) VALUES (5, 5, 1, 0)",
    ] {
        assert!(raw(store, text).await.is_err(), "{text}");
    }
    let void = "4, 10, 17, 4117, 5, PENDING, NULL";
    assert_eq!(raw(store, insert(void)).await.unwrap(), 1, "the rest of the row is as it may be");
    let hold = Transfer::hold(frame(1), BEN, credits(1), Amount::ZERO)[0];
    let refused = applied(store, &[hold.void()], 7).await;
    assert!(refused.is_err() || refused.unwrap().is_err(), "resolved twice");
}

/// Everybody has an account in the ledger: who is there when it begins, and who comes later.
async fn the_schema_goes_down_and_up_again(store: &Store) {
    let (url, _folder) = new_url(match store.backend() {
        sea_orm::DbBackend::Sqlite => "sqlite",
        _ => "postgres",
    })
    .await;
    let fresh = Store::open(&url).await.unwrap();
    let before = new_account(&fresh).await;
    let all = Migrator::migrations();
    let ledger = all.iter().position(|step| step.name() == "m0201_ledger").expect("the ledger's step");
    let steps = u32::try_from(all.len() - ledger).unwrap();
    Migrator::down(fresh.reader(), Some(steps)).await.unwrap();
    assert!(balance(fresh.reader(), Account::user(AccountNo(before))).await.is_err(), "the table is gone");
    Migrator::up(fresh.reader(), None).await.unwrap();
    for account in Account::SYSTEM.into_iter().chain([Account::user(AccountNo(before))]) {
        assert_eq!(balance(fresh.reader(), account).await.unwrap(), Some(Balance::default()), "{account}");
    }
    let id = fallow_protocol::AccountId::random();
    let later = fresh.write(move |db| {
        let id = id.clone();
        Box::pin(async move { accounts::insert(db, &id, "later", "user", 0, 1).await })
    });
    let later = AccountNo(later.await.unwrap().unwrap());
    assert_eq!(balance(fresh.reader(), Account::user(later)).await.unwrap(), Some(Balance::default()));
    Migrator::down(fresh.reader(), None).await.unwrap();
    Migrator::up(fresh.reader(), None).await.unwrap();
}

/// SQLite must find every row by a key: a scan would cost more with every transfer.
#[tokio::test]
async fn statements_scan_nothing() {
    let (store, _folder) = open("sqlite").await;
    let texts = ledger::STATEMENTS.iter().map(|text| (*text).to_owned()).chain(holdings::statements());
    for text in texts {
        let sql = format!("EXPLAIN QUERY PLAN {}", batch::translate(store.backend(), &text));
        let rows = store.reader().query_all_raw(Statement::from_string(store.backend(), sql)).await.unwrap();
        for row in rows {
            let step: String = row.try_get_by_index(3).unwrap();
            let allowed = step.contains("VIRTUAL TABLE") || step.contains("CONSTANT ROW") || step.contains("SCAN list");
            assert!(!step.starts_with("SCAN") || allowed, "{step}\nin {text}");
            assert!(!step.contains("AUTOMATIC"), "{step}\nin {text}");
            let sorts = step.contains("TEMP B-TREE FOR ORDER BY") || step.contains("TEMP B-TREE FOR LAST TERM");
            assert!(!sorts, "{step}\nin {text}");
        }
    }
}
