//! What the owner says, here and on the portal, and what the computer tells: to the rules, and from there to the agent,
//! the workers and the disk.

use std::time::Duration;

use fallow_protocol::api::EarningsReport;
use fallow_protocol::limits::NAME_BYTES_MAX;
use fallow_protocol::link::{NodeState, OwnerWish};
use tokio::time::Instant;

use super::Shell;
use crate::agent::io::{Action, OwnerCommand};
use crate::control::{Asked, Fixed, LenderReport, Reply, Request, StatusReply};
use crate::join::unix_ms;
use crate::policy::{Means, Observation, OwnPause};

/// Workers that may run only a part of the time run so often.
const CYCLE: Duration = Duration::from_secs(1);
/// Longest pause that may be asked for, seconds.
const PAUSE_S_MAX: u64 = 366 * 24 * 3_600;

impl Shell {
    /// The computer was looked at.
    pub(super) fn on_seen(&mut self, seen: Observation) -> Vec<Action> {
        self.lender.see(seen);
        self.follow()
    }

    /// The portal said what its owner wishes. It says the whole of it each time.
    pub(super) fn on_wish(&mut self, wish: &OwnerWish) -> Vec<Action> {
        if let Err(wrong) = wish.preferences.check() {
            tracing::warn!(%wrong, "the portal sent preferences that cannot be; they are left out");
            return Vec::new();
        }
        if let Err(error) = self.keeper.keep_portal(wish) {
            tracing::warn!("what the portal said is not remembered over a restart: {error:#}");
        }
        let is_name =
            !wish.name.is_empty() && wish.name.len() <= NAME_BYTES_MAX && !wish.name.chars().any(char::is_control);
        if is_name && wish.name != self.membership.name {
            self.membership.name.clone_from(&wish.name);
            if let Err(error) = self.data.save_membership(&self.membership) {
                tracing::warn!("the new name is not remembered over a restart: {error:#}");
            }
        }
        self.lender.wish(wish);
        self.follow()
    }

    /// What follows from all that is said and seen: told on, where it is new.
    pub(super) fn follow(&mut self) -> Vec<Action> {
        if self.agent.is_draining() {
            return Vec::new();
        }
        let (pause, offer) = (self.lender.stands(unix_ms()), self.lender.offer());
        let mut commands = vec![OwnerCommand::Word(Box::new(self.lender.word()))];
        if self.offer.as_ref() != Some(&offer) {
            let (slots, memory_bytes, give_back_ms) = (offer.slots, offer.memory_bytes, offer.give_back_ms);
            commands.push(OwnerCommand::Offer { slots, memory_bytes, give_back_ms });
            if let Some(bytes) = offer.disk_bytes {
                self.preparer.cache.set_bytes_max(bytes);
            }
            self.set_duty(offer.duty_permille);
            self.offer = Some(offer);
        }
        if self.pause != pause {
            commands.push(match &pause {
                None => OwnerCommand::Resume,
                Some(pause) if pause.finish => OwnerCommand::Finish { reason: pause.reason.clone() },
                Some(pause) => OwnerCommand::Pause { reason: pause.reason.clone() },
            });
            self.pause = pause;
        }
        self.keep_pause();
        let programs = self.lender.preferences().2.pause_programs.clone().unwrap_or_default();
        self.programs.send_if_modified(|known| {
            *known != programs && {
                *known = programs;
                true
            }
        });
        let now = self.now();
        commands.into_iter().flat_map(|command| self.agent.on_owner_command(now, command)).collect()
    }

    fn keep_pause(&mut self) {
        let own = self.lender.own_pause();
        if self.kept_pause.as_ref() == own {
            return;
        }
        match self.keeper.keep_pause(own) {
            Ok(()) => self.kept_pause = own.cloned(),
            Err(error) => tracing::warn!("the pause is not remembered over a restart: {error:#}"),
        }
    }

    /// When the rules have to be asked again, because a pause ends by itself.
    pub(super) fn pause_ends(&self) -> Option<Instant> {
        let left = self.lender.ends_ms()?.saturating_sub(unix_ms());
        Some(Instant::now() + Duration::from_millis(left))
    }

    fn set_duty(&mut self, permille: u32) {
        self.duty_permille = permille;
        self.turn = (permille < 1_000).then(Instant::now);
        if permille >= 1_000 {
            self.runner.rest(false);
        }
    }

    /// Workers that run only a part of the time change from one to the other.
    pub(super) fn turn(&mut self) {
        let works = self.runner.is_resting();
        self.runner.rest(!works);
        let part = if works { self.duty_permille } else { 1_000 - self.duty_permille };
        self.turn = Some(Instant::now() + CYCLE * part / 1_000);
    }

    /// The owner asks.
    pub(super) fn on_asked(&mut self, (request, reply): Asked) -> Vec<Action> {
        let actions = match request {
            Request::Status => Vec::new(),
            Request::Pause { reason, for_s, finish } => {
                let until_ms = for_s.map(|for_s| unix_ms() + for_s.clamp(1, PAUSE_S_MAX) * 1_000);
                self.lender.pause(OwnPause { reason, until_ms, finish });
                self.follow()
            }
            Request::Resume => {
                self.lender.resume();
                self.follow()
            }
            Request::Choose { preferences } => {
                let kept = preferences.check().map_err(anyhow::Error::from);
                match kept.and_then(|()| self.keeper.keep_local(&preferences)) {
                    Ok(()) => {
                        self.lender.choose(*preferences);
                        self.follow()
                    }
                    Err(error) => {
                        let _ = reply.send(Reply::Refused { error: format!("{error:#}") });
                        return Vec::new();
                    }
                }
            }
            Request::Earnings { days, utc_offset_min } => {
                let asker = self.asker.clone();
                tokio::spawn(async move {
                    let earnings: anyhow::Result<EarningsReport> = asker.earnings(days, utc_offset_min).await;
                    let _ = reply.send(match earnings {
                        Ok(report) => Reply::Earnings(Box::new(report)),
                        Err(error) => Reply::Refused { error: format!("{error:#}") },
                    });
                });
                return Vec::new();
            }
        };
        self.perform(actions);
        let _ = reply.send(Reply::Status(Box::new(self.status())));
        Vec::new()
    }

    fn fixed(&self) -> Fixed {
        let Means { slots, units_memory_bytes: memory_bytes, disk_bytes, .. } = *self.lender.means();
        Fixed { slots, memory_bytes, disk_bytes }
    }

    pub(super) fn status(&self) -> StatusReply {
        let (local, remote, effective) = self.lender.preferences();
        let mut report = self.agent.report();
        let began_ms = unix_ms().saturating_sub(self.now().ms);
        report.units.iter_mut().for_each(|unit| unit.started_at_ms += began_ms);
        StatusReply {
            name: self.membership.name.clone(),
            node: self.membership.node.to_string(),
            grid: self.membership.grid.clone(),
            url: self.membership.url.clone(),
            owner: self.membership.owner.clone(),
            offline: self.offline.clone(),
            lender: LenderReport {
                local: local.clone(),
                remote: remote.clone(),
                effective: effective.clone(),
                fixed: self.fixed(),
                seen: self.lender.seen().clone(),
                until_ms: self.pause.as_ref().and_then(|pause| pause.until_ms),
                finishing: self
                    .pause
                    .as_ref()
                    .filter(|_| report.state == NodeState::Draining)
                    .map(|it| it.reason.clone()),
                page: self.page.clone(),
            },
            report,
        }
    }
}
