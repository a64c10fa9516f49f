use crate::sim::question::{Place, as_stamped, card, digits, question, stamp};
use crate::sim::speech::{SimError, Speech};
use net::{Conn, SendError};
use terms::{Amount, Kind, LocalTime, Rrn, Stan, TerminalId, Txn};

/// Different cards that requests go round.
const CARDS: u64 = 256;

/// One connection and what is under way on it.
pub(super) struct Client {
    pub(super) conn: Option<Conn>,
    pub(super) pending: Vec<Pending>,
    terminal_id: TerminalId,
    stan: Stan,
}

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) stan: Stan,
    pub(super) rrn: Rrn,
    /// Nanoseconds from the start of the run to the moment it was due.
    pub(super) due_ns: u64,
}

/// Requests made beforehand, of which only the numbers and times change.
pub(super) struct Deck {
    txns: Vec<Txn>,
    drawn: u64,
}

impl Client {
    pub(super) fn numbered(number: usize) -> Self {
        let terminal_id = Place::numbered("T", number).terminal_id;
        Self { conn: None, pending: Vec::new(), terminal_id, stan: Stan(0) }
    }

    /// Whether it has room for one more.
    pub(super) fn is_free(&self, depth: usize) -> bool {
        self.conn.is_some() && self.pending.len() < depth
    }

    /// Sends the next request; its latency begins at `due_ns`.
    pub(super) fn ask(&mut self, speech: &Speech, deck: &mut Deck, at: LocalTime, due_ns: u64) -> bool {
        let Some(conn) = &self.conn else { return false };
        self.stan = self.stan.next();
        let txn = deck.draw(self.terminal_id, self.stan, at);
        let header = conn.framing().request_header();
        let sent =
            conn.send(header.as_bytes(), |out| speech.write_request(txn, &as_stamped(txn, false), out));
        if let Err(SendError::Frame(error)) = &sent {
            unreachable!("the deck was tried on this dialect at the start: {error}");
        }
        if sent.is_ok() {
            self.pending.push(Pending { stan: self.stan, rrn: txn.rrn, due_ns });
        }
        sent.is_ok()
    }

    /// Takes the request an answer belongs to.
    pub(super) fn take(&mut self, answer: &Txn) -> Option<Pending> {
        let at = self.pending.iter().position(|pending| pending.stan == answer.stan)?;
        Some(self.pending.swap_remove(at))
    }

    /// Whether an answer is the one this request must get, whatever its code.
    pub(super) fn is_answered_by(&self, pending: &Pending, answer: &Txn) -> bool {
        answer.message == crate::sim::question::REQUEST.answered_by().expect("a request is answered")
            && answer.terminal_id == self.terminal_id
            && (answer.rrn.is_empty() || answer.rrn == pending.rrn)
    }
}

impl Deck {
    /// A deck of cards with these first digits; an error where the dialect cannot say such requests.
    pub(super) fn new(prefix: &str, speech: &Speech, at: LocalTime) -> Result<Self, SimError> {
        let place = Place::numbered("T", 0);
        let new =
            |number| question(Kind::Purchase, &card(prefix, number * 7_919 + 13), Amount::minor(1), &place);
        let mut deck = Self { txns: (0..CARDS).map(new).collect(), drawn: 0 };
        if let Some(secrets) = &speech.secrets {
            deck.txns.iter_mut().for_each(|txn| secrets.put_pin(txn));
        }
        let txn = deck.draw(place.terminal_id, Stan(1), at);
        let written = speech.write_request(txn, &as_stamped(txn, false), &mut Vec::new());
        let dialect = speech.dialect.name().to_owned();
        written.map_err(|source| SimError::CannotSpeak { dialect, source })?;
        Ok(deck)
    }

    fn draw(&mut self, terminal_id: TerminalId, stan: Stan, at: LocalTime) -> &Txn {
        self.drawn += 1;
        let txn = &mut self.txns[(self.drawn % CARDS) as usize];
        stamp(txn, stan, digits(self.drawn), at);
        txn.terminal_id = terminal_id;
        txn.amount = Amount::minor(100 + self.drawn * 37 % 100_000);
        txn
    }
}
