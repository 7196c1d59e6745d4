//! `fallow grid`: which grid is used, and as whom.

use fallow_protocol::api::{GridInfo, Me};
use fallow_protocol::manifest::PROFILE;
use serde_json::json;

use crate::session::Session;
use crate::terminal::escape::line;
use crate::words::{bytes, credits, fuel};

/// The whole command. Without a token it says what anyone may know.
pub async fn grid(session: &Session) -> anyhow::Result<()> {
    let client = session.client_without_token()?;
    let grid = client.grid().await?;
    let me = if session.config.stored.token.is_some() { Some(client.me().await?) } else { None };
    session.terminal.document(&json!({ "url": client.url(), "grid": grid, "account": me }));
    lines(client.url(), &grid, me.as_ref()).iter().for_each(|text| session.terminal.line(text));
    Ok(())
}

fn lines(url: &str, grid: &GridInfo, me: Option<&Me>) -> Vec<String> {
    let profile = if grid.profile == PROFILE { "as this tool" } else { "another than this tool's" };
    let account = match me {
        Some(me) => format!(
            "{} ({}), {} of {} fuel left, may {}",
            line(&me.name),
            line(&me.role),
            fuel(me.fuel_quota.saturating_sub(me.fuel_used)),
            fuel(me.fuel_quota),
            line(&me.scopes.join(" ")),
        ),
        None => "not logged in: fallow login URL".into(),
    };
    vec![
        format!("  grid      {} at {}, version {}", line(&grid.name), line(url), line(&grid.version)),
        format!("  account   {account}"),
        format!("  root key  {}", grid.root_fingerprint),
        format!("  profile   {} ({profile})", line(&grid.profile)),
        format!("  credits   {}", costs(grid)),
        format!("  largest   file {}, component {}", bytes(grid.blob_bytes_max), bytes(grid.component_bytes_max)),
    ]
}

/// Who may be here, and what work costs.
fn costs(grid: &GridInfo) -> String {
    let who = match grid.kind.as_str() {
        "own" => "one person's devices".to_owned(),
        "members" => "members only".to_owned(),
        "open" => "open to anybody".to_owned(),
        other => line(other).to_string(),
    };
    if !grid.credits {
        return format!("none: work costs nothing; {who}");
    }
    let new = if grid.allowance > 0 { format!(", newcomers get {}", credits(grid.allowance)) } else { String::new() };
    let fee = format!("{}.{} % of it is the grid's", grid.price.fee_permille / 10, grid.price.fee_permille % 10);
    format!("{} for 1 T fuel, {fee}{new}; {who}", credits(grid.price.per_tera_fuel))
}

#[cfg(test)]
mod tests {
    use fallow_protocol::Digest;
    use fallow_protocol::api::PriceInfo;

    use super::*;

    #[test]
    fn what_anyone_may_know() {
        let grid = GridInfo {
            name: "garden".into(),
            version: "0.1.0".into(),
            root_fingerprint: Digest([0xab; 32]),
            profile: PROFILE.into(),
            blob_bytes_max: 8 << 30,
            component_bytes_max: 64 << 20,
            kind: "open".into(),
            credits: true,
            price: PriceInfo { per_tera_fuel: 1_000_000, memory_permille: 100, per_gib_day: 10_000, fee_permille: 50 },
            allowance: 5_000_000,
            registration: "closed".into(),
        };
        let shown = lines("https://grid.example", &grid, None);
        assert_eq!(shown[0], "  grid      garden at https://grid.example, version 0.1.0");
        assert_eq!(shown[1], "  account   not logged in: fallow login URL");
        assert_eq!(shown[4], "  credits   1 for 1 T fuel, 5.0 % of it is the grid's, newcomers get 5; open to anybody");
        assert_eq!(shown[5], "  largest   file 8 GiB, component 64 MiB");
    }
}
