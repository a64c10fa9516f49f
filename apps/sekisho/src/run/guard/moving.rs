//! PINs moved from the key of whoever sent them to the key of the host.

use super::{Rule, Trouble, accepted, in_force};
use dialects::Dialect;
use hsm::ops::{Answer, Fault, PinSide, Request};
use hsm::pin::Format;
use hsm::pool::Failure;
use hsm::ring::{KeyInUse, KeyRing};
use std::collections::VecDeque;
use terms::{Carried, Noun, Now, Pan, Sealed, Txn};

/// A PIN block that is to be moved.
pub(crate) struct Moving {
    noun: Noun,
    /// What stands before the block in its element, and travels with it.
    before: Vec<u8>,
    block: Vec<u8>,
    keys: VecDeque<KeyInUse>,
}

/// How PINs are moved between two sides.
pub(crate) struct Move {
    from: Format,
    to: Format,
    key: KeyInUse,
    pan: Pan,
    left: VecDeque<Moving>,
    moved: Vec<(Noun, Vec<u8>)>,
    /// What the host's message says of its block.
    info: Option<Vec<u8>>,
}

impl Move {
    /// Everything that is to be moved in a request; `None` where there is nothing.
    pub(crate) fn of(
        request: &Txn,
        (from, came_in): (Option<&Rule>, Option<&Dialect>),
        (to, goes_in): (Option<&Rule>, &Dialect),
        ring: &dyn KeyRing,
        now: Now,
    ) -> Result<Option<Self>, Trouble> {
        let blocks = [Noun::PinBlock, Noun::NewPinBlock].map(|noun| (noun, request.carried.get(noun)));
        if blocks.iter().all(|(_, block)| block.is_none_or(<[u8]>::is_empty)) {
            return Ok(None);
        }
        let format = |rule: Option<&Rule>| rule.and_then(|rule| rule.pin);
        let (from_rule, from, to_rule, to) = match (from.zip(format(from)), to.zip(format(to))) {
            (None, None) => return Ok(None),
            (Some((from_rule, from)), Some((to_rule, to))) => (from_rule, from, to_rule, to),
            (Some(_), None) | (None, Some(_)) => return Err(Trouble::OneSided),
        };
        let says = request.carried.get(Noun::SecurityInfo).filter(|says| !says.is_empty());
        let agreed = came_in.and_then(Dialect::pin_info).map(|info| info.of(from.binds_card()));
        if says.zip(agreed).is_some_and(|(says, agreed)| Some(says) != agreed) {
            return Err(Trouble::OtherBlock);
        }
        let info = goes_in.pin_info().and_then(|info| info.of(to.binds_card())).map(<[u8]>::to_vec);
        let (owner, _, role) = from_rule.owner(&request.terminal_id);
        let keys = accepted(ring, &owner, role, now.wall)?;
        let (owner, _, role) = to_rule.owner(&request.terminal_id);
        let key = in_force(ring, &owner, role, now)?;
        let left = blocks.into_iter().filter_map(|(noun, held)| {
            let held = held.filter(|held| !held.is_empty())?;
            // An element for a new PIN may say something in front of its block.
            let at = match noun {
                Noun::NewPinBlock => held.len().saturating_sub(from.block_bytes()),
                _ => 0,
            };
            let (before, block) = held.split_at(at);
            Some(Moving { noun, before: before.to_vec(), block: block.to_vec(), keys: keys.clone() })
        });
        let left = left.collect();
        Ok(Some(Self { from, to, key, pan: request.pan.clone(), left, moved: Vec::new(), info }))
    }

    pub(super) fn go_on(
        &mut self,
        answer: Option<Result<Answer, Failure>>,
    ) -> Result<Option<Request>, Trouble> {
        match answer {
            None => {}
            Some(Ok(Answer::Pin { block, .. })) => {
                let Some(done) = self.left.pop_front() else { return Err(Trouble::Nonsense) };
                self.moved.push((done.noun, [done.before, block].concat()));
            }
            Some(Err(failure)) => {
                let about_block =
                    matches!(failure, Failure::Fault(Fault::PinBlock | Fault::PinLength | Fault::Account));
                // Under another key that may be used it may be one.
                if !about_block || self.left.front().is_none_or(|moving| moving.keys.is_empty()) {
                    return Err(Trouble::Module(failure));
                }
            }
            Some(Ok(_)) => return Err(Trouble::Nonsense),
        }
        let Some(moving) = self.left.front_mut() else { return Ok(None) };
        let Some(key) = moving.keys.pop_front() else { return Err(Trouble::Nonsense) };
        let side = |key: &KeyInUse, format| PinSide { key: key.key.clone(), format, pan: self.pan.clone() };
        Ok(Some(Request::TranslatePin {
            block: Sealed::new(moving.block.clone()),
            from: side(&key, self.from),
            to: side(&self.key, self.to),
        }))
    }

    /// PINs moved so far.
    pub(super) fn moved(&self) -> u64 {
        self.moved.len() as u64
    }

    /// The request as the host is to get it.
    pub(super) fn put_into(&mut self, request: &Txn) -> Txn {
        let mut carried = Carried::default();
        for (number, contents) in request.carried.iter() {
            let Some(noun) = Noun::numbered(number) else { continue };
            if noun == Noun::SecurityInfo && self.info.is_some() {
                continue;
            }
            let moved = self.moved.iter().find(|(one, _)| *one == noun);
            carried.push(noun, moved.map_or(contents, |(_, block)| block));
        }
        self.info.iter().for_each(|info| carried.push(Noun::SecurityInfo, info));
        Txn { carried, ..request.clone() }
    }
}
