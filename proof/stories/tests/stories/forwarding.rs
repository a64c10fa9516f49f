//! What is owed: again and again until it is paid, or a person has it.

use stories::{Story, story, withdrawal};
use terms::Code;

/// A withdrawal nobody answers, to a host that has a way with what it is owed.
fn unanswered(title: &'static str, manner: impl FnOnce(Story) -> Story) -> Story {
    manner(story(title).host_has_ms(300).host_is_silent())
        .asks(withdrawal(10_000))
        .is_told("68")
        .host_gets("0420")
}

#[test]
fn an_unanswered_reversal_is_repeated_under_the_same_numbers() {
    let quick =
        |story: Story| story.owed_is_sent("reply_timeout_ms = 300, repeat_ms = 300").host_ignores_attempts(2);
    unanswered("a host that ignores a reversal twice", quick).host_gets("0421").host_gets("0421").ends();
}

#[test]
fn a_reversal_waits_for_a_host_that_is_down() {
    story("owed while the host is down")
        .host_has_ms(3_000)
        .host_is_silent()
        .asks(withdrawal(10_000))
        .host_gets_the_request()
        .host_goes_down()
        .is_told("68")
        .switch_still_owes(1)
        .host_comes_back()
        .host_gets("0420")
        .ends();
}

#[test]
fn a_host_that_is_busy_is_asked_later() {
    unanswered("a host that is busy once", |story| story.host_refuses_attempts(1, Code::Busy))
        .host_gets("0421")
        .ends();
}

#[test]
fn a_reversal_a_host_refuses_is_a_persons() {
    unanswered("a host that refuses a reversal", |story| {
        story.host_says_to_what_it_is_owed(Code::FormatError)
    })
    .a_person_is_told()
    .ends();
}

#[test]
fn no_such_original_is_not_believed_before_the_guard_is_over() {
    let guarded = |story: Story| {
        story
            .host_loses_what_it_is_asked()
            .host_contract("guard_ms = 5000")
            .host_says_to_what_it_is_owed(Code::NotFound)
    };
    unanswered("no such original, too early", guarded).host_gets_under_a_fresh_trace("0420").ends();
}

#[test]
fn a_host_that_keeps_tombstones_is_believed_at_once() {
    let buried = |story: Story| {
        story
            .host_loses_what_it_is_asked()
            .host_contract("tombstones = true")
            .host_says_to_what_it_is_owed(Code::NotFound)
    };
    unanswered("no such original, and never will be", buried).ends();
}

#[test]
fn a_reversal_that_must_not_come_twice_is_a_persons_after_one_silence() {
    let once = |story: Story| {
        story
            .host_contract("dedups_reversals = false")
            .owed_is_sent("reply_timeout_ms = 300, repeat_ms = 300")
            .host_ignores_what_it_is_owed()
    };
    unanswered("a host that would do it twice", once).a_person_is_told().ends();
}
