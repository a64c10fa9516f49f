//! A terminal that authenticates what it says and fetches keys.

use super::{DIALECT, opened, put_code, speech, unhex};
use hsm::Key;
use stories::{Client, Speech, Terminal};
use terms::{Code, MessageType, Network, Text, Txn};

/// What two people's components come to, as the program makes a key of them.
pub(crate) fn sum(one: &str, two: &str) -> Key {
    let (one, two) = (Key::tdes(&unhex(one)).expect("16 bytes"), Key::tdes(&unhex(two)).expect("16 bytes"));
    one.xor(&two).expect("alike").with_parity()
}

/// What these terminals speak, and which classes of messages carry codes.
pub(crate) fn of_terminals(classes: &str) -> String {
    let more = format!("classes = {classes}\n[network]\n\"102\" = \"master_key\"\n");
    DIALECT.replace("\"bank\"", "\"atms\"") + &more
}

pub(crate) fn speech_of_terminals(classes: &str) -> Speech {
    Speech {
        dialect: dialects::Dialect::load(&of_terminals(classes)).expect("legal"),
        framing: speech().framing,
    }
}

pub(crate) const ALL: &str = r#"["financial", "reversal", "network"]"#;
pub(crate) const MONEY: &str = r#"["financial", "reversal"]"#;

/// A terminal that puts codes on what it sends.
pub(crate) struct Atm {
    pub(crate) client: Client,
    pub(crate) terminal: Terminal,
    pub(crate) master: Key,
    pub(crate) code: Key,
}

impl Atm {
    pub(crate) fn asks(&mut self, txn: &Txn) -> Txn {
        let speech = speech_of_terminals(ALL);
        let mut body = Vec::new();
        let ours = terms::Outgoing {
            stan: txn.stan,
            rrn: txn.rrn,
            transmitted_at: txn.transmitted_at,
            repeat: false,
        };
        speech.dialect.write_request_with_room(txn, &ours, &mut body).expect("a legal message");
        put_code(&speech, &self.code, &mut body);
        self.client.send_body(&body);
        self.client.answer()
    }

    pub(crate) fn withdraws(&mut self) -> Option<Code> {
        let txn = self.terminal.withdraws(10_000);
        self.asks(&txn).code
    }

    /// Asks for keys; gives the answer's code and what it carries, opened under `over`.
    pub(crate) fn fetches(&mut self, about: Network, over: &Key) -> (Option<Code>, Vec<Key>) {
        let mut txn = Txn::new(MessageType::from_digits([8, 0, 0]).expect("0800"));
        self.terminal.stan = self.terminal.stan.next();
        (txn.network, txn.stan, txn.terminal_id) = (about, self.terminal.stan, self.terminal.id);
        txn.transmitted_at = Text::clipped(b"1122091500");
        let answer = self.asks(&txn);
        let speech = speech_of_terminals(ALL);
        let rule = speech.dialect.key_exchange().expect("it says how");
        let carried = answer.carried.get(rule.noun).unwrap_or_default();
        let keys = rule.take_apart(about == Network::MasterKey, carried).unwrap_or_default();
        let keys = keys.iter().map(|key| {
            let (key, right) = opened(over, key);
            assert!(right, "its check value is right");
            key
        });
        (answer.code, keys.collect())
    }
}
