//! Each rule about money, told through the front door of the real program.
//!
//! A [`story()`] starts `sekisho run` with a journal on disk and a configuration like a user's, a host that does
//! what it is told, and terminals; everybody speaks real frames over TCP. Everything a story says is waited for,
//! each wait has an end, and every process dies with the story that started it. A story that fails prints its
//! timeline, what the switch said, and where the journal lies.
//!
//! The tests of the program are played with the same pieces.
//!
//! # Which story tells which rule
//!
//! Rules (R) are what must hold, races (E) what can happen to a transaction, crash points (K) where the switch
//! can die. A test reads this table: each has a story that exists, or says why not yet.
//!
//! | | Meaning | Told by |
//! |---|---|---|
//! | R1 | the same key is the same request | `repeats::a_repeat_of_what_is_finished_is_given_the_stored_answer`, `repeats::the_same_identity_with_other_content_is_refused_and_changes_nothing` |
//! | R2 | written before it is sent, and sent once | `recovery::a_death_after_the_request_left_gives_it_back`, `withdrawal::a_host_that_loses_its_link_is_waited_for_and_not_asked_again` |
//! | R3 | decided before it is told | `withdrawal::what_the_host_says_in_time_is_final`, `recovery::a_death_after_an_approval_leaves_it_standing` |
//! | R4 | a time-out and its debt are one | `withdrawal::silence_is_answered_and_given_back_at_once`, `recovery::a_death_before_the_first_attempt_does_not_forget_the_debt` |
//! | R5 | a late answer changes nothing | `withdrawal::a_late_approval_is_never_believed`, `withdrawal::a_second_answer_changes_nothing` |
//! | R6 | an approval falls on evidence alone | `reversal::an_approval_that_provably_reached_nobody_is_given_back`, `reversal::an_approval_nobody_is_heard_to_have_got_stands` |
//! | R7 | what was not sent owes nothing | `withdrawal::what_cannot_be_sent_is_refused_and_owes_nothing`, `withdrawal::a_terminal_without_a_way_to_consistency_gets_no_cash`, `overload::a_terminal_has_one_request_under_way`, `overload::a_host_has_so_many_requests_under_way_and_no_more`, `overload::a_host_that_answers_nobody_is_not_asked_any_more`, `overload::the_least_important_are_refused_first`, `overload::an_advice_is_taken_however_much_is_under_way` |
//! | R8 | a terminal takes back | `reversal::an_approved_withdrawal_is_taken_back`, `reversal::a_reversal_is_acknowledged_before_the_host_hears_of_it`, `reversal::a_reversal_of_what_was_never_sent_adds_nothing` |
//! | R9 | repeats get the stored answer | `repeats::a_repeat_of_what_is_finished_is_given_the_stored_answer`, `repeats::a_repeat_of_what_is_in_flight_is_swallowed_and_its_line_gets_the_answer` |
//! | R10 | recovery never sends again | `recovery::a_death_after_the_request_left_gives_it_back` |
//! | R11 | "no original" under the guard | `forwarding::no_such_original_is_not_believed_before_the_guard_is_over`, `forwarding::a_host_that_keeps_tombstones_is_believed_at_once` |
//! | R12 | an unknown deposit | `deposit::what_nobody_knows_of_is_posted_where_the_contract_says_so`, `deposit::what_nobody_knows_of_is_cancelled_where_the_contract_says_so`, `deposit::a_deposit_reported_after_it_was_cancelled_is_a_persons` |
//! | R13 | a report by the state of its request | `deposit::the_report_of_an_approved_deposit_is_answered_and_no_more`, `deposit::a_report_nobody_announced_is_posted_once`, `deposit::a_report_of_what_is_being_posted_adds_nothing` |
//! | R14 | a debt ends paid or with a person | `forwarding::an_unanswered_reversal_is_repeated_under_the_same_numbers`, `forwarding::a_reversal_waits_for_a_host_that_is_down`, `forwarding::a_host_that_is_busy_is_asked_later`, `forwarding::a_reversal_that_must_not_come_twice_is_a_persons_after_one_silence` |
//! | R15 | the business date is ours, fixed once | `withdrawal::the_clock_of_a_terminal_does_not_choose_the_business_date` |
//! | R16 | no session before recovery | `recovery::nobody_is_let_in_before_everything_is_decided`, `recovery::a_customer_who_comes_before_the_host_was_told_is_sent_away` |
//! | E1 | cannot be sent | `withdrawal::what_cannot_be_sent_is_refused_and_owes_nothing` |
//! | E2 | answered in time | `withdrawal::what_the_host_says_in_time_is_final`, `withdrawal::a_refusal_owes_nothing`, `withdrawal::an_approval_of_another_amount_is_declined_and_given_back_whole`, `transfer::a_transfer_within_one_host_is_one_message`, `transfer::a_refused_transfer_owes_nothing` |
//! | E3 | time-out | `withdrawal::silence_is_answered_and_given_back_at_once`, `transfer::a_transfer_nobody_answers_is_given_back`, `inquiry::an_unanswered_question_owes_nothing` |
//! | E4 | late approval | `withdrawal::a_late_approval_is_never_believed` |
//! | E5 | late refusal | `withdrawal::a_late_refusal_changes_nothing_either` |
//! | E6 | taken back in flight | `reversal::a_reversal_in_flight_waits_for_the_approval_it_is_about`, `reversal::a_reversal_in_flight_of_what_is_then_refused_adds_nothing`, `reversal::a_reversal_in_flight_and_the_silence_after_it_owe_one_reversal` |
//! | E7 | taken back when approved | `reversal::an_approved_withdrawal_is_taken_back` |
//! | E8 | taken back twice | `reversal::a_second_reversal_adds_nothing` |
//! | E9 | taken back when refused | `reversal::a_reversal_of_what_was_refused_adds_nothing` |
//! | E10 | taken back before it came | `reversal::a_reversal_before_its_request_refuses_the_request_for_ever` |
//! | E11 | taken back after the time-out | `reversal::a_reversal_of_what_ran_out_of_time_is_the_same_reversal` |
//! | E12 | duplicate request | `repeats::a_repeat_of_what_is_finished_is_given_the_stored_answer`, `repeats::a_repeat_of_what_is_in_flight_is_swallowed_and_its_line_gets_the_answer`, `repeats::a_repeat_after_a_restart_is_given_the_answer_of_before` |
//! | E13 | same trace, other content | `repeats::the_same_identity_with_other_content_is_refused_and_changes_nothing` |
//! | E14 | duplicate report | `deposit::the_report_of_an_approved_deposit_is_answered_and_no_more` |
//! | E15 | report in flight | `deposit::a_report_while_the_host_is_asked_waits_for_its_approval`, `deposit::a_report_while_the_host_is_asked_becomes_the_posting_when_it_is_silent`, `deposit::a_report_while_the_host_is_asked_is_a_persons_when_it_refuses` |
//! | E16 | report after a refusal | `deposit::a_report_after_a_refusal_is_a_persons` |
//! | E17 | repeats from below | `reversal::a_second_reversal_adds_nothing`, `deposit::a_report_nobody_announced_is_posted_once` |
//! | E18 | an advice refused | `forwarding::a_reversal_a_host_refuses_is_a_persons` |
//! | E19 | the host's day changes | not yet: told with a card centre in the program's own tests, in the lane's and in the model |
//! | E20 | an answer reaches nobody | `reversal::an_approval_that_provably_reached_nobody_is_given_back`, `deposit::an_approved_deposit_nobody_was_told_of_stays`, `inquiry::an_answered_question_nobody_hears_owes_nothing` |
//! | E21 | a short line breaks | `reversal::a_short_line_that_breaks_changes_nothing_before_the_answer` |
//! | E22 | the switch dies in flight | `recovery::a_death_after_the_request_left_gives_it_back` |
//! | E23 | the link falls in flight | `withdrawal::a_host_that_loses_its_link_is_waited_for_and_not_asked_again` |
//! | E24 | two switches, one message | not yet: there is no cluster |
//! | E25 | reversal of a reversal | `reversal::a_reversal_cannot_itself_be_reversed` |
//! | E26 | reversal of another amount | `reversal::a_reversal_of_another_amount_is_left_to_a_person` |
//! | E27 | a key changes in flight | not yet: told with security modules in the program's own tests of security and of exchanges |
//! | E28 | an answer's code is wrong | not yet: told with security modules in the program's own tests of security |
//! | E29 | partial dispense | `reversal::what_was_dispensed_stays_and_the_rest_is_given_back` |
//! | E30 | a terminal's clock jumps | `withdrawal::the_clock_of_a_terminal_does_not_choose_the_business_date` |
//! | K0 | read, nothing written | `recovery::a_death_before_anything_was_written_leaves_nothing` |
//! | K1 | remembered, not written | `recovery::a_death_before_anything_was_written_leaves_nothing` |
//! | K2 | written, not sent | not yet: what is durable is as in K4, and only a tracer stops between the two; the test of bad disks does |
//! | K3 | half sent | not yet: a frame is one write; what is durable is as in K4 |
//! | K4 | sent | `recovery::a_death_after_the_request_left_gives_it_back` |
//! | K5 | answered, not decided | `recovery::a_death_between_the_answer_and_its_decision_gives_it_back` |
//! | K6 | approved, not told | `recovery::a_death_after_an_approval_leaves_it_standing` |
//! | K7 | approved and told | `recovery::a_death_after_an_approval_leaves_it_standing`, `repeats::a_repeat_after_a_restart_is_given_the_answer_of_before` |
//! | K8 | refused | `recovery::a_death_after_a_refusal_owes_nothing` |
//! | K9 | timed out | `recovery::a_death_before_the_first_attempt_does_not_forget_the_debt`, `recovery::who_stops_in_order_waits_for_what_is_in_flight` |
//! | K10 | attempt written, not sent | `recovery::a_death_after_an_attempt_repeats_it_under_the_same_numbers` |
//! | K11 | attempt sent | `recovery::a_death_after_an_attempt_repeats_it_under_the_same_numbers` |
//! | K12 | paid, not written | `recovery::a_death_before_the_acknowledgement_is_read_asks_once_more`, `recovery::what_was_paid_before_a_death_is_not_paid_again` |
//! | K13 | within recovery | `recovery::a_death_within_recovery_comes_to_the_same_end` |
//! | K14 | within cutover | not yet: told in the lane's own tests, over 200 days with deaths in them |
//! | K15 | a commit's answer is lost, when sending | not yet: there is no cluster |
//! | K16 | a commit's answer is lost, when deciding | not yet: there is no cluster |
//! | K17 | a gateway dies before asking | not yet: there is no cluster |
//! | K18 | a gateway dies before telling | not yet: there is no cluster |
//! | K19 | an owner resumes too late | not yet: there is no cluster |

mod client;
mod host;
mod journal;
mod luck;
mod process;
mod question;
mod setup;
mod story;

pub use client::{Came, Client, withdraws};
pub use host::{Act, Host, Seen};
pub use journal::{Found, Told, read_journal};
pub use luck::Luck;
pub use process::{Daemon, can_trace, send_signal};
pub use question::{Speech, Terminal};
pub use setup::{LinkSetup, Scratch, Setup, free_address};
pub use story::{Story, Want, balance, deposit, story, transfer, withdrawal};

use std::time::{Duration, Instant};

/// Longest wait for something that must happen. Generous: it is only ever waited out by a failure.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Asks again and again until there is an answer; panics with what was waited for when there is none.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {} s for {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(10));
    }
}
