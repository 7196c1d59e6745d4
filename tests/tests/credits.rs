//! Credits as an author and a lender see them: granted, estimated, reserved, spent, returned, and told.

use anyhow::{Context, Result, ensure};
use fallow_tests::grid::{Account, Called, Grid};
use fallow_tests::guests::{component, root};
use serde_json::Value;

/// A fuel costs a micro-credit, so that small units have a price. Two checks end a probation.
const SETTINGS: &str = "[grid]\nkind = 'members'\n[price]\nper_tera_fuel = 1_000_000\n[trust]\nprobation_passes = 2\n\
                        checker_passes = 2\nwindow = 10\nsweep = 1\nsweep_window = 10\n";

/// Units of the same size far from zero take about the same fuel.
const UNITS: &[&str] = &["--split", "range:50000000..50400000:20000", "--limit", "fuel=10M"];

async fn operator(grid: &Grid, account: &Account, args: &[&str]) -> Result<Called> {
    let output = account.command(args).env("FALLOW_TOKEN", &grid.operator).output().await?;
    Ok(Called {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// `fallow COMMAND` on the example of primes.
async fn primes(account: &Account, command: &str, args: &[&str]) -> Result<Called> {
    let project = root().join("examples/primes").display().to_string();
    let component = component("examples/primes").await?.display().to_string();
    let mut all = vec![command, project.as_str(), "--component", component.as_str()];
    all.extend(UNITS);
    all.extend(args);
    account.call(&all).await
}

fn number(json: &Value, pointer: &str) -> Result<i64> {
    json.pointer(pointer).and_then(Value::as_i64).with_context(|| format!("expected a number {pointer} in {json:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_costs_about_what_was_estimated_and_the_rest_comes_back() -> Result<()> {
    let grid = Grid::start_with(SETTINGS).await?;
    let (author, ben) = (grid.account("author").await?, grid.account("ben").await?);
    let zoe = grid.account("zoe").await?;
    let granted = operator(&grid, &author, &["account", "grant", "author", "200", "--note", "welcome"]).await?;
    ensure!(granted.code == 0 && granted.out.contains("got 200 credits"), "{granted:?}");
    let _nodes = (grid.node(&ben, "one", &[]).await?, grid.node(&zoe, "two", &[]).await?);

    let estimated = primes(&author, "estimate", &["--json"]).await?;
    let estimated: Value = serde_json::from_str(&estimated.out).with_context(|| format!("{estimated:?}"))?;
    ensure!(estimated["units"] == 20 && estimated["sampled"] == 1, "{estimated:#}");
    let likely = number(&estimated, "/credits/likely")?;
    let shown = primes(&author, "estimate", &["--sample", "3"]).await?;
    ensure!(shown.code == 0 && shown.out.contains("here alone") && shown.out.contains("credits ("), "{shown:?}");
    ensure!(shown.out.contains("on the grid"), "{shown:?}");

    let submitted = primes(&author, "submit", &["--budget", "150", "--json"]).await?;
    let submitted: Value = serde_json::from_str(&submitted.out).with_context(|| format!("{submitted:?}"))?;
    let job = submitted["id"].as_str().context("an id")?.to_owned();
    let ended = author.job_ended(&job).await?;
    ensure!(ended["phase"] == "done", "{ended:#}");
    let paid = number(&ended, "/spent")? + number(&ended, "/held")?;
    ensure!((paid - likely).abs() * 5 <= paid, "paid {paid}, estimated {likely}");

    let balance = author.json(&["credits", "--all", "--json"]).await?;
    let (available, reserved) = (number(&balance, "/balance/available")?, number(&balance, "/balance/reserved")?);
    ensure!(available + number(&ended, "/spent")? + reserved == 200_000_000, "{balance:#}\n{ended:#}");
    let causes: Vec<&str> =
        balance["items"].as_array().context("items")?.iter().filter_map(|item| item["cause"].as_str()).collect();
    ensure!(causes.last() == Some(&"grant") && causes.contains(&"budget") && causes.contains(&"refund"), "{causes:?}");
    let told = author.call(&["credits"]).await?;
    ensure!(told.out.contains(&job) && told.out.contains("-150") && told.out.contains("welcome"), "{}", told.out);
    let jobs = author.call(&["jobs"]).await?;
    ensure!(jobs.out.contains(" of 150"), "{}", jobs.out);

    // What is held and what was paid is the lenders', less the fee; checks were paid by the grid.
    let mut earned = 0;
    for lender in [&ben, &zoe] {
        let credits = lender.json(&["credits", "--json"]).await?;
        earned += number(&credits, "/balance/available")? + number(&credits, "/balance/pending")?;
        let nodes = lender.call(&["nodes"]).await?;
        ensure!(nodes.out.contains("checks passed"), "{}", nodes.out);
    }
    ensure!(earned >= paid - paid / 20 - 20, "lenders have {earned} of {paid}");
    let trial: Value = {
        let request = fallow_tests::grid::http().get(format!("{}/api/v1/ledger/trial", grid.url));
        request.bearer_auth(&grid.operator).send().await?.error_for_status()?.json().await?
    };
    let nets = trial["accounts"].as_array().context("accounts")?.iter().filter_map(|account| account["net"].as_i64());
    ensure!(nets.sum::<i64>() == 0, "{trial:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_credits_is_said_with_the_right_call() -> Result<()> {
    let grid = Grid::start_with(SETTINGS).await?;
    let author = grid.account("author").await?;
    let check = async |called: Result<Called>, code: i32, words: &[&str]| -> Result<()> {
        let called = called?;
        let right = called.code == code && words.iter().all(|word| called.err.contains(word));
        ensure!(right, "expected code {code} and {words:?}: {called:?}");
        Ok(())
    };
    check(primes(&author, "submit", &[]).await, 2, &["this grid takes credits", "--budget", "fallow estimate"]).await?;
    for (budget, word) in [("0", "more than 0"), ("-3", "negative"), ("1e9", "number"), ("99999999999", "at most")] {
        check(primes(&author, "submit", &["--budget", budget]).await, 2, &[word]).await?;
    }
    check(primes(&author, "submit", &["--budget", "9"]).await, 1, &["do not pay for one unit", "fuel"]).await?;
    check(primes(&author, "submit", &["--budget", "50"]).await, 1, &["has 0.000000 credits", "fallow credits"]).await?;
    check(primes(&author, "submit", &["--verify", "copies=1"]).await, 2, &["copies=2"]).await?;
    check(author.call(&["topup", "job-bbbbbbbbbbbb", "5"]).await, 1, &["no job"]).await?;
    check(author.call(&["account", "grant", "author", "5"]).await, 4, &["admin"]).await?;
    check(operator(&grid, &author, &["account", "grant", "nobody", "5"]).await, 2, &["no account"]).await?;
    check(author.call(&["credits", "--since", "yesterday"]).await, 2, &["2026-11-21"]).await?;
    check(author.call(&["disputes"]).await, 4, &["admin"]).await?;
    let own = primes(&author, "submit", &["--run-on", "own", "--budget", "5", "--json"]).await?;
    ensure!(own.code == 0, "own nodes cost nothing: {own:?}");
    Ok(())
}
