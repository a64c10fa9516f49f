//! The same request again, or nearly.

use stories::{story, withdrawal};

#[test]
fn a_repeat_of_what_is_finished_is_given_the_stored_answer() {
    story("asked again, as a repeat and byte for byte")
        .asks(withdrawal(10_000))
        .is_told("00")
        .asks_again()
        .is_told("00")
        .asks_the_same_again()
        .is_told("00")
        .host_was_asked(1)
        .ends();
}

#[test]
fn a_repeat_of_what_is_in_flight_is_swallowed_and_its_line_gets_the_answer() {
    story("asked again over another line")
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
fn the_same_identity_with_other_content_is_refused_and_changes_nothing() {
    story("another amount under the same trace number")
        .asks(withdrawal(10_000))
        .is_told("00")
        .asks_under_the_same_trace(20_000)
        .is_told("94")
        .asks_again()
        .is_told("00")
        .host_was_asked(1)
        .ends();
}

#[test]
fn a_repeat_after_a_restart_is_given_the_answer_of_before() {
    story("asked again after the switch died")
        .asks(withdrawal(10_000))
        .is_told("00")
        .switch_dies()
        .switch_comes_back()
        .asks_again()
        .is_told("00")
        .host_was_asked(1)
        .ends();
}
