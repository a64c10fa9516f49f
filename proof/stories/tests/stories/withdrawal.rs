//! Cash out: what is final, what is late, what was never sent.

use stories::{story, withdrawal};
use terms::{BusinessDate, Code};

#[test]
fn what_the_host_says_in_time_is_final() {
    story("an approval in time")
        .asks(withdrawal(10_000))
        .is_told("00")
        .asks_again_and_hears_the_same()
        .host_was_asked(1)
        .ends();
}

#[test]
fn a_refusal_owes_nothing() {
    story("a refusal in time")
        .host_refuses(Code::InsufficientFunds)
        .asks(withdrawal(10_000))
        .is_told("51")
        .host_was_asked(1)
        .ends();
}

#[test]
fn a_second_answer_changes_nothing() {
    story("a host that says everything twice")
        .host_answers_twice()
        .asks(withdrawal(10_000))
        .is_told("00")
        .the_late_answer_is_noted()
        .asks_again()
        .is_told("00")
        .ends();
}

#[test]
fn silence_is_answered_and_given_back_at_once() {
    story("a silent host")
        .host_has_ms(300)
        .host_is_silent()
        .asks(withdrawal(10_000))
        .is_told("68")
        .host_gets("0420")
        .host_was_asked(1)
        .ends();
}

#[test]
fn a_late_approval_is_never_believed() {
    story("a late approval")
        .host_has_ms(300)
        .host_holds_its_answer()
        .asks(withdrawal(10_000))
        .is_told("68")
        .host_gets("0420")
        .host_answers_now()
        .the_late_answer_is_noted()
        .asks_again()
        .is_told("68")
        .host_was_asked(1)
        .ends();
}

#[test]
fn a_late_refusal_changes_nothing_either() {
    story("a late refusal")
        .host_has_ms(300)
        .host_holds_its_refusal(Code::InsufficientFunds)
        .asks(withdrawal(10_000))
        .is_told("68")
        .host_gets("0420")
        .host_answers_now()
        .the_late_answer_is_noted()
        .asks_again()
        .is_told("68")
        .ends();
}

#[test]
fn what_cannot_be_sent_is_refused_and_owes_nothing() {
    story("a host that is down")
        .host_goes_down()
        .asks(withdrawal(10_000))
        .is_told("91")
        .host_comes_back()
        .asks_again()
        .is_told("91")
        .host_was_asked(0)
        .ends();
}

#[test]
fn a_host_that_loses_its_link_is_waited_for_and_not_asked_again() {
    story("a link lost while the host works")
        .host_has_ms(1_000)
        .host_holds_its_answer()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .host_goes_down()
        .host_comes_back()
        .is_told("68")
        .host_gets("0420")
        .host_was_asked(1)
        .ends();
}

#[test]
fn an_approval_of_another_amount_is_declined_and_given_back_whole() {
    story("a host that approves a part")
        .host_approves_another_amount(4_000)
        .asks(withdrawal(10_000))
        .is_told("79")
        .host_gets("0420")
        .ends();
}

#[test]
fn the_clock_of_a_terminal_does_not_choose_the_business_date() {
    let last_year = BusinessDate::new(2025, 12, 31).expect("a day");
    story("a terminal with a wrong clock")
        .asks_with_its_clock_at(withdrawal(10_000), last_year)
        .is_told("00")
        .ends_under_the_switchs_date();
}

#[test]
fn a_terminal_without_a_way_to_consistency_gets_no_cash() {
    story("a listener that declares no way")
        .given(|setup| setup.consistency = None)
        .asks(withdrawal(10_000))
        .is_told("86")
        .host_was_asked(0)
        .ends();
}
