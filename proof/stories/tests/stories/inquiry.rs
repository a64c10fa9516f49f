//! Questions that move no money owe nothing.

use stories::{balance, story};

#[test]
fn an_unanswered_question_owes_nothing() {
    story("a balance nobody answers").host_has_ms(300).host_is_silent().asks(balance()).is_told("68").ends();
}

#[test]
fn an_answered_question_nobody_hears_owes_nothing() {
    story("a balance, and the terminal is gone")
        .host_holds_its_answer()
        .asks(balance())
        .host_gets_the_request()
        .hangs_up()
        .host_answers_now()
        .nobody_hears_it()
        .ends();
}
