//! The life of a link, told through the front door: sign-on, sign-off, echo, drain, maintenance.

mod world;

use journal::{LinkOrder, Record};
use switch::{CannotOrder, Cause, Event, LaneConfig, LinkState, Management, MayLeave, SignOn, Tell};
use terms::{
    Code, ConnId, LinkId, MessageType, Network, NetworkTypes, Outcome, Outgoing, Stan, Text, Txn, TxnId,
};
use world::*;

const ECHO_IDLE_MS: u32 = 60_000;
const CONTROL_MS: u32 = 45_000;
const CLOSE_MS: u32 = 70_000;
const ECHO_MS: u32 = 90_000;
const RETRY_MS: u32 = 30_000;

fn types() -> NetworkTypes {
    let mut types = NetworkTypes::default();
    for about in [Network::SignOn, Network::SignOff, Network::Echo, Network::Cutover] {
        types.set(about, MessageType::from_digits([8, 0, 0]));
    }
    types
}

/// The bank signs on; the cards need no sign-on.
fn signing(sign_on: SignOn, echo_idle_ms: u32) -> LaneConfig {
    let mut config = config();
    config.links[0].management =
        Management { sign_on, echo_idle_ms, types: types(), ..Management::default() };
    config
}

fn automatic() -> World {
    World::with(signing(SignOn::Automatic, 0))
}

fn by_order() -> World {
    World::with(signing(SignOn::ByOrder, 0))
}

fn ordered(w: &mut World, order: LinkOrder) -> Left {
    w.step(Event::LinkOrdered { link: BANK, order, by: Text::clipped(b"suzuki") })
}

fn state(w: &World) -> LinkState {
    w.lane.status().links[0].state
}

/// The peer's answer to the network message asked last.
fn answered(w: &mut World, code: Code) -> Left {
    let &(link, _, ours) = w.all_asked_since_restart().last().expect("something was asked");
    w.host_says(link, network_reply(ours, code))
}

fn network_reply(ours: Outgoing, code: Code) -> Txn {
    let message = MessageType::from_digits([8, 1, 0]).expect("0810");
    Txn { stan: ours.stan, code: Some(code), outcome: Some(code.outcome()), ..Txn::new(message) }
}

fn peer_asks(w: &mut World, about: Network) -> Left {
    let message = MessageType::from_digits([8, 0, 0]).expect("0800");
    w.host_says(BANK, Txn { network: about, stan: Stan(900_001), ..Txn::new(message) })
}

fn signed_on() -> World {
    let mut w = automatic();
    answered(&mut w, Code::Approved);
    assert_eq!(state(&w), LinkState::SignedOn);
    w
}

fn asked_about(left: &Left, w: &World) -> Option<Network> {
    left.asked.last().and_then(|_| w.last_asked()).map(|txn| txn.network)
}

#[test]
fn a_link_signs_on_as_soon_as_it_stands_and_takes_business_when_that_was_accepted() {
    let mut w = automatic();
    assert_eq!(state(&w), LinkState::SigningOn);
    let asked = w.last_asked().expect("a sign-on");
    assert_eq!((asked.network, asked.message.digits()), (Network::SignOn, [8, 0, 0]));
    assert_eq!(w.ask(withdrawal(1)).answer(), (Code::HostDown, Outcome::NotSent), "not signed on yet");
    let left = answered(&mut w, Code::Approved);
    let (link, cause) = (BANK, Cause::Accepted);
    assert_eq!(left.told, [Tell::Link { link, state: LinkState::SignedOn, cause }]);
    assert_eq!(w.ask(withdrawal(2)).asked.len(), 1);
}

#[test]
fn a_link_without_sign_on_is_used_as_soon_as_it_stands() {
    let mut w = by_order();
    let cards = Txn { pan: terms::Pan::new(b"6222000000000000").expect("digits"), ..withdrawal(1) };
    assert_eq!(w.ask(cards).asked_once().0, CARDS);
    assert_eq!(w.lane.may_order(CARDS, LinkOrder::SignOn), Err(CannotOrder::NoSignOn));
}

#[test]
fn business_is_refused_in_every_state_but_signed_on() {
    let mut w = by_order();
    assert_eq!(state(&w), LinkState::Connected);
    let refused = |w: &mut World, stan, why: &str| {
        let left = w.ask(withdrawal(stan));
        let Some(Record::Declined(declined)) = left.records.first() else { panic!("{:?}", left.records) };
        assert_eq!((left.answer(), declined.reason.as_str()), ((Code::HostDown, Outcome::NotSent), why));
    };
    refused(&mut w, 1, "not signed on");
    ordered(&mut w, LinkOrder::SignOn);
    refused(&mut w, 2, "not signed on");
    answered(&mut w, Code::Approved);
    let (_, _, ours) = w.ask(withdrawal(3)).asked_once();
    ordered(&mut w, LinkOrder::SignOff);
    assert_eq!(state(&w), LinkState::Draining, "one is in flight");
    refused(&mut w, 4, "link draining");
    w.host_says(BANK, reply(ours, Code::Approved));
    assert_eq!(state(&w), LinkState::SigningOff);
    refused(&mut w, 5, "link draining");
    answered(&mut w, Code::Approved);
    assert_eq!(state(&w), LinkState::SignedOff);
    refused(&mut w, 6, "not signed on");
    ordered(&mut w, LinkOrder::Maintain);
    refused(&mut w, 7, "link in maintenance");
    w.step(Event::LinkDown { link: BANK });
    refused(&mut w, 8, "host down");
}

#[test]
fn an_answer_in_flight_while_the_link_drains_is_still_taken() {
    let mut w = signed_on();
    let (_, _, ours) = w.ask(withdrawal(1)).asked_once();
    ordered(&mut w, LinkOrder::Drain);
    let told = w.host_says(BANK, reply(ours, Code::Approved));
    assert_eq!(told.answer(), (Code::Approved, Outcome::Approved));
    assert_eq!(state(&w), LinkState::Draining, "drained: it stays in session until it is made ready");
    ordered(&mut w, LinkOrder::Ready);
    assert_eq!(state(&w), LinkState::SignedOn);
}

#[test]
fn what_is_owed_waits_for_the_sign_on() {
    let mut w = signed_on();
    w.ask(withdrawal(1)).asked_once();
    w.step(Event::LinkDown { link: BANK });
    w.wait_ms(REPLY_TIMEOUT_MS);
    assert_eq!(w.lane.pending(), 1);
    let left = w.step(Event::LinkUp { link: BANK });
    assert_eq!(asked_about(&left, &w), Some(Network::SignOn), "nothing but the sign-on");
    assert_eq!(left.asked.len(), 1);
    let left = answered(&mut w, Code::Approved);
    assert_eq!(left.record_names(), ["attempt"]);
}

#[test]
fn a_refused_sign_on_is_tried_again_by_itself_and_the_reason_is_kept() {
    let mut w = automatic();
    answered(&mut w, Code::NotPermittedToTerminal);
    assert_eq!(state(&w), LinkState::Connected);
    let seen = w.lane.link_seen(w.now.instant, BANK).expect("it is there");
    let failure = seen.last_failure.expect("it failed");
    assert_eq!((failure.about, failure.code), (Network::SignOn, Some(Code::NotPermittedToTerminal)));
    assert_eq!(w.wait_ms(RETRY_MS - 1).order, "");
    let left = w.wait_ms(1);
    assert_eq!(asked_about(&left, &w), Some(Network::SignOn));
}

#[test]
fn an_unanswered_sign_on_fails_after_its_timer_and_by_order_it_is_a_persons_to_try_again() {
    let mut w = by_order();
    ordered(&mut w, LinkOrder::SignOn);
    w.wait_ms(CONTROL_MS - 1);
    assert_eq!(state(&w), LinkState::SigningOn);
    let left = w.wait_ms(1);
    let (link, cause) = (BANK, Cause::Unanswered);
    assert_eq!(left.told, [Tell::Link { link, state: LinkState::Connected, cause }]);
    assert_eq!(w.wait_ms(10 * RETRY_MS).order, "", "nobody ordered another");
    let late = answered(&mut w, Code::Approved);
    assert!(matches!(late.told[..], [Tell::StrangeAnswer { .. }]), "{:?}", late.told);
    assert_eq!(state(&w), LinkState::Connected);
}

#[test]
fn the_peer_may_sign_on_and_off_and_is_answered_by_ourselves() {
    let mut w = by_order();
    let left = peer_asks(&mut w, Network::SignOn);
    assert_eq!(left.answer(), (Code::Approved, Outcome::Approved));
    assert_eq!(state(&w), LinkState::SignedOn);
    assert_eq!(peer_asks(&mut w, Network::Echo).answer(), (Code::Approved, Outcome::Approved));
    peer_asks(&mut w, Network::SignOff);
    assert_eq!(state(&w), LinkState::SignedOff);
    ordered(&mut w, LinkOrder::Maintain);
    assert_eq!(peer_asks(&mut w, Network::SignOn).answer(), (Code::HostDown, Outcome::Refused));
    assert_eq!(state(&w), LinkState::Maintenance);
}

#[test]
fn crossing_sign_ons_end_signed_on_and_neither_answer_disturbs() {
    let mut w = automatic();
    let &(link, _, ours) = w.all_asked_since_restart().last().expect("our sign-on");
    peer_asks(&mut w, Network::SignOn);
    assert_eq!(state(&w), LinkState::SignedOn);
    w.host_says(link, network_reply(ours, Code::Malfunction));
    assert_eq!(state(&w), LinkState::SignedOn, "our own question was overtaken");
}

#[test]
fn a_sign_off_that_nobody_answers_leaves_the_link_drained_for_a_person() {
    let mut w = signed_on();
    ordered(&mut w, LinkOrder::SignOff);
    assert_eq!(state(&w), LinkState::SigningOff);
    w.wait_ms(CLOSE_MS);
    assert_eq!(state(&w), LinkState::Draining);
    assert_eq!(w.wait_ms(CLOSE_MS).order, "", "it is not tried for ever");
    ordered(&mut w, LinkOrder::SignOff);
    answered(&mut w, Code::Approved);
    assert_eq!(state(&w), LinkState::SignedOff);
}

/// Nobody knows whether the peer takes the session for closed: business in a closed one is lost.
#[test]
fn a_link_whose_sign_off_nobody_answered_comes_back_by_signing_on_anew() {
    let mut w = signed_on();
    ordered(&mut w, LinkOrder::SignOff);
    w.wait_ms(CLOSE_MS);
    let ready = ordered(&mut w, LinkOrder::Ready);
    assert_eq!((asked_about(&ready, &w), state(&w)), (Some(Network::SignOn), LinkState::SigningOn));
    answered(&mut w, Code::Approved);
    assert_eq!(state(&w), LinkState::SignedOn);
    // A session that was only drained stands, and so does one whose peer has said so since.
    ordered(&mut w, LinkOrder::Drain);
    assert_eq!(ordered(&mut w, LinkOrder::Ready).order, "rt");
    ordered(&mut w, LinkOrder::SignOff);
    w.wait_ms(CLOSE_MS);
    peer_asks(&mut w, Network::SignOn);
    ordered(&mut w, LinkOrder::Ready);
    assert_eq!(state(&w), LinkState::SignedOn);
}

#[test]
fn a_lost_link_signs_on_again_and_one_a_person_signed_off_does_not() {
    let mut w = signed_on();
    w.step(Event::LinkDown { link: BANK });
    assert_eq!(state(&w), LinkState::Disconnected);
    w.step(Event::LinkUp { link: BANK });
    answered(&mut w, Code::Approved);
    ordered(&mut w, LinkOrder::SignOff);
    answered(&mut w, Code::Approved);
    w.step(Event::LinkDown { link: BANK });
    w.step(Event::LinkUp { link: BANK });
    assert_eq!(state(&w), LinkState::Connected);
}

#[test]
fn a_quiet_link_is_asked_for_an_echo_and_given_up_after_so_many_misses() {
    let mut w = World::with(signing(SignOn::Automatic, ECHO_IDLE_MS));
    answered(&mut w, Code::Approved);
    assert_eq!(w.wait_ms(ECHO_IDLE_MS - 1).order, "");
    let left = w.wait_ms(1);
    assert_eq!(asked_about(&left, &w), Some(Network::Echo));
    answered(&mut w, Code::Approved);
    let seen = w.lane.link_seen(w.now.instant, BANK).expect("it is there");
    assert_eq!((seen.echoes_answered, seen.echoes_missed), (1, 0));
    w.wait_ms(ECHO_IDLE_MS);
    for misses in 1..=2 {
        let left = w.wait_ms(ECHO_MS);
        assert_eq!(left.told, [Tell::EchoMissed { link: BANK, misses }]);
        assert_eq!(asked_about(&left, &w), Some(Network::Echo), "asked again at once");
        assert!(left.hung_up.is_empty());
    }
    let left = w.wait_ms(ECHO_MS);
    assert_eq!(left.hung_up, [BANK]);
    assert_eq!(state(&w), LinkState::Disconnected);
    w.step(Event::LinkDown { link: BANK });
    let left = w.step(Event::LinkUp { link: BANK });
    assert_eq!(asked_about(&left, &w), Some(Network::SignOn), "connected anew, signed on anew");
}

#[test]
fn any_word_of_the_peer_is_a_sign_of_life() {
    let mut w = World::with(signing(SignOn::Automatic, ECHO_IDLE_MS));
    answered(&mut w, Code::Approved);
    let (_, _, ours) = w.ask(withdrawal(1)).asked_once();
    w.wait_ms(ECHO_IDLE_MS / 3);
    w.host_says(BANK, reply(ours, Code::Approved));
    assert_eq!(w.wait_ms(ECHO_IDLE_MS - 1).order, "", "its silence counts from its last word");
    w.wait_ms(1);
    for _ in 0..5 {
        w.wait_ms(ECHO_MS / 2);
        peer_asks(&mut w, Network::Echo);
        let left = w.wait_ms(ECHO_MS / 2);
        assert!(!left.told.iter().any(|tell| matches!(tell, Tell::EchoMissed { .. })), "it speaks");
    }
    assert_eq!(state(&w), LinkState::SignedOn);
}

#[test]
fn every_refused_order_says_why_and_changes_nothing() {
    #[rustfmt::skip]
    let table: &[(LinkState, LinkOrder, Result<bool, CannotOrder>)] = &[
        (LinkState::Disconnected, LinkOrder::SignOn,     Err(CannotOrder::NoConnection)),
        (LinkState::Disconnected, LinkOrder::Echo,       Err(CannotOrder::NoConnection)),
        (LinkState::Disconnected, LinkOrder::Drain,      Err(CannotOrder::NoConnection)),
        (LinkState::Disconnected, LinkOrder::Ready,      Err(CannotOrder::NotOut)),
        (LinkState::Disconnected, LinkOrder::AskCutover, Err(CannotOrder::NoConnection)),
        (LinkState::SigningOn,    LinkOrder::SignOn,     Ok(true)),
        (LinkState::SigningOn,    LinkOrder::SignOff,    Err(CannotOrder::AwaitsAnswer)),
        (LinkState::SigningOn,    LinkOrder::AskCutover, Err(CannotOrder::AwaitsAnswer)),
        (LinkState::SignedOn,     LinkOrder::SignOn,     Ok(true)),
        (LinkState::SignedOn,     LinkOrder::Ready,      Ok(true)),
        (LinkState::Maintenance,  LinkOrder::SignOn,     Err(CannotOrder::InMaintenance)),
        (LinkState::Maintenance,  LinkOrder::Maintain,   Ok(true)),
        (LinkState::Maintenance,  LinkOrder::AskCutover, Err(CannotOrder::InMaintenance)),
    ];
    for &(wanted, order, said) in table {
        let mut w = automatic();
        match wanted {
            LinkState::SignedOn => drop(answered(&mut w, Code::Approved)),
            LinkState::Disconnected => drop(w.step(Event::LinkDown { link: BANK })),
            LinkState::Maintenance => {
                answered(&mut w, Code::Malfunction);
                ordered(&mut w, LinkOrder::Maintain);
            }
            _ => {}
        }
        assert_eq!(state(&w), wanted);
        assert_eq!(w.lane.may_order(BANK, order), said, "{wanted:?}: {order:?}");
        let left = ordered(&mut w, order);
        assert!(
            left.records.is_empty() && left.told.is_empty() && left.asked.is_empty(),
            "{wanted:?} {order:?}"
        );
        assert_eq!(state(&w), wanted);
    }
    assert_eq!(automatic().lane.may_order(LinkId(9), LinkOrder::Echo), Err(CannotOrder::NoSuchLink));
}

#[test]
fn an_order_the_dialect_cannot_say_is_refused() {
    let mut config = signing(SignOn::Automatic, 0);
    config.links[0].management.types.set(Network::Cutover, None);
    let mut w = World::with(config);
    answered(&mut w, Code::Approved);
    assert_eq!(w.lane.may_order(BANK, LinkOrder::AskCutover), Err(CannotOrder::NotSpoken));
    assert_eq!(w.lane.may_order(CARDS, LinkOrder::Echo), Err(CannotOrder::NotSpoken));
}

#[test]
fn what_a_person_took_out_of_service_is_out_after_a_restart_too() {
    for by_snapshot in [false, true] {
        let again = |w: &mut World| if by_snapshot { w.restart_from_snapshot() } else { w.restart() };
        let mut w = signed_on();
        ordered(&mut w, LinkOrder::Maintain);
        answered(&mut w, Code::Approved);
        assert_eq!(state(&w), LinkState::Maintenance);
        again(&mut w);
        assert_eq!(state(&w), LinkState::Maintenance);
        assert!(w.all_asked_since_restart().is_empty(), "nobody signs it on");
        ordered(&mut w, LinkOrder::Ready);
        answered(&mut w, Code::Approved);
        ordered(&mut w, LinkOrder::Drain);
        again(&mut w);
        assert_eq!(state(&w), LinkState::Connected);
        assert_eq!(w.lane.may_order(BANK, LinkOrder::SignOn), Err(CannotOrder::IsDrained));
        ordered(&mut w, LinkOrder::Ready);
        again(&mut w);
        assert_eq!(state(&w), LinkState::SigningOn, "as the configuration says");
    }
}

#[test]
fn a_restart_forgets_the_session_and_signs_on_afresh() {
    let mut w = signed_on();
    w.restart();
    assert_eq!(state(&w), LinkState::SigningOn);
    let mut w = by_order();
    ordered(&mut w, LinkOrder::SignOn);
    answered(&mut w, Code::Approved);
    w.restart();
    assert_eq!(state(&w), LinkState::Connected, "by order means by order");
}

#[test]
fn the_history_says_what_happened_in_order_and_who_wanted_it() {
    let mut w = by_order();
    ordered(&mut w, LinkOrder::SignOn);
    answered(&mut w, Code::Approved);
    w.step(Event::LinkDown { link: BANK });
    let seen = w.lane.link_seen(w.now.instant, BANK).expect("it is there");
    let told: Vec<_> = seen.history.iter().map(|one| (one.number, one.state, one.by.as_str())).collect();
    assert_eq!(
        told,
        [
            (1, LinkState::Connected, ""),
            (2, LinkState::SigningOn, "suzuki"),
            (3, LinkState::SignedOn, ""),
            (4, LinkState::Disconnected, ""),
        ]
    );
}

#[test]
fn a_sign_on_that_never_left_has_failed() {
    let mut w = automatic();
    let &(link, id, ours) = w.all_asked_since_restart().last().expect("our sign-on");
    assert_eq!(id, TxnId(0));
    assert_eq!(w.lane.may_leave(w.now.instant, link, ours.stan, id), MayLeave::Yes);
    w.step(Event::Unsent { link, host_stan: ours.stan, id });
    assert_eq!(state(&w), LinkState::Connected);
    assert_eq!(w.lane.may_leave(w.now.instant, link, ours.stan, id), MayLeave::No);
}

#[test]
fn what_was_written_for_a_session_does_not_leave_before_the_next_one_has_begun() {
    let mut w = signed_on();
    let (link, id, ours) = w.ask(withdrawal(1)).asked_once();
    let may = |w: &World| w.lane.may_leave(w.now.instant, link, ours.stan, id);
    assert_eq!(may(&w), MayLeave::Yes);
    w.step(Event::LinkDown { link });
    w.step(Event::LinkUp { link });
    assert_eq!((state(&w), may(&w)), (LinkState::SigningOn, MayLeave::TooLate), "the disk was slow");
    answered(&mut w, Code::Approved);
    assert_eq!(may(&w), MayLeave::Yes);
}

#[test]
fn a_reload_may_begin_and_end_signing_on() {
    let mut w = World::with(config());
    w.reconfigure(signing(SignOn::Automatic, 0));
    let left = w.wait_ms(0);
    assert_eq!(asked_about(&left, &w), Some(Network::SignOn));
    answered(&mut w, Code::Approved);
    w.reconfigure(config());
    assert_eq!(state(&w), LinkState::Connected);
    assert_eq!(w.ask_on(ConnId(1), withdrawal(1)).asked.len(), 1);
}

#[test]
fn each_sort_of_question_waits_for_its_own_timer() {
    let mut config = config();
    config.links[0].timers.financial_ms = Some(20_000);
    config.links[0].timers.authorization_ms = Some(10_000);
    config.links[0].timers.reversal_ms = Some(5_000);
    let mut w = World::with(config);
    let may = MessageType::from_digits([1, 0, 0]).expect("0100");
    w.ask(Txn { message: may, ..withdrawal(1) });
    w.ask(withdrawal(2));
    w.wait_ms(10_000);
    assert_eq!(w.lane.in_flight(), 1);
    w.wait_ms(5_000);
    let repeats = w.wait_ms(5_000);
    assert_eq!(w.lane.in_flight(), 0);
    assert!(!repeats.asked.is_empty(), "its reversal leaves");
}

fn asks_keys(w: &mut World) -> Left {
    let mut carried = terms::Carried::default();
    carried.push(terms::Noun::Reserved62, b"0123456789ABCDEF");
    w.step(Event::AskKeys { link: BANK, carried })
}

fn exchanging() -> World {
    let mut config = signing(SignOn::None, 0);
    let management = &mut config.links[0].management;
    management.types.set(Network::KeyExchange, MessageType::from_digits([8, 0, 0]));
    World::with(config)
}

#[test]
fn keys_go_to_a_host_and_what_it_says_comes_back_once() {
    let mut w = exchanging();
    let asked = asks_keys(&mut w);
    let (link, txn, ours) = asked.asked_once();
    assert_eq!((link, txn), (BANK, TxnId(0)));
    assert!(asks_keys(&mut w).keys_told == [(BANK, None)], "one exchange at a time");
    let told = w.host_says(BANK, network_reply(ours, Code::Approved));
    assert_eq!(told.keys_told, [(BANK, Some(Code::Approved))]);
    let again = w.host_says(BANK, network_reply(ours, Code::Approved));
    assert!(again.keys_told.is_empty(), "a second answer is nobody's");
    assert!(!asks_keys(&mut w).asked.is_empty(), "and the next may begin");
}

#[test]
fn an_exchange_that_is_lost_is_told_whichever_way_it_was_lost() {
    let mut w = exchanging();
    asks_keys(&mut w);
    assert!(w.wait_ms(CONTROL_MS - 1).keys_told.is_empty());
    assert_eq!(w.wait_ms(1).keys_told, [(BANK, None)], "by silence");
    asks_keys(&mut w);
    assert_eq!(w.step(Event::LinkDown { link: BANK }).keys_told, [(BANK, None)], "with the link");
    assert_eq!(asks_keys(&mut w).keys_told, [(BANK, None)], "nothing is asked of a link that is down");
    w.step(Event::LinkUp { link: BANK });
    let (_, _, ours) = asks_keys(&mut w).asked_once();
    let unsent = w.step(Event::Unsent { link: BANK, host_stan: ours.stan, id: TxnId(0) });
    assert_eq!(unsent.keys_told, [(BANK, None)], "before a byte of it left");
    let mut mute = World::with(signing(SignOn::None, 0));
    assert_eq!(asks_keys(&mut mute).keys_told, [(BANK, None)], "by a dialect without such a message");
}
