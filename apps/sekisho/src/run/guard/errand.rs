use super::{Line, Move, Rule, Trouble, Turn, Turns, Wrong, accepted};
use crate::run::hsm::Probing;
use dialects::{Covered, Dialect, MacJoin};
use hsm::mac::{Algorithm, Padding, unionpay};
use hsm::ops::{Answer, Fault, MacData, Request, Role};
use hsm::pool::Failure;
use hsm::ring::{KeyInUse, KeyRing};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use terms::{Answer as Decision, ConnId, LinkId, Now, Outgoing, Sealed, SourceId, Txn, TxnId};

/// What waits for a module.
pub(crate) enum Errand {
    /// A message came.
    Verify(Box<Verifying>),
    /// A request is about to leave for a host.
    Leave(Box<Leaving>),
    /// An answer is about to leave.
    Seal(Box<Sealing>),
    /// A message nobody asked for is about to leave, for everybody who is connected as that source.
    Announce(SourceId, Box<Leaving>),
    /// A person wants to know how a module is.
    Probe(Probing),
}

/// How an errand goes on.
pub(crate) enum Next {
    /// By asking this.
    Ask(Request),
    /// It is at its end.
    End,
}

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whose {
    /// A source.
    Source(SourceId),
    /// A host.
    Host(LinkId),
}

/// A message, and what there is to say of its code.
pub(crate) struct Heard {
    pub(crate) whose: Whose,
    pub(crate) conn: ConnId,
    pub(crate) txn: Txn,
    /// Whether it was made with the key in force; `None` where none had to be made.
    pub(crate) found: Option<Result<bool, Wrong>>,
}

impl Heard {
    /// Whom it has to wait for.
    pub(crate) fn line(&self) -> Line {
        (self.whose, self.txn.terminal_id)
    }
}

/// The code of a message that carries the key it was made with, and what it covers.
#[derive(Clone)]
pub(crate) struct Proof {
    pub(crate) algorithm: Algorithm,
    pub(crate) padding: Padding,
    pub(crate) data: Sealed,
    pub(crate) code: Vec<u8>,
}

/// What there is to verify in a message that carries its own key.
pub(crate) fn proof_of(rule: &Rule, dialect: &Dialect, body: &[u8]) -> Result<Proof, Wrong> {
    let (algorithm, padding) = rule.mac.unwrap_or((Algorithm::X919, Padding::Zeros));
    let covered = dialect.covered(body).map_err(|why| Wrong::Unknown(Trouble::NoCode(why)))?;
    let code = covered.code.clone().ok_or(Wrong::Missing)?;
    Ok(Proof { algorithm, padding, data: covered_data(dialect, covered), code })
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a code by {}", self.algorithm)
    }
}

/// A message whose code is being verified.
pub(crate) struct Verifying {
    pub(crate) whose: Whose,
    pub(crate) conn: ConnId,
    pub(crate) txn: Txn,
    owner: Rc<str>,
    role: Role,
    algorithm: Algorithm,
    padding: Padding,
    data: Sealed,
    code: Vec<u8>,
    keys: VecDeque<KeyInUse>,
    tried: Option<KeyInUse>,
    is_first: bool,
    /// What came of it: whether it was the key in force.
    found: Result<bool, Wrong>,
    /// Its place, once it has to wait for a module.
    turn: Option<Turn>,
}

impl Verifying {
    pub(crate) fn new(
        rule: &Rule,
        ring: &dyn KeyRing,
        now: Now,
        whose: Whose,
        (conn, dialect, body): (ConnId, &Dialect, &[u8]),
        txn: Txn,
    ) -> Self {
        let (owner, role, _) = rule.owner(&txn.terminal_id);
        let (algorithm, padding) = rule.mac.unwrap_or((Algorithm::X919, Padding::Zeros));
        let mut verifying = Self {
            whose,
            conn,
            txn,
            role,
            algorithm,
            padding,
            data: Sealed::new(Vec::new()),
            code: Vec::new(),
            keys: VecDeque::new(),
            tried: None,
            is_first: true,
            found: Err(Wrong::Code),
            turn: None,
            owner,
        };
        match dialect.covered(body) {
            Ok(Covered { code: None, .. }) => verifying.found = Err(Wrong::Missing),
            Ok(covered) => {
                verifying.code = covered.code.clone().unwrap_or_default();
                verifying.data = covered_data(dialect, covered);
                match accepted(ring, &verifying.owner, role, now.wall) {
                    Ok(keys) => verifying.keys = keys,
                    Err(trouble) => verifying.found = Err(Wrong::Unknown(trouble)),
                }
            }
            Err(why) => verifying.found = Err(Wrong::Unknown(Trouble::NoCode(why))),
        }
        verifying
    }

    /// It has to wait for a module, and whatever its terminal says next has to wait for it.
    pub(crate) fn wait(&mut self, turns: &mut Turns<Heard>) {
        let line = (self.whose, self.txn.terminal_id);
        self.turn.get_or_insert_with(|| turns.take(line));
    }

    /// The message as it was found, and its place where it had to wait.
    pub(crate) fn heard(self) -> (Heard, Option<Turn>) {
        let Self { whose, conn, txn, found, turn, .. } = self;
        (Heard { whose, conn, txn, found: Some(found) }, turn)
    }

    pub(crate) fn go_on(
        &mut self,
        answer: Option<Result<Answer, Failure>>,
        ring: &mut dyn KeyRing,
        now: Now,
    ) -> Next {
        match answer {
            None => {}
            Some(Ok(Answer::Verified)) => {
                if let Some(key) = &self.tried {
                    ring.confirmed(&self.owner, self.role, key.generation, now.wall);
                }
                self.found = Ok(self.is_first);
                return Next::End;
            }
            Some(Err(Failure::Fault(Fault::NotVerified))) => {
                self.found = Err(Wrong::Code);
                self.is_first = false;
            }
            Some(Err(failure)) => {
                self.found = Err(Wrong::Unknown(Trouble::Module(failure)));
                return Next::End;
            }
            Some(Ok(_)) => {
                self.found = Err(Wrong::Unknown(Trouble::Nonsense));
                return Next::End;
            }
        }
        let Some(key) = self.keys.pop_front() else { return Next::End };
        let data = MacData {
            key: key.key.clone(),
            algorithm: self.algorithm,
            padding: self.padding,
            data: Sealed::new(self.data.expose().to_vec()),
        };
        self.tried = Some(key);
        Next::Ask(Request::VerifyMac { data, mac: self.code.clone() })
    }
}

/// A request that is about to leave.
pub(crate) struct Leaving {
    pub(crate) link: LinkId,
    pub(crate) id: TxnId,
    pub(crate) ours: Outgoing,
    pub(crate) dialect: Rc<Dialect>,
    request: Arc<Txn>,
    pins: Option<Move>,
    /// Algorithm and key of the code it gets, where it gets one.
    mac: Option<(Algorithm, Padding, KeyInUse)>,
    covered: Option<Covered>,
    /// Its bytes; whole at the end.
    pub(crate) body: Vec<u8>,
    /// What kept it from leaving, and whether that was its PIN.
    pub(crate) trouble: Option<(Trouble, bool)>,
    /// PINs moved in it.
    pub(crate) moved: u64,
}

impl Leaving {
    pub(crate) fn new(
        (link, id, ours): (LinkId, TxnId, Outgoing),
        dialect: Rc<Dialect>,
        request: Arc<Txn>,
        pins: Result<Option<Move>, Trouble>,
        mac: Result<Option<(Algorithm, Padding, KeyInUse)>, Trouble>,
    ) -> Self {
        let (pins, about_pin) =
            pins.map_or_else(|trouble| (None, Some((trouble, true))), |pins| (pins, None));
        let (mac, about_mac) = mac.map_or_else(|trouble| (None, Some((trouble, false))), |mac| (mac, None));
        Self {
            link,
            id,
            ours,
            dialect,
            request,
            pins,
            mac,
            covered: None,
            body: Vec::with_capacity(256),
            trouble: about_pin.or(about_mac),
            moved: 0,
        }
    }

    pub(crate) fn go_on(&mut self, mut answer: Option<Result<Answer, Failure>>) -> Next {
        if self.trouble.is_some() {
            return Next::End;
        }
        if let Some(pins) = &mut self.pins {
            match pins.go_on(answer.take()) {
                Ok(Some(request)) => return Next::Ask(request),
                Ok(None) => {
                    self.moved = pins.moved();
                    self.request = Arc::new(pins.put_into(&self.request));
                    self.pins = None;
                }
                Err(trouble) => {
                    self.trouble = Some((trouble, true));
                    return Next::End;
                }
            }
        }
        let sealed = match answer {
            None => self.written(),
            Some(answer) => {
                sealed(&self.dialect, self.covered.as_ref(), answer, &mut self.body).map(|()| None)
            }
        };
        match sealed {
            Ok(Some(request)) => Next::Ask(request),
            Ok(None) => Next::End,
            Err(trouble) => {
                self.trouble = Some((trouble, false));
                Next::End
            }
        }
    }

    /// Writes it, and says what to ask for its code.
    fn written(&mut self) -> Result<Option<Request>, Trouble> {
        let Self { dialect, request, ours, body, .. } = self;
        let Some((algorithm, padding, key)) = self.mac.take() else {
            dialect.write_request(request, ours, body).map_err(|_| Trouble::Unwritable)?;
            return Ok(None);
        };
        dialect.write_request_with_room(request, ours, body).map_err(|_| Trouble::Unwritable)?;
        let (covered, request) = code_of(dialect, body, (algorithm, padding, &key))?;
        self.covered = Some(covered);
        Ok(Some(request))
    }
}

/// An answer that is about to leave, and who is to get it.
pub(crate) struct Sealing {
    pub(crate) whose: Whose,
    /// Where it is the first telling of a decision to a source.
    pub(crate) told: Option<(SourceId, TxnId)>,
    pub(crate) conn: ConnId,
    pub(crate) dialect: Rc<Dialect>,
    pub(crate) request: Arc<Txn>,
    pub(crate) answer: Decision,
    key: Option<(Algorithm, Padding, KeyInUse)>,
    covered: Option<Covered>,
    pub(crate) body: Vec<u8>,
    pub(crate) trouble: Option<Trouble>,
}

impl Sealing {
    pub(crate) fn new(
        whose: Whose,
        told: Option<(SourceId, TxnId)>,
        (conn, dialect): (ConnId, Rc<Dialect>),
        (request, answer): (Arc<Txn>, Decision),
        key: Result<(Algorithm, Padding, KeyInUse), Trouble>,
    ) -> Self {
        let (key, trouble) = key.map_or_else(|trouble| (None, Some(trouble)), |key| (Some(key), None));
        let body = Vec::with_capacity(256);
        Self { whose, told, conn, dialect, request, answer, key, covered: None, body, trouble }
    }

    pub(crate) fn go_on(&mut self, answer: Option<Result<Answer, Failure>>) -> Next {
        let went = match (self.trouble, answer, self.key.take()) {
            (Some(_), ..) => return Next::End,
            (None, None, Some(key)) => self.written(&key).map(Some),
            (None, Some(answer), _) => {
                sealed(&self.dialect, self.covered.as_ref(), answer, &mut self.body).map(|()| None)
            }
            (None, None, None) => Err(Trouble::Nonsense),
        };
        match went {
            Ok(Some(request)) => Next::Ask(request),
            Ok(None) => Next::End,
            Err(trouble) => {
                self.trouble = Some(trouble);
                Next::End
            }
        }
    }

    fn written(&mut self, key: &(Algorithm, Padding, KeyInUse)) -> Result<Request, Trouble> {
        let Self { dialect, request, answer, body, .. } = self;
        dialect.write_answer_with_room(request, answer, body).map_err(|_| Trouble::Unwritable)?;
        let (covered, request) = code_of(dialect, body, (key.0, key.1, &key.2))?;
        self.covered = Some(covered);
        Ok(request)
    }
}

/// What to ask for the code of a message that was written with room for it.
fn code_of(
    dialect: &Dialect,
    body: &[u8],
    (algorithm, padding, key): (Algorithm, Padding, &KeyInUse),
) -> Result<(Covered, Request), Trouble> {
    let mut covered = dialect.covered(body).map_err(Trouble::NoCode)?;
    let data = covered_data(dialect, covered.clone());
    covered.data = Sealed::new(Vec::new());
    Ok((covered, Request::MakeMac(MacData { key: key.key.clone(), algorithm, padding, data })))
}

/// Puts the code into the message it was made for.
fn sealed(
    dialect: &Dialect,
    covered: Option<&Covered>,
    answer: Result<Answer, Failure>,
    body: &mut [u8],
) -> Result<(), Trouble> {
    match (answer, covered) {
        (Ok(Answer::Mac(mac)), Some(covered)) => {
            dialect.put_code(covered, &mac, body).map_err(Trouble::NoCode)
        }
        (Ok(_), _) => Err(Trouble::Nonsense),
        (Err(failure), _) => Err(Trouble::Module(failure)),
    }
}

/// The data, cleaned where its dialect joins it as card networks do.
fn covered_data(dialect: &Dialect, covered: Covered) -> Sealed {
    match dialect.mac().map(|rule| rule.join) {
        Some(MacJoin::Spaces) => Sealed::new(unionpay::plain([covered.data.expose()])),
        _ => covered.data,
    }
}
