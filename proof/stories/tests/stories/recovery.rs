//! The switch dies, here and there, and comes back.

use stories::{deposit, story, withdrawal};
use terms::Code;

#[test]
fn a_death_after_the_request_left_gives_it_back() {
    story("death while the host works")
        .host_holds_its_answer()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .switch_dies()
        .switch_comes_back()
        .host_gets("0420")
        .asks_again()
        .is_told("68")
        .host_was_asked(1)
        .ends();
}

#[test]
fn a_death_between_the_answer_and_its_decision_gives_it_back() {
    story("the answer came, and nobody read it")
        .host_holds_its_answer()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .switch_freezes()
        .host_answers_now()
        .switch_dies()
        .switch_comes_back()
        .host_gets("0420")
        .asks_again()
        .is_told("68")
        .host_was_asked(1)
        .ends();
}

#[test]
fn a_death_before_anything_was_written_leaves_nothing() {
    story("the request came, and nobody read it")
        .asks(withdrawal(5_000))
        .is_told("00")
        .switch_freezes()
        .asks(withdrawal(10_000))
        .switch_dies()
        .switch_comes_back()
        .takes_back()
        .is_told("00")
        .asks_again()
        .is_told("79")
        .host_was_asked(1)
        .ends();
}

#[test]
fn a_death_after_an_approval_leaves_it_standing() {
    story("death after the approval was told")
        .asks(withdrawal(10_000))
        .is_told("00")
        .switch_dies()
        .switch_comes_back()
        .asks_again()
        .is_told("00")
        .takes_back()
        .is_told("00")
        .host_gets("0420")
        .ends();
}

#[test]
fn a_death_after_a_refusal_owes_nothing() {
    story("death after the refusal was told")
        .host_refuses(Code::InsufficientFunds)
        .asks(withdrawal(10_000))
        .is_told("51")
        .switch_dies()
        .switch_comes_back()
        .asks_again()
        .is_told("51")
        .ends();
}

#[test]
fn a_death_before_the_first_attempt_does_not_forget_the_debt() {
    story("death while the host is down")
        .host_has_ms(3_000)
        .host_is_silent()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .host_goes_down()
        .is_told("68")
        .switch_dies()
        .switch_comes_back()
        .switch_still_owes(1)
        .host_comes_back()
        .host_gets("0420")
        .ends();
}

#[test]
fn a_death_after_an_attempt_repeats_it_under_the_same_numbers() {
    story("death while the host is silent about a reversal")
        .host_has_ms(300)
        .host_is_silent()
        .host_ignores_what_it_is_owed()
        .asks(withdrawal(10_000))
        .is_told("68")
        .host_gets("0420")
        .switch_dies()
        .host_takes_what_it_is_owed()
        .switch_comes_back()
        .host_gets("0421")
        .ends();
}

#[test]
fn a_death_before_the_acknowledgement_is_read_asks_once_more() {
    story("the reversal was taken, and nobody read it")
        .host_has_ms(300)
        .host_is_silent()
        .host_ignores_what_it_is_owed()
        .asks(withdrawal(10_000))
        .is_told("68")
        .host_gets("0420")
        .switch_freezes()
        .switch_dies()
        .host_says_to_what_it_is_owed(Code::Duplicate)
        .switch_comes_back()
        .host_gets("0421")
        .ends();
}

#[test]
fn what_was_paid_before_a_death_is_not_paid_again() {
    story("death after the debt was paid")
        .host_has_ms(300)
        .host_is_silent()
        .asks(withdrawal(10_000))
        .is_told("68")
        .host_gets("0420")
        .switch_still_owes(0)
        .switch_dies()
        .switch_comes_back()
        .asks_again()
        .is_told("68")
        .ends();
}

#[test]
fn a_death_within_recovery_comes_to_the_same_end() {
    let mut story = story("death upon death")
        .host_contract("deposits = \"post\"")
        .host_holds_its_answer()
        .terminal("ATM00001")
        .asks(withdrawal(10_000))
        .terminal("ATM00002")
        .asks(deposit(50_000))
        .terminal("ATM00001")
        .host_gets_the_request()
        .host_gets_the_request()
        .host_ignores_what_it_is_owed();
    for _ in 0..3 {
        story = story.switch_dies().switch_comes_back().host_gets_one_it_is_owed().host_gets_one_it_is_owed();
    }
    story
        .switch_dies()
        .host_takes_what_it_is_owed()
        .switch_comes_back()
        .host_gets_one_it_is_owed()
        .host_gets_one_it_is_owed()
        .asks_again()
        .is_told("68")
        .terminal("ATM00002")
        .asks_again()
        .is_told("68")
        .host_was_asked(2)
        .ends();
}

#[test]
fn nobody_is_let_in_before_everything_is_decided() {
    story("back again, and the host is down")
        .host_holds_its_answer()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .host_goes_down()
        .switch_dies()
        .switch_comes_back()
        .asks_again()
        .is_told("68")
        .switch_still_owes(1)
        .host_comes_back()
        .host_gets("0420")
        .ends();
}

#[test]
fn who_stops_in_order_waits_for_what_is_in_flight() {
    story("an orderly stop")
        .host_has_ms(1_000)
        .host_is_silent()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .host_ignores_what_it_is_owed()
        .switch_is_stopped()
        .host_takes_what_it_is_owed()
        .switch_comes_back()
        .asks_again()
        .is_told("68")
        .host_gets_all_it_is_owed()
        .ends();
}

#[test]
fn a_customer_who_comes_before_the_host_was_told_is_sent_away() {
    story("a customer who comes early")
        .owed_is_sent("reply_timeout_ms = 4000, repeat_ms = 4000, window = 1")
        .host_ignores_attempts(1)
        .host_holds_its_answer()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .terminal("ATM00002")
        .asks(withdrawal(20_000))
        .host_gets_the_request()
        .switch_dies()
        .switch_comes_back()
        .host_gets_one_it_is_owed()
        .terminal("ATM00003")
        .asks(withdrawal(30_000))
        .is_told("91")
        .host_approves()
        .host_gets_all_it_is_owed()
        .asks(withdrawal(40_000))
        .is_told("00")
        .host_was_asked(3)
        .ends();
}
