//! Settings: the example, the order of sources, and what is refused.

use super::*;

const EXAMPLE: &str = include_str!("../../../docs/server.example.toml");

fn load(text: &str, variables: &[(&'static str, &str)], flags: Flags) -> anyhow::Result<Config> {
    let variables = variables.iter().map(|(name, value)| {
        let (_, key) = VARIABLES.iter().find(|(known, _)| known == name).expect("a known variable");
        (*name, *key, (*value).to_owned())
    });
    Config::merge(text, variables, flags)
}

fn error(text: &str) -> String {
    format!("{:#}", load(text, &[], Vec::new()).expect_err("must be refused"))
}

/// Comment signs before keys are taken away, so that every key of the example is read.
fn example_with_all_keys() -> String {
    let uncomment = |line: &str| match line.strip_prefix("#= ") {
        Some(key) => key.to_owned(),
        None => line.to_owned(),
    };
    EXAMPLE.lines().map(uncomment).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_read_as_it_is() {
    let config = load(EXAMPLE, &[], Vec::new()).unwrap();
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()), "the example shows the defaults");
}

#[test]
fn every_key_of_the_example_is_known() {
    let text = example_with_all_keys();
    let table: Table = text.parse().unwrap();
    for key in ["tls", "log", "keys", "limits", "work", "grid", "price", "trust", "anchor"] {
        assert!(table.contains_key(key), "the example lacks [{key}]");
    }
    let without_proxy = text.replace("behind_proxy = true", "behind_proxy = false");
    let config = load(&without_proxy, &[], Vec::new()).unwrap();
    assert!(config.database_url.is_some() && config.tls.cert.is_some());
    assert!(config.grid.credits.is_some(), "the default is told");
    let open = grid_core::trust::Policy::of(grid_core::trust::GridKind::Open);
    assert_eq!(
        config.trust.over(grid_core::trust::Policy::of(config.grid.kind)),
        grid_core::trust::Policy { grid: config.grid.kind, ..open }
    );
}

#[test]
fn flags_win_over_variables_over_the_file() {
    let text = "name = 'file'\nlisten = '127.0.0.1:1'\n[log]\nfilter = 'warn'";
    let variables = [
        ("FALLOW_NAME", "variable"),
        ("FALLOW_LISTEN", "127.0.0.1:2"),
        ("FALLOW_LOG_JSON", "true"),
        ("FALLOW_GRID_CREDITS", "true"),
        ("FALLOW_GRID_ALLOWANCE", "2.5"),
        ("FALLOW_ANCHOR_SHARE", "100"),
    ];
    let flags: Flags = vec![(&["listen"], Value::String("127.0.0.1:3".into()))];
    let config = load(text, &variables, flags).unwrap();
    assert_eq!((config.name.as_str(), config.listen.port()), ("variable", 3));
    assert_eq!((config.log.filter.as_str(), config.log.json), ("warn", true));
    assert_eq!((config.grid.credits, config.grid.allowance.micro()), (Some(true), 2_500_000));
    assert_eq!((config.anchor.share_permille, config.anchor.units), (100, 1));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    assert!(error("nmae = 'x'").contains("nmae"));
    assert!(error("[limits]\nblob_bytes = 1").contains("blob_bytes"));
    assert!(
        error("[limits]\nuploads_max = -1").contains("uploads_max")
            || error("[limits]\nuploads_max = -1").contains("-1")
    );
    assert!(error("[tls]\ncert = 'a'").contains("go together"));
    assert!(error("[tls]\ncert = 'a'\nkey = 'b'\nbehind_proxy = true").contains("proxy"));
    assert!(error("[work]\nlease_ms = 1").contains("lease_ms"));
    assert!(error("[anchor]\nunits = 0").contains("anchor.units"));
    assert!(error("[anchor]\nshare_permille = -1").contains("-1"));
}

#[test]
fn secrets_do_not_print() {
    let config = load("database_url = 'postgres://u:hunter2@h/d'", &[], Vec::new()).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(config.database().expose(), "postgres://u:hunter2@h/d");
}
