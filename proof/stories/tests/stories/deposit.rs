//! Cash in: it is in the machine, whatever anybody says.

use stories::{Story, deposit, story};
use terms::Code;

/// The customer is told what will be: the cash stays in the machine.
fn nobody_answers(title: &'static str) -> Story {
    story(title).host_has_ms(300).host_is_silent()
}

#[test]
fn what_nobody_knows_of_is_posted_where_the_contract_says_so() {
    nobody_answers("an unknown deposit, to be posted")
        .host_contract("deposits = \"post\"")
        .asks(deposit(50_000))
        .is_told("68")
        .host_gets("0220")
        .host_was_asked(1)
        .ends();
}

#[test]
fn what_nobody_knows_of_is_cancelled_where_the_contract_says_so() {
    nobody_answers("an unknown deposit, to be cancelled")
        .host_contract("deposits = \"reverse\"")
        .asks(deposit(50_000))
        .is_told("68")
        .host_gets("0420")
        .ends();
}

#[test]
fn a_deposit_reported_after_it_was_cancelled_is_a_persons() {
    nobody_answers("cancelled, and reported all the same")
        .host_contract("deposits = \"reverse\"")
        .asks(deposit(50_000))
        .is_told("68")
        .host_gets("0420")
        .reports()
        .is_told("00")
        .a_person_is_told()
        .ends();
}

#[test]
fn the_report_of_an_approved_deposit_is_answered_and_no_more() {
    story("reported although it was approved")
        .asks(deposit(50_000))
        .is_told("00")
        .reports()
        .is_told("00")
        .reports_again()
        .is_told("00")
        .ends();
}

#[test]
fn a_report_while_the_host_is_asked_waits_for_its_approval() {
    story("reported before the host approves")
        .host_holds_its_answer()
        .asks(deposit(50_000))
        .host_gets_the_request()
        .reports()
        .is_told("00")
        .host_answers_now()
        .the_request_is_told("00")
        .ends();
}

#[test]
fn a_report_while_the_host_is_asked_becomes_the_posting_when_it_is_silent() {
    story("reported while the host is silent")
        .host_has_ms(4_000)
        .host_contract("deposits = \"reverse\"")
        .host_is_silent()
        .asks(deposit(50_000))
        .host_gets_the_request()
        .reports()
        .is_told("00")
        .the_request_is_told("68")
        .host_gets("0220")
        .ends();
}

#[test]
fn a_report_while_the_host_is_asked_is_a_persons_when_it_refuses() {
    story("reported before the host refuses")
        .host_holds_its_refusal(Code::NotPermittedToCard)
        .asks(deposit(50_000))
        .host_gets_the_request()
        .reports()
        .is_told("00")
        .host_answers_now()
        .the_request_is_told("57")
        .a_person_is_told()
        .ends();
}

#[test]
fn a_report_after_a_refusal_is_a_persons() {
    story("refused, and the cash is in the machine")
        .host_refuses(Code::NotPermittedToCard)
        .asks(deposit(50_000))
        .is_told("57")
        .reports()
        .is_told("00")
        .a_person_is_told()
        .ends();
}

#[test]
fn a_report_nobody_announced_is_posted_once() {
    story("a deposit whose request was lost")
        .asks_and_it_is_lost(deposit(50_000))
        .reports()
        .is_told("00")
        .host_gets("0220")
        .reports_again()
        .is_told("00")
        .asks_the_same_again()
        .is_told("00")
        .host_was_asked(0)
        .ends();
}

#[test]
fn a_report_of_what_is_being_posted_adds_nothing() {
    nobody_answers("reported while it is being posted")
        .host_contract("deposits = \"post\"")
        .asks(deposit(50_000))
        .is_told("68")
        .host_gets("0220")
        .reports()
        .is_told("00")
        .ends();
}

#[test]
fn an_approved_deposit_nobody_was_told_of_stays() {
    story("a deposit machine that hangs up")
        .host_holds_its_answer()
        .asks(deposit(50_000))
        .host_gets_the_request()
        .hangs_up()
        .host_answers_now()
        .nobody_hears_it()
        .asks_again()
        .is_told("00")
        .host_was_asked(1)
        .ends();
}
