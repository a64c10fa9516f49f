//! The same messages as bytes: framed, written by one side's dialect and read back by the other's, as on a wire.
//! What a stranger makes up may not fit a dialect, and is counted; what honest parties say has to.

use crate::host::Frame;
use crate::invariant::Invariant;
use crate::luck::Luck;
use crate::marks::Mark;
use crate::mutant::Mutant;
use crate::recon::is_about_totals;
use crate::swarm::Recon;
use crate::world::{HOSTS, World};
use dialects::Dialect;
use std::sync::Arc;
use terms::{Answer, BusinessDate, Class, LinkId, NetworkTypes, Outgoing, Text, Txn};
use wire::{Framing, Next};

pub(crate) struct Codec {
    source: Leg,
    hosts: [Leg; HOSTS],
}

/// One side's way to write.
struct Leg {
    dialect: Dialect,
    framing: Framing,
}

const DIALECTS: [&str; 5] = ["iso87-ascii", "iso87-binary", "iso87-ebcdic", "iso93-ascii", "iso93-binary"];
const FRAMINGS: [&str; 5] = ["ascii4", "bin2", "bin2+tpdu", "ascii4i", "bcd2+etx"];
const TODAY: (u16, u8, u8) = (2026, 11, 22);

impl Codec {
    /// Three parties, each with a dialect and a framing drawn from the seed.
    pub(crate) fn new(luck: &mut Luck) -> Self {
        let mut leg = || Leg {
            dialect: Dialect::named(DIALECTS[luck.below(5) as usize]).expect("a shipped dialect"),
            framing: Framing::named(FRAMINGS[luck.below(5) as usize]).expect("a framing of the house"),
        };
        Self { source: leg(), hosts: [leg(), leg(), leg()] }
    }

    /// Whether terminals, and each of the hosts, can say that a part of what is taken back remains.
    pub(crate) fn say_remaining(&self) -> (bool, [bool; HOSTS]) {
        let says = |leg: &Leg| leg.dialect.says_remaining();
        (says(&self.source), self.hosts.each_ref().map(says))
    }

    /// As what each host says network messages.
    pub(crate) fn network_types(&self) -> [NetworkTypes; HOSTS] {
        self.hosts.each_ref().map(|leg| leg.dialect.network_types())
    }

    /// How each host makes totals.
    pub(crate) fn reconciliations(&self) -> [Recon; HOSTS] {
        self.hosts.each_ref().map(|leg| {
            let rule = leg.dialect.reconciliation();
            rule.map_or(Recon::default(), |rule| Recon {
                reversals: rule.reversals,
                net: rule.net,
                message: rule.message.digits(),
                ..Recon::default()
            })
        })
    }

    /// A terminal's message on its wire.
    fn of_terminal(&self, txn: &Txn) -> Result<Vec<u8>, String> {
        let ours = Outgoing {
            stan: txn.stan,
            rrn: txn.rrn,
            transmitted_at: txn.transmitted_at,
            repeat: txn.message.is_repeat(),
        };
        self.source.framed(|out| self.source.dialect.write_request(txn, &ours, out))
    }

    fn to_terminal(&self, request: &Txn, answer: &Answer) -> Result<Txn, String> {
        let bytes = self.source.framed(|out| self.source.dialect.write_answer(request, answer, out))?;
        self.source.read(&bytes)
    }

    fn to_host(&self, frame: &Frame) -> Result<Vec<u8>, String> {
        let leg = &self.hosts[usize::from(frame.link.0)];
        leg.framed(|out| leg.dialect.write_request(&frame.request, &frame.ours, out))
    }

    fn of_host(&self, frame: &Frame, answer: &Txn) -> Result<Txn, String> {
        let leg = &self.hosts[usize::from(frame.link.0)];
        let (code, outcome) = answer.code.zip(answer.outcome).ok_or("an answer without a code")?;
        let said = Answer {
            approval_code: answer.approval_code,
            settlement_date: answer.settlement_date,
            totals: answer.totals.clone(),
            carried: answer.carried.clone(),
            ..Answer::ours(code, outcome)
        };
        let request = Txn { stan: frame.ours.stan, rrn: frame.ours.rrn, ..Txn::clone(&frame.request) };
        leg.read(&leg.framed(|out| leg.dialect.write_answer(&request, &said, out))?)
    }
}

impl Leg {
    fn framed<E: std::fmt::Display>(
        &self,
        body: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Vec<u8>, String> {
        let mut written = Vec::new();
        body(&mut written).map_err(|error| error.to_string())?;
        let header = self.framing.request_header();
        let mut bytes = Vec::new();
        let whole = self.framing.write(header.as_bytes(), &mut bytes, |out| {
            out.extend_from_slice(&written);
            Ok::<(), std::convert::Infallible>(())
        });
        whole.map_err(|error| error.to_string()).map(|()| bytes)
    }

    fn read(&self, bytes: &[u8]) -> Result<Txn, String> {
        match self.framing.next(bytes).map_err(|error| error.to_string())? {
            Next::Frame { body, consumed, .. } if consumed == bytes.len() => {
                let (year, month, day) = TODAY;
                let today = BusinessDate::new(year, month, day).ok_or("no such day")?;
                self.dialect.read(body, today).map_err(|refusal| refusal.error.to_string())
            }
            other => Err(format!("no frame: {other:?}")),
        }
    }

    /// Whether a piece of a frame is taken for anything but the beginning of one.
    fn half_is_nothing(&self, bytes: &[u8], at: usize) -> bool {
        matches!(self.framing.next(&bytes[..at]), Ok(Next::NeedMore { .. }))
    }
}

impl World {
    /// What the switch reads of what a terminal wrote; nothing where that cannot be written.
    pub(crate) fn read_of_terminal(&mut self, at: usize, txn: Txn) -> Option<Txn> {
        let Some(codec) = &self.codec else { return Some(txn) };
        let read = codec.of_terminal(&txn).and_then(|bytes| codec.source.read(&bytes));
        let read =
            read.and_then(|read| if is_same(&txn, &read) { Ok(read) } else { Err(differs(&txn, &read)) });
        self.fits(!self.is_hostile(at), "terminal to switch", read)
    }

    /// What a terminal reads of what the switch answers.
    pub(crate) fn read_of_switch(&mut self, at: usize, request: &Txn, answer: &Answer) -> Option<Txn> {
        let message = request.message.answered_by()?;
        let Some(codec) = &self.codec else {
            return Some(Txn {
                stan: request.stan,
                terminal_id: request.terminal_id,
                code: Some(answer.code),
                outcome: Some(answer.outcome),
                ..Txn::new(message)
            });
        };
        let read = codec.to_terminal(request, answer);
        self.fits(!self.is_hostile(at), "switch to terminal", read)
    }

    /// Turns a frame into what its host reads of it. False where it cannot be written.
    pub(crate) fn write_to_host(&mut self, frame: &mut Frame) -> bool {
        let Some(codec) = &self.codec else { return true };
        let leg = &codec.hosts[usize::from(frame.link.0)];
        let mut read = codec.to_host(frame).and_then(|bytes| leg.read(&bytes));
        if self.mutant == Some(Mutant::Mumbles) {
            read = Err("the wrong rule mumbles".into());
        }
        let honest = is_about_link(frame) || frame.op.is_some_and(|op| self.truth.ops[op].honest);
        match self.fits(honest, "switch to host", read) {
            // What the host reads names its own sender's numbers; the checks need the terminal's.
            Some(read) => frame.request = Arc::new(Txn { stan: frame.request.stan, ..read }),
            None => return false,
        }
        true
    }

    /// What the switch reads of what a host asks it.
    pub(crate) fn read_of_peer(&mut self, link: LinkId, txn: Txn) -> Option<Txn> {
        let Some(codec) = &self.codec else { return Some(txn) };
        let leg = &codec.hosts[usize::from(link.0)];
        let ours = Outgoing {
            stan: txn.stan,
            rrn: txn.rrn,
            transmitted_at: Text::clipped(b"1122092311"),
            repeat: false,
        };
        let written = leg.framed(|out| leg.dialect.write_request(&txn, &ours, out));
        let read = written.and_then(|bytes| leg.read(&bytes));
        let read = read.and_then(|read| {
            let date = |txn: &Txn| txn.settlement_date.or(txn.totals.as_ref().and_then(|totals| totals.date));
            let said = |txn: &Txn| txn.totals.as_ref().map(|totals| totals.statement);
            let is_same = (read.network, date(&read), said(&read)) == (txn.network, date(&txn), said(&txn));
            if is_same { Ok(read) } else { Err(format!("said {} of {:?}", txn.network, txn.settlement_date)) }
        });
        self.fits(true, "host asks switch", read)
    }

    /// What the switch reads of what a host answers.
    pub(crate) fn read_of_host(&mut self, frame: &Frame, answer: Txn) -> Option<Txn> {
        let Some(codec) = &self.codec else { return Some(answer) };
        let read = codec.of_host(frame, &answer).and_then(|read| {
            // The totals of a day hang on it.
            let said = |txn: &Txn| {
                let totals = txn.totals.as_deref().copied().unwrap_or_default();
                (totals.statement, totals.balance)
            };
            let is_same = match is_about_totals(&answer) {
                true => said(&read) == said(&answer),
                false => read.settlement_date == answer.settlement_date,
            };
            if is_same { Ok(read) } else { Err(format!("{:?} was said", answer.settlement_date)) }
        });
        let honest = is_about_link(frame) || frame.op.is_some_and(|op| self.truth.ops[op].honest);
        self.fits(honest, "host to switch", read)
    }

    /// A connection goes in the middle of a frame to a host: nobody takes the first half for a message.
    pub(crate) fn cut_in_half(&mut self, frame: &Frame) {
        let Some(codec) = &self.codec else { return };
        if let Ok(bytes) = codec.to_host(frame) {
            self.cut_bytes(Some(usize::from(frame.link.0)), &bytes);
        }
    }

    /// The same of a terminal's frame.
    pub(crate) fn cut_in_half_below(&mut self, txn: &Txn) {
        let Some(codec) = &self.codec else { return };
        if let Ok(bytes) = codec.of_terminal(txn) {
            self.cut_bytes(None, &bytes);
        }
    }

    fn cut_bytes(&mut self, host: Option<usize>, bytes: &[u8]) {
        let at = self.luck.between(1, bytes.len() as u64 - 1) as usize;
        let Some(codec) = &self.codec else { return };
        let leg = host.map_or(&codec.source, |host| &codec.hosts[host]);
        let nothing = leg.half_is_nothing(bytes, at);
        self.marks.hit(Mark::FrameCutInHalf);
        if !nothing {
            self.truth.breaks(Invariant::Wire, None, format!("{at} bytes of a frame are taken for one"));
        }
    }

    fn fits<T>(&mut self, honest: bool, leg: &str, read: Result<T, String>) -> Option<T> {
        match read {
            Ok(read) => return Some(read),
            Err(why) if honest => self.truth.breaks(Invariant::Wire, None, format!("{leg}: {why}")),
            Err(_) => self.marks.hit(Mark::Unwritable),
        }
        None
    }
}

fn is_about_link(frame: &Frame) -> bool {
    matches!(frame.request.message.class, Class::Network | Class::Reconciliation)
}

fn is_same(said: &Txn, read: &Txn) -> bool {
    (said.message, said.kind, said.amount, said.stan, said.local_time, said.remaining)
        == (read.message, read.kind, read.amount, read.stan, read.local_time, read.remaining)
        && said.pan.expose() == read.pan.expose()
        && (said.terminal_id, said.to_account) == (read.terminal_id, read.to_account)
        // Not every dialect says when the original was transmitted.
        && said.original.and_then(|original| original.stan) == read.original.and_then(|original| original.stan)
}

fn differs(said: &Txn, read: &Txn) -> String {
    let of = |txn: &Txn| {
        let (kind, amount, stan) = (txn.kind, txn.amount, txn.stan);
        format!("{:?} {kind} {amount:?} {stan} {:?} {:?}", txn.message, txn.local_time, txn.original)
    };
    format!("said {}, read {}", of(said), of(read))
}
