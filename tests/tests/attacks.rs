//! Attacks on a grid that anybody may join, by nodes: for pay without work, or for a wrong result. Each with real
//! nodes beside honest ones. What comes out is right, and the attacker has nothing of it.

use anyhow::{Result, ensure};
use fallow_tests::JOB;
use fallow_tests::evil::{Evil, Misbehaviour};
use fallow_tests::open_grid::{Earned, OpenGrid, earned};
use fallow_tests::steps::{GUEST, Steps};

const NOTHING: Earned = Earned { posted: 0, held: 0 };

/// The job's result is the right one.
async fn is_right(open: &OpenGrid, job: &str, work: &Steps) -> Result<()> {
    let result = String::from_utf8(open.author.result(job).await?)?;
    ensure!(result == work.expected(), "the result is wrong: {result}");
    Ok(())
}

/// It was caught, and whatever it gave has earned nothing.
async fn has_nothing(liar: &mut Evil) -> Result<()> {
    liar.has_lied(1).await?;
    let (info, earned) = (liar.info().await?, earned(&liar.owner).await?);
    ensure!(info["results_wrong"].as_u64() >= Some(1), "{} lies, none found: {info:#}", liar.lies());
    ensure!(earned == NOTHING, "{earned:?} for lies: {info:#}");
    Ok(())
}

/// Honest nodes are not blamed for what others did.
async fn nobody_is_blamed(open: &OpenGrid) -> Result<()> {
    for node in &open.honest {
        let info = node.info().await?;
        ensure!(info["results_wrong"] == 0, "an honest node is blamed: {info:#}");
    }
    Ok(())
}

/// A job of short units with a liar among the nodes, which is all that it ever does.
async fn attack(how: Misbehaviour) -> Result<()> {
    let open = OpenGrid::start(2).await?;
    let mut liar = open.join("liar", 1, how).await?;
    let work = Steps::of(24, 3_000_000);
    let job = open.submit(GUEST, work.lines(), |_| ()).await?;
    is_right(&open, &job, &work).await?;
    has_nothing(&mut liar).await?;
    nobody_is_blamed(&open).await
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_output_is_found_out() -> Result<()> {
    attack(Misbehaviour::Forge { permille: 1_000 }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_runs_nothing_and_guesses_earns_nothing() -> Result<()> {
    attack(Misbehaviour::Guess { says: b"{\"steps\":1,\"hash\":0}".to_vec(), fuel: 1_400_000 }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_failure_is_not_believed() -> Result<()> {
    attack(Misbehaviour::FalseFailure).await
}

#[tokio::test(flavor = "multi_thread")]
async fn inflated_fuel_is_not_paid() -> Result<()> {
    let open = OpenGrid::start(2).await?;
    let work = Steps::of(16, 3_000_000);
    let honest = open.submit(GUEST, work.lines(), |_| ()).await?;
    is_right(&open, &honest, &work).await?;
    let mut liar = open.join("liar", 1, Misbehaviour::Inflate { factor: 3 }).await?;
    let job = open.submit(GUEST, work.lines(), |job| job.seed = Some(2)).await?;
    is_right(&open, &job, &work).await?;
    has_nothing(&mut liar).await?;
    let (with, without) = (open.author.job(&job).await?, open.author.job(&honest).await?);
    ensure!(with["fuel"] == without["fuel"], "the author pays for what nobody used: {with:#} {without:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_time_limit_costs_the_author_nothing() -> Result<()> {
    let open = OpenGrid::start(2).await?;
    let work = Steps::of(16, 3_000_000);
    let honest = open.submit(GUEST, work.lines(), |_| ()).await?;
    is_right(&open, &honest, &work).await?;
    let mut liar = open.join("liar", 1, Misbehaviour::FalseTimeLimit).await?;
    let job = open.submit(GUEST, work.lines(), |job| job.seed = Some(2)).await?;
    is_right(&open, &job, &work).await?;
    liar.has_lied(1).await?;
    let (with, without) = (open.author.job(&job).await?, open.author.job(&honest).await?);
    ensure!(with["fuel"] == without["fuel"], "the author pays for what nobody used: {with:#} {without:#}");
    let earned = earned(&liar.owner).await?;
    ensure!(earned == NOTHING, "{earned:?} for a false time limit");
    Ok(())
}

/// A node earns trust, and then has the grid for itself and forges all. What is held for it is void, and run again.
#[tokio::test(flavor = "multi_thread")]
async fn trust_that_was_earned_does_not_pay_for_cheating() -> Result<()> {
    let open = OpenGrid::start(2).await?;
    let mut sleeper = open.join("sleeper", 1, Misbehaviour::Honest).await?;
    let work = Steps::of(30, 3_000_000);
    // How many of a job's units it gets, and how many of these are checked, is not its own to say.
    for seed in 10..20 {
        let honest = open.submit(GUEST, work.lines(), |job| job.seed = Some(seed)).await?;
        is_right(&open, &honest, &work).await?;
        if sleeper.info().await?["standing"]["is"] == "trusted" {
            break;
        }
    }
    let info = sleeper.info().await?;
    ensure!(info["standing"]["is"] == "trusted", "it has not earned any trust: {info:#}");
    let before = earned(&sleeper.owner).await?;
    sleeper.turn(Misbehaviour::Forge { permille: 1_000 });
    open.control("pause", "paused").await?;
    let job = open.submit(GUEST, work.lines(), |job| job.seed = Some(2)).await?;
    // Half of its results are drawn for a check, which nobody makes yet.
    sleeper.has_lied(20).await?;
    open.control("resume", "resumed").await?;
    is_right(&open, &job, &work).await?;
    let (info, after) = (sleeper.info().await?, earned(&sleeper.owner).await?);
    ensure!(info["results_wrong"].as_u64() >= Some(1) && info["standing"]["is"] != "trusted", "{info:#}");
    ensure!(after.posted <= before.posted + before.held && after.held == 0, "{before:?} {after:?}");
    nobody_is_blamed(&open).await
}

/// Many identities of one owner, all telling the same lie, and new ones when these are known.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_new_identities_is_one_voice() -> Result<()> {
    let open = OpenGrid::start(2).await?;
    let (owner, how) = (open.grid.account("crowd").await?, Misbehaviour::Collude { secret: 7 });
    let mut crowd = Vec::new();
    for name in ["one", "two", "three"] {
        crowd.push(Evil::join(&open.grid, &owner, name, 1, how.clone()).await?);
    }
    let work = Steps::of(24, 3_000_000);
    let job = open.submit(GUEST, work.lines(), |_| ()).await?;
    is_right(&open, &job, &work).await?;
    crowd.push(Evil::join(&open.grid, &owner, "four", 1, how).await?);
    let again = open.submit(GUEST, work.lines(), |job| job.seed = Some(2)).await?;
    is_right(&open, &again, &work).await?;
    let (lies, earned) = (crowd.iter().map(Evil::lies).sum::<u64>(), earned(&owner).await?);
    ensure!(lies > 0 && earned == NOTHING, "{earned:?} for {lies} lies");
    let standing = crowd[3].info().await?["standing"]["is"].clone();
    ensure!(standing == "probation" || standing == "banned", "a new identity is {standing}");
    nobody_is_blamed(&open).await
}

/// One colluder is drawn with honest ones, and stands alone.
#[tokio::test(flavor = "multi_thread")]
async fn colluders_that_are_not_drawn_together_are_found_out() -> Result<()> {
    let open = OpenGrid::start(3).await?;
    let how = Misbehaviour::Collude { secret: 7 };
    let (mut one, mut two) = (open.join("one", 1, how.clone()).await?, open.join("two", 2, how).await?);
    let work = Steps::of(24, 3_000_000);
    let job = open.submit(GUEST, work.lines(), |_| ()).await?;
    is_right(&open, &job, &work).await?;
    ensure!(one.lies() + two.lies() > 0, "nobody lied");
    for liar in [&mut one, &mut two] {
        let earned = earned(&liar.owner).await?;
        ensure!(earned == NOTHING, "{earned:?} for {} lies", liar.lies());
    }
    nobody_is_blamed(&open).await
}

/// Where two colluders are all that there is, they are drawn together, and nothing tells them from honest nodes.
#[tokio::test(flavor = "multi_thread")]
async fn colluders_that_are_drawn_together_are_believed() -> Result<()> {
    let open = OpenGrid::start(0).await?;
    let how = Misbehaviour::Collude { secret: 7 };
    let _two = [open.join("one", 1, how.clone()).await?, open.join("two", 2, how).await?];
    let job = open.submit(GUEST, Steps::of(6, 3_000_000).lines(), |_| ()).await?;
    let result = String::from_utf8(open.author.result(&job).await?)?;
    ensure!(result.matches("forged").count() == 6, "{result}");
    Ok(())
}

/// Steps of the unit whose checkpoint is poisoned.
const STEPS: u8 = 40;

/// A job of one unit that has a poisoned checkpoint: its last step is left to do, with a hash of the attacker's choice.
async fn poisoned(open: &OpenGrid) -> Result<(String, Steps, Evil)> {
    let state = vec![STEPS - 1, 1];
    let mut poisoner = open.join("poisoner", 1, Misbehaviour::PoisonCheckpoint { state }).await?;
    let work = Steps::with_checkpoints(STEPS.into(), 5_000_000);
    let job = open.submit(GUEST, work.lines(), |_| ()).await?;
    poisoner.has_lied(1).await?;
    Ok((job, work, poisoner))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_on_from_a_poisoned_checkpoint_is_checked_and_not_blamed() -> Result<()> {
    let open = OpenGrid::start(0).await?;
    let (job, work, _poisoner) = poisoned(&open).await?;
    let ordinary = open.join("ordinary", 101, Misbehaviour::Honest).await?;
    let started = ordinary.node.process.named("unit_started", JOB).await?;
    ensure!(started["resumed_at_fuel"].as_u64() > Some(0), "there was no poison: {started:#}");
    let anchor = open.join("anchor", 102, Misbehaviour::Honest).await?;
    open.vouch_for(&anchor.id).await?;
    is_right(&open, &job, &work).await?;
    let info = ordinary.info().await?;
    ensure!(info["results_wrong"] == 0, "who went on from a poisoned checkpoint is blamed: {info:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_believed_does_not_go_on_from_a_poisoned_checkpoint() -> Result<()> {
    let open = OpenGrid::start(1).await?;
    open.control("pause", "paused").await?;
    let (job, work, _poisoner) = poisoned(&open).await?;
    open.control("resume", "resumed").await?;
    let started = open.honest[0].node.process.named("unit_started", JOB).await?;
    ensure!(started["resumed_at_fuel"].is_null(), "{started:#}");
    is_right(&open, &job, &work).await
}

/// What breaks at random is found as what lies is; there is no pay for the wrong results.
#[tokio::test(flavor = "multi_thread")]
async fn bits_that_flip_are_found_out() -> Result<()> {
    let open = OpenGrid::start(2).await?;
    let mut flaky = open.join("flaky", 1, Misbehaviour::Flaky { permille: 300 }).await?;
    let work = Steps::of(40, 3_000_000);
    let job = open.submit(GUEST, work.lines(), |_| ()).await?;
    is_right(&open, &job, &work).await?;
    flaky.has_lied(1).await?;
    ensure!(flaky.info().await?["results_wrong"].as_u64() >= Some(1), "{} flips, none found", flaky.lies());
    nobody_is_blamed(&open).await
}

/// Each frame three times more, in every number that it could have: its units are paid once.
#[tokio::test(flavor = "multi_thread")]
async fn replayed_results_are_paid_once() -> Result<()> {
    let open = OpenGrid::start(2).await?;
    let mut replayer = open.join("replayer", 1, Misbehaviour::Replay).await?;
    let work = Steps::of(40, 3_000_000);
    let job = open.submit(GUEST, work.lines(), |_| ()).await?;
    is_right(&open, &job, &work).await?;
    replayer.has_lied(1).await?;
    let (info, earned) = (replayer.info().await?, earned(&replayer.owner).await?);
    let a_unit = open.author.job(&job).await?["fuel"].as_i64().unwrap_or_default() / 40;
    let most = info["units_done"].as_i64().unwrap_or_default() * (a_unit + 1);
    ensure!(earned.posted + earned.held <= most, "{earned:?} at {a_unit} a unit: {info:#}");
    ensure!(info["results_wrong"] == 0, "what is stale is no lie: {info:#}");
    nobody_is_blamed(&open).await
}
