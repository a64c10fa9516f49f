//! Terminals take back: before, during and after; a part, too much, twice.

use stories::{story, withdrawal};
use terms::Code;

#[test]
fn an_approved_withdrawal_is_taken_back() {
    story("the dispenser fails")
        .asks(withdrawal(10_000))
        .is_told("00")
        .takes_back()
        .is_told("00")
        .host_gets("0420")
        .asks_again()
        .is_told("79")
        .ends();
}

#[test]
fn a_reversal_is_acknowledged_before_the_host_hears_of_it() {
    story("a reversal while the host is down")
        .asks(withdrawal(10_000))
        .is_told("00")
        .host_goes_down()
        .takes_back()
        .is_told("00")
        .switch_still_owes(1)
        .host_comes_back()
        .host_gets("0420")
        .ends();
}

#[test]
fn a_reversal_in_flight_waits_for_the_approval_it_is_about() {
    story("taken back before the host approves")
        .host_holds_its_answer()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .takes_back()
        .is_told("00")
        .host_answers_now()
        .the_request_is_told("79")
        .host_gets("0420")
        .host_was_asked(1)
        .ends();
}

#[test]
fn a_reversal_in_flight_of_what_is_then_refused_adds_nothing() {
    story("taken back before the host refuses")
        .host_holds_its_refusal(Code::InsufficientFunds)
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .takes_back()
        .is_told("00")
        .host_answers_now()
        .the_request_is_told("79")
        .ends();
}

#[test]
fn a_reversal_in_flight_and_the_silence_after_it_owe_one_reversal() {
    story("taken back while the host is silent")
        .host_has_ms(4_000)
        .host_is_silent()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .takes_back()
        .is_told("00")
        .host_gets("0420")
        .the_request_is_told("79")
        .ends();
}

#[test]
fn a_second_reversal_adds_nothing() {
    story("taken back twice")
        .asks(withdrawal(10_000))
        .is_told("00")
        .takes_back()
        .is_told("00")
        .host_gets("0420")
        .takes_back_again()
        .is_told("00")
        .takes_back()
        .is_told("00")
        .ends();
}

#[test]
fn a_reversal_of_what_was_refused_adds_nothing() {
    story("a refusal taken back")
        .host_refuses(Code::InsufficientFunds)
        .asks(withdrawal(10_000))
        .is_told("51")
        .takes_back()
        .is_told("00")
        .ends();
}

#[test]
fn a_reversal_of_what_was_never_sent_adds_nothing() {
    story("a request taken back that never left")
        .host_goes_down()
        .asks(withdrawal(10_000))
        .is_told("91")
        .takes_back()
        .is_told("00")
        .host_comes_back()
        .host_was_asked(0)
        .ends();
}

#[test]
fn a_reversal_before_its_request_refuses_the_request_for_ever() {
    story("a request that is overtaken")
        .asks_and_it_is_lost(withdrawal(10_000))
        .takes_back()
        .is_told("00")
        .a_person_is_told()
        .asks_the_same_again()
        .is_told("79")
        .switch_dies()
        .switch_comes_back()
        .asks_the_same_again()
        .is_told("79")
        .host_was_asked(0)
        .ends();
}

#[test]
fn a_reversal_of_what_ran_out_of_time_is_the_same_reversal() {
    story("silence, and then taken back")
        .host_has_ms(300)
        .host_is_silent()
        .asks(withdrawal(10_000))
        .is_told("68")
        .takes_back()
        .is_told("00")
        .host_gets("0420")
        .ends();
}

#[test]
fn a_reversal_cannot_itself_be_reversed() {
    story("a reversal of a reversal")
        .asks(withdrawal(10_000))
        .is_told("00")
        .takes_its_reversal_back()
        .is_told("12")
        .ends();
}

#[test]
fn a_reversal_of_another_amount_is_left_to_a_person() {
    story("a reversal that contradicts its original")
        .asks(withdrawal(10_000))
        .is_told("00")
        .takes_back_another_amount(9_900)
        .is_told("00")
        .a_person_is_told()
        .ends();
}

#[test]
fn what_was_dispensed_stays_and_the_rest_is_given_back() {
    story("a partial dispense")
        .asks(withdrawal(10_000))
        .is_told("00")
        .takes_back_all_but(3_000)
        .is_told("00")
        .host_gets_leaving("0420", Some(3_000))
        .ends();
}

#[test]
fn an_approval_that_provably_reached_nobody_is_given_back() {
    story("a terminal that hangs up")
        .host_holds_its_answer()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .hangs_up()
        .host_answers_now()
        .host_gets("0420")
        .asks_again()
        .is_told("79")
        .ends();
}

#[test]
fn a_short_line_that_breaks_changes_nothing_before_the_answer() {
    story("one request a connection, and it breaks")
        .on_a_short_line()
        .host_holds_its_answer()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .hangs_up()
        .asks_again()
        .the_repeat_is_swallowed()
        .host_answers_now()
        .is_told("00")
        .host_was_asked(1)
        .ends();
}

#[test]
fn an_approval_nobody_is_heard_to_have_got_stands() {
    story("a terminal that falls silent")
        .asks(withdrawal(10_000))
        .is_told("00")
        .hangs_up()
        .asks_again()
        .is_told("00")
        .ends();
}
