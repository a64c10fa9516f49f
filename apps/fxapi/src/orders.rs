//! The link and the switch itself: orders, and how they stand.

use crate::rc::Rc;
use crate::sessions::Session;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How often it is looked how far an order is.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Longest wait for a peer: longer than any timer of a link may be.
const PEER: Duration = Duration::from_secs(620);
/// Longest wait for a recovery.
const RECOVERY: Duration = Duration::from_secs(120);

impl Session {
    /// The link as it stands.
    pub(crate) fn link_now(&self) -> Result<Value, Rc> {
        self.get(&format!("/v1/links/{}", self.link))
    }

    fn order_link(&self, order: &str) -> Result<(), Rc> {
        self.order_link_with(order, json!({}))
    }

    fn order_link_with(&self, order: &str, more: Value) -> Result<(), Rc> {
        let reply = self.order(&format!("/v1/links/{}/{order}", self.link), more)?;
        match (reply.status, reply.code()) {
            (200, _) => Ok(()),
            (_, "sessions_open") => Err(Rc::APPL_IS_REMAINED),
            (_, "no_connection") => Err(Rc::ERR_ALL_CENTER_SESSION),
            (_, "no_sign_on" | "not_spoken") => Err(Rc::ERR_SENDMSG),
            (_, "day_is_ahead") => Err(Rc::NG),
            (409, _) => Err(Rc::PKG_IS_SIGNOFF_OR_SWITCHING),
            (404, _) => Err(Rc::ERR_OPEN_FILE),
            _ => Err(Rc::ERROR_DAEMON),
        }
    }

    /// Signs on and waits for the answer.
    pub(crate) fn sign_on(&self) -> Result<(), Rc> {
        let before = self.link_now()?;
        if before["state"] == "signed-on" {
            return Ok(());
        }
        self.order_link("sign-on")?;
        self.wait_for_link(&before, |link| link["state"] == "signed-on")
    }

    /// Signs off and waits for the answer. Refused while others hold sessions.
    pub(crate) fn sign_off(&self) -> Result<(), Rc> {
        let before = self.link_now()?;
        if before["state"] == "signed-off" {
            return Ok(());
        }
        self.order_link_with("sign-off", self.unless_others())?;
        self.wait_for_link(&before, |link| link["state"] == "signed-off")
    }

    /// Lets business pass, or none that is new, without a message.
    pub(crate) fn set_ready(&self, ready: bool) -> Result<(), Rc> {
        self.order_link(if ready { "ready" } else { "drain" })
    }

    /// Waits until the link is so, or until what was ordered failed.
    fn wait_for_link(&self, before: &Value, is_done: impl Fn(&Value) -> bool) -> Result<(), Rc> {
        let deadline = Instant::now() + PEER;
        loop {
            let link = self.link_now()?;
            if is_done(&link) {
                return Ok(());
            }
            if let Some(failed) = failed_since(before, &link) {
                return Err(failed);
            }
            if Instant::now() >= deadline {
                return Err(Rc::TIME_OUT);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Asks for cutover and waits until the peer has accepted the wish.
    pub(crate) fn ask_cutover(&self) -> Result<(), Rc> {
        let before = self.link_now()?;
        self.order_link("cutreq")?;
        let failure = |link: &Value| link["last_failure"].clone();
        let deadline = Instant::now() + PEER;
        loop {
            let link = self.link_now()?;
            let is_promised = matches!(link["cutover"].as_str(), Some("cutover-asked" | "cutting-over"));
            if is_promised || link["business_date"] != before["business_date"] {
                return Ok(());
            }
            let failed = failure(&link);
            if failed != failure(&before) && failed["about"] == "cutover" {
                return Err(if failed["code"].is_null() { Rc::TIME_OUT } else { Rc::NG });
            }
            if let Some(failed) = failed_since(&before, &link) {
                return Err(failed);
            }
            if Instant::now() >= deadline {
                return Err(Rc::TIME_OUT);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Stops the switch; in order only while nobody else holds a session, about whatever link. Not before it is gone
    /// does this return.
    pub(crate) fn shut_down(&self, by_force: bool) -> Result<(), Rc> {
        let how = if by_force { json!({ "force": true }) } else { self.unless_others() };
        let reply = self.order("/v1/stop", how)?;
        match (reply.status, reply.code()) {
            (200, _) => {}
            (409, "not_signed_off") => return Err(Rc::PKG_IS_NOT_SIGNOFF),
            (409, "sessions_open") => return Err(Rc::APPL_IS_REMAINED),
            _ => return Err(Rc::ERROR_DAEMON),
        }
        let deadline = Instant::now() + PEER;
        while self.get("/v1/status") != Err(Rc::PKG_IS_NOT_STARTED) {
            if Instant::now() >= deadline {
                return Err(Rc::TIME_OUT);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Recovers: done when every host was told of what it is owed, and has acknowledged it.
    pub(crate) fn recover(&self) -> Result<(), Rc> {
        let state = |recovery: &Value| recovery["state"].as_str().unwrap_or_default().to_owned();
        if state(&self.get("/v1/recovery")?) == "not_needed" {
            return Ok(());
        }
        let link = self.link_now()?;
        if link["connections"] == 0 {
            return Err(Rc::ERR_ALL_CENTER_SESSION);
        }
        if link["sign_on"] != "none" && link["state"] != "signed-on" {
            return Err(Rc::PKG_IS_SIGNOFF_OR_SWITCHING);
        }
        self.order("/v1/recovery", json!({}))?;
        let deadline = Instant::now() + RECOVERY;
        loop {
            let is_done = state(&self.get("/v1/recovery")?) == "done";
            if is_done && self.link_now()?["pending"] == 0 {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Rc::ERR_RETRY_OVER);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Whether an unclean stop waits to be put right.
    pub(crate) fn is_recovering(&self) -> Result<bool, Rc> {
        Ok(matches!(self.get("/v1/recovery")?["state"].as_str(), Some("needed" | "running")))
    }

    /// Whether business passes.
    pub(crate) fn is_signed_on(&self) -> Result<bool, Rc> {
        let link = self.link_now()?;
        Ok(link["state"] == "signed-on" || link["sign_on"] == "none" && link["state"] == "connected")
    }

    /// Whether its state is changing.
    pub(crate) fn is_switching(&self) -> Result<bool, Rc> {
        let link = self.link_now()?;
        let is_moving = matches!(link["state"].as_str(), Some("signing-on" | "signing-off" | "draining"));
        Ok(is_moving || link["cutover"] == "cutting-over")
    }

    /// Whether the last day that ended was compared, and balanced in every currency.
    pub(crate) fn is_reconciled(&self) -> Result<bool, Rc> {
        let seen = self.get(&format!("/v1/reconciliations?link={}", self.link))?;
        let all = seen["data"].as_array().ok_or(Rc::ERROR_DAEMON)?;
        Ok(is_balanced(all))
    }

    /// The day money is counted under: year, month, day.
    pub(crate) fn cut_date(&self) -> Result<(i32, u32, u32), Rc> {
        let link = self.link_now()?;
        let day = link["business_date"].as_str().ok_or(Rc::DATA_IS_NOT_READY)?;
        let mut parts = day.splitn(3, '-').map(|part| part.parse::<u32>().ok());
        match (parts.next().flatten(), parts.next().flatten(), parts.next().flatten()) {
            (Some(year), Some(month @ 1..=12), Some(day @ 1..=31)) => Ok((year as i32, month, day)),
            _ => Err(Rc::ERROR_DAEMON),
        }
    }

    /// The switch itself looks whether others hold sessions, at the moment it would do it.
    fn unless_others(&self) -> Value {
        json!({ "unless_sessions": true, "besides": self.id })
    }
}

/// Whether every comparison of the last day among these is balanced, and there is one.
fn is_balanced(all: &[Value]) -> bool {
    let day = |one: &Value| one["business_date"].as_str().unwrap_or_default().to_owned();
    let Some(last) = all.iter().map(day).max() else { return false };
    all.iter().filter(|one| day(one) == last).all(|one| one["state"] == "balanced")
}

/// Why what was ordered will not come, by the changes since.
fn failed_since(before: &Value, link: &Value) -> Option<Rc> {
    let number = |change: &Value| change["number"].as_u64().unwrap_or(0);
    let history = |link: &Value| link["history"].as_array().cloned().unwrap_or_default();
    let last = history(before).last().map_or(0, number);
    history(link).iter().filter(|change| number(change) > last).find_map(|change| {
        match change["cause"].as_str() {
            Some("refused") => Some(Rc::NG),
            Some("unanswered" | "echoes_missed") => Some(Rc::TIME_OUT),
            Some("lost") => Some(Rc::ERR_ALL_CENTER_SESSION),
            _ => None,
        }
    })
}

/// Day of the week (0 is Sunday) and of the year (0 is the first of January).
pub(crate) fn days_of(year: i32, month: u32, day: u32) -> (i32, i32) {
    const BEFORE: [i32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let yday = BEFORE[(month as usize - 1) % 12] + day as i32 - 1 + i32::from(is_leap && month > 2);
    let years = year - 1;
    let days = years * 365 + years / 4 - years / 100 + years / 400 + yday;
    // The first of January of the year 1 was a Monday.
    ((days + 1) % 7, yday)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_its_weekday_and_its_place_in_the_year() {
        for (date, wday, yday) in [
            ((1970, 1, 1), 4, 0),
            ((2024, 2, 29), 4, 59),
            ((2024, 12, 31), 2, 365),
            ((2026, 11, 23), 1, 326),
            ((2100, 3, 1), 1, 59),
        ] {
            assert_eq!(days_of(date.0, date.1, date.2), (wday, yday), "{date:?}");
        }
    }

    #[test]
    fn the_last_day_is_reconciled_when_every_currency_of_it_is() {
        let one = |day: &str, state: &str| json!({ "business_date": day, "state": state });
        for (all, balanced) in [
            (vec![], false),
            (vec![one("2026-11-22", "balanced")], true),
            (vec![one("2026-11-21", "out-of-balance"), one("2026-11-22", "balanced")], true),
            (vec![one("2026-11-22", "balanced"), one("2026-11-23", "open")], false),
            (vec![one("2026-11-23", "balanced"), one("2026-11-23", "out-of-balance")], false),
        ] {
            assert_eq!(is_balanced(&all), balanced, "{all:?}");
        }
    }

    #[test]
    fn an_order_failed_where_a_change_behind_it_says_so() {
        let link = |changes: &[(u64, &str)]| {
            let history: Vec<_> =
                changes.iter().map(|(number, cause)| json!({ "number": number, "cause": cause })).collect();
            json!({ "history": history })
        };
        let before = link(&[(1, "connected"), (2, "refused")]);
        for (after, failed) in [
            (link(&[(1, "connected"), (2, "refused")]), None),
            (link(&[(2, "refused"), (3, "ordered")]), None),
            (link(&[(2, "refused"), (3, "ordered"), (4, "refused")]), Some(Rc::NG)),
            (link(&[(3, "ordered"), (4, "unanswered")]), Some(Rc::TIME_OUT)),
            (link(&[(3, "ordered"), (4, "lost")]), Some(Rc::ERR_ALL_CENTER_SESSION)),
            (json!({}), None),
        ] {
            assert_eq!(failed_since(&before, &after), failed, "{after}");
        }
    }
}
