//! What a terminal was authorized to sell and has sold: the host hears of it, whatever happens in between.

use stories::*;
use terms::{Amount, Class, Code, Function, Kind, MessageType, Original, Stan, Txn};

fn message(digits: [u8; 3]) -> MessageType {
    MessageType::from_digits(digits).expect("a message type")
}

/// May this card pay so much?
fn authorization(terminal: &mut Terminal, amount: u64) -> Txn {
    Txn { message: message([1, 0, 0]), ..terminal.asks(Kind::Purchase, amount) }
}

/// It has paid so much, says the terminal, under a trace number of its own.
fn completion(of: &Txn, stan: u32, amount: u64) -> Txn {
    let original = Original {
        message: Some(of.message),
        stan: Some(of.stan),
        transmitted_at: of.transmitted_at,
        acquirer_id: of.acquirer_id,
        ..Original::default()
    };
    let (stan, amount) = (Stan(stan), Amount::minor(amount));
    Txn { message: message([2, 2, 0]), original: Some(original), stan, amount, ..of.clone() }
}

fn exceptions(daemon: &Daemon) -> u64 {
    daemon.figure("/transactions/exceptions")
}

#[test]
fn a_sale_made_on_an_authorization_reaches_the_host_once_and_after_a_crash_too() {
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    setup.links[0].more = "forward = { reply_timeout_ms = 300, repeat_ms = 300 }".into();
    let mut daemon = setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    let mut terminal = Terminal::named("TERM0001");
    let asked = authorization(&mut terminal, 30_000);
    assert_eq!(client.ask(&asked).code, Some(Code::Approved));
    assert_eq!(host.owed_seen().len(), 0, "nothing is sold yet");
    // The host is away when the goods go over the counter: the customer does not wait for it.
    host.acts_when_owed(|_| Act::Silence);
    let sold = completion(&asked, 700, 20_000);
    assert_eq!(client.ask(&sold).code, Some(Code::Approved));
    let first = host.wait_for_owed(1).swap_remove(0).txn;
    assert_eq!((first.message.class, first.message.function), (Class::Financial, Function::Advice));
    assert_eq!((first.amount, first.terminal_id), (Amount::minor(20_000), asked.terminal_id));
    drop(client);
    daemon.kill();
    host.acts_when_owed(|_| Act::Answer);
    let daemon = setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    wait_for("the sale to be posted", || (daemon.figure("/transactions/pending") == 0).then_some(()));
    let told = host.owed_seen();
    assert!(told.iter().all(|seen| seen.txn.amount == first.amount), "{told:?}");
    // The terminal had not heard us.
    let again = Txn { message: message([2, 2, 1]), ..sold.clone() };
    assert_eq!(client.ask(&again).code, Some(Code::Approved));
    assert_eq!((host.owed_seen().len(), exceptions(&daemon)), (told.len(), 0));
    // Sold once more on the same authorization: nobody knows what was agreed, so somebody looks.
    assert_eq!(client.ask(&completion(&asked, 701, 10_000)).code, Some(Code::Approved));
    wait_for("a person to be told", || (exceptions(&daemon) == 1).then_some(()));
    assert_eq!(host.owed_seen().len(), told.len());
}

#[test]
fn a_sale_on_an_authorization_that_was_refused_is_a_persons() {
    let host = Host::acting(|_| Act::Refuse(Code::InsufficientFunds));
    let setup = Setup::with_host(&host);
    let daemon = setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    let asked = authorization(&mut Terminal::named("TERM0001"), 30_000);
    assert_eq!(client.ask(&asked).code, Some(Code::InsufficientFunds));
    assert_eq!(client.ask(&completion(&asked, 700, 30_000)).code, Some(Code::Approved));
    wait_for("a person to be told", || (exceptions(&daemon) == 1).then_some(()));
    assert!(host.owed_seen().is_empty());
}
