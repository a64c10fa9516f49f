//! Too much at once: refused before anything is written, because a refusal costs nothing and a time-out costs
//! a reversal.

use stories::{Story, balance, deposit, story, withdrawal};

#[test]
fn a_terminal_has_one_request_under_way() {
    story("two requests of one terminal")
        .given(|setup| setup.per_terminal_max = 1)
        .host_holds_its_answer()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .asks(withdrawal(20_000))
        .is_told("09")
        .host_was_asked(1)
        .host_answers_now()
        .the_request_is_told("00")
        .ends();
}

#[test]
fn a_host_has_so_many_requests_under_way_and_no_more() {
    story("a host that takes one at a time")
        .given(|setup| setup.links[0].in_flight_max = 1)
        .host_holds_its_answer()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .terminal("ATM00002")
        .asks(withdrawal(20_000))
        .is_told("09")
        .host_was_asked(1)
        .terminal("ATM00001")
        .host_answers_now()
        .is_told("00")
        .ends();
}

#[test]
fn a_host_that_answers_nobody_is_not_asked_any_more() {
    story("a breaker that opens")
        .host_has_ms(300)
        .breaker("requests_min = 2, unanswered_percent = 50, probe_after_ms = 60000")
        .host_is_silent()
        .asks(balance())
        .is_told("68")
        .asks(balance())
        .is_told("68")
        .breaker_is("open")
        .asks(withdrawal(10_000))
        .is_told("91")
        .host_was_asked(2)
        .ends();
}

/// Terminals with a withdrawal under way each.
const BUSY: [&str; 7] = ["ATM00011", "ATM00012", "ATM00013", "ATM00014", "ATM00015", "ATM00016", "ATM00017"];

#[test]
fn the_least_important_are_refused_first() {
    let busy = |story: Story, name| story.terminal(name).asks(withdrawal(10_000)).host_gets_the_request();
    let crowd = story("seven of ten under way")
        .given(|setup| setup.tables_more = "[lane]\nin_flight_max = 10".into())
        .host_holds_its_answer();
    let crowded = BUSY.into_iter().fold(crowd, busy).terminal("ATM00001").asks(balance()).is_told("09");
    let both = crowded
        .asks(deposit(50_000))
        .host_gets_the_request()
        .terminal("ATM00002")
        .asks(withdrawal(20_000))
        .host_gets_the_request()
        .host_answers_now()
        .is_told("00")
        .terminal("ATM00001")
        .is_told("00");
    BUSY.into_iter().fold(both, |story, name| story.terminal(name).is_told("00")).ends();
}

#[test]
fn an_advice_is_taken_however_much_is_under_way() {
    story("a report in a crowd")
        .given(|setup| setup.tables_more = "[lane]\nin_flight_max = 1".into())
        .host_holds_its_answer()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .terminal("ATM00002")
        .asks_and_it_is_lost(deposit(50_000))
        .reports()
        .is_told("00")
        .host_gets("0220")
        .terminal("ATM00001")
        .host_answers_now()
        .is_told("00")
        .ends();
}
