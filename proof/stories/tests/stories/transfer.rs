//! Transfers. Between accounts of one host: one message, one decision. Between two hosts: in the program's own tests (`transfers`).

use stories::{story, transfer};
use terms::Code;

#[test]
fn a_transfer_within_one_host_is_one_message() {
    story("a transfer").asks(transfer(25_000)).is_told("00").host_was_asked(1).ends();
}

#[test]
fn a_transfer_nobody_answers_is_given_back() {
    story("an unanswered transfer")
        .host_has_ms(300)
        .host_is_silent()
        .asks(transfer(25_000))
        .is_told("68")
        .host_gets("0420")
        .ends();
}

#[test]
fn a_refused_transfer_owes_nothing() {
    story("a refused transfer")
        .host_refuses(Code::NotPermittedToCard)
        .asks(transfer(25_000))
        .is_told("57")
        .ends();
}
