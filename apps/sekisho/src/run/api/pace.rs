//! So many requests a second of one caller and no more.

use super::Api;
use super::callers::{Caller, LOCAL};
use super::problem::Wrong;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// What each caller has left of this second.
pub(crate) struct Pace {
    most: u32,
    left: Mutex<HashMap<String, (Instant, u32)>>,
}

impl Pace {
    /// At most so many; 0 for any number.
    pub(crate) fn new(most: u32) -> Self {
        Self { most, left: Mutex::default() }
    }

    /// Takes one; what is left of this second, or `None` where nothing was.
    fn take(&self, caller: &str, now: Instant) -> Option<u32> {
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        // Callers have keys, which are few: nothing here grows by what strangers send.
        let (since, left) = all.entry(caller.to_owned()).or_insert((now, self.most));
        if now.duration_since(*since).as_secs() >= 1 {
            (*since, *left) = (now, self.most);
        }
        *left = left.checked_sub(1)?;
        Some(*left)
    }
}

/// Before everything that costs anything.
pub(crate) async fn paced(State(api): State<Api>, request: Request, next: Next) -> Response {
    if api.pace.most == 0 {
        return next.run(request).await;
    }
    let most = api.pace.most;
    let caller = request.extensions().get::<Caller>().map_or(LOCAL, |caller| caller.name.as_str());
    let left = api.pace.take(caller, Instant::now());
    let mut response = match left {
        Some(_) => next.run(request).await,
        None => Wrong::RateLimited
            .said(format!("more than {most} requests in a second"))
            .after_s(1)
            .into_response(),
    };
    let headers = response.headers_mut();
    let mut say = |name: &'static str, text: String| {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    };
    say("ratelimit-policy", format!("\"caller\";q={most};w=1"));
    say("ratelimit", format!("\"caller\";r={};t=1", left.unwrap_or(0)));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_caller_has_a_pace_of_its_own_and_a_new_one_each_second() {
        let pace = Pace::new(2);
        let now = Instant::now();
        assert_eq!([pace.take("a", now), pace.take("a", now), pace.take("a", now)], [Some(1), Some(0), None]);
        assert_eq!(pace.take("b", now), Some(1));
        assert_eq!(pace.take("a", now + Duration::from_secs(1)), Some(1));
    }
}
