use crate::Counters;
use std::collections::HashMap;
use std::net::IpAddr;
use terms::{LinkName, SourceId};

/// A peer a listener knows by its address.
#[derive(Clone, Debug)]
pub struct AllowedPeer {
    /// Its address.
    pub address: IpAddr,
    /// Its name, shown instead of the listener's.
    pub name: LinkName,
    /// The source its requests belong to.
    pub source: SourceId,
}

/// When an address that sends things that are not frames is shut out for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanRule {
    /// Connections ended for it before the address is shut out.
    pub errors: u32,
    /// Within this time.
    pub window_ms: u32,
    /// For this time.
    pub ban_ms: u32,
    /// Whether this machine itself can be shut out; off, because everything behind a local proxy is it.
    pub loopback: bool,
}

/// Addresses remembered for their errors. Cost: 40 bytes each; when full, those whose time is over go first and
/// then nobody new is remembered, so a flood from many addresses cannot fill memory.
const OFFENDERS_MAX: usize = 4_096;

impl Default for BanRule {
    fn default() -> Self {
        Self { errors: 5, window_ms: 60_000, ban_ms: 60_000, loopback: false }
    }
}

/// Who may come in.
pub(crate) struct Gate {
    pub(crate) connections_max: u32,
    pub(crate) per_address_max: u32,
    pub(crate) allow: Option<Vec<AllowedPeer>>,
    pub(crate) ban: Option<BanRule>,
    inside: u32,
    per_address: HashMap<IpAddr, u32>,
    offenders: HashMap<IpAddr, Offender>,
}

#[derive(Clone, Copy)]
struct Offender {
    errors: u32,
    first_ms: u64,
    banned_until_ms: u64,
}

/// Why somebody may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Total,
    Address,
    Unknown,
    Banned,
    Pool,
    Waited,
}

impl Refusal {
    pub(crate) fn count(self, counters: &Counters) {
        let count = match self {
            Self::Total => &counters.refused_total,
            Self::Address => &counters.refused_address,
            Self::Unknown => &counters.refused_unknown,
            Self::Banned => &counters.refused_banned,
            Self::Pool => &counters.refused_pool,
            Self::Waited => &counters.refused_waited,
        };
        count.add(1);
    }
}

impl Gate {
    pub(crate) fn new(
        connections_max: u32,
        per_address_max: u32,
        allow: Option<Vec<AllowedPeer>>,
        ban: Option<BanRule>,
    ) -> Self {
        let (per_address, offenders) = Default::default();
        Self { connections_max, per_address_max, allow, ban, inside: 0, per_address, offenders }
    }

    /// Lets a connection of `address` in, and says which known peer it is. Whoever is let in must [`Gate::leave`].
    pub(crate) fn enter(&mut self, address: IpAddr, now_ms: u64) -> Result<Option<AllowedPeer>, Refusal> {
        let peer = self.known(address)?;
        if self.offenders.get(&address).is_some_and(|offender| now_ms < offender.banned_until_ms) {
            return Err(Refusal::Banned);
        }
        if self.inside >= self.connections_max {
            return Err(Refusal::Total);
        }
        let of_address = self.per_address.entry(address).or_default();
        if *of_address >= self.per_address_max {
            return Err(Refusal::Address);
        }
        *of_address += 1;
        self.inside += 1;
        Ok(peer)
    }

    /// A connection that was let in is gone.
    pub(crate) fn leave(&mut self, address: IpAddr) {
        self.inside -= 1;
        let of_address = self.per_address.get_mut(&address).expect("who leaves has entered");
        *of_address -= 1;
        if *of_address == 0 {
            self.per_address.remove(&address);
        }
    }

    /// Something from `address` was not a frame. `true` when that shuts it out.
    pub(crate) fn offended(&mut self, address: IpAddr, now_ms: u64) -> bool {
        let Some(rule) = self.ban.filter(|rule| rule.loopback || !address.is_loopback()) else {
            return false;
        };
        if !self.offenders.contains_key(&address) && !self.room_for_offender(rule, now_ms) {
            return false;
        }
        let fresh = Offender { errors: 0, first_ms: now_ms, banned_until_ms: 0 };
        let offender = self.offenders.entry(address).or_insert(fresh);
        if offender.is_over(rule, now_ms) {
            *offender = fresh;
        }
        offender.errors += 1;
        if offender.errors < rule.errors {
            return false;
        }
        *offender = Offender { banned_until_ms: now_ms + u64::from(rule.ban_ms), ..fresh };
        true
    }

    fn known(&self, address: IpAddr) -> Result<Option<AllowedPeer>, Refusal> {
        match &self.allow {
            None => Ok(None),
            Some(peers) => {
                let peer = peers.iter().find(|peer| peer.address == address);
                peer.cloned().map(Some).ok_or(Refusal::Unknown)
            }
        }
    }

    fn room_for_offender(&mut self, rule: BanRule, now_ms: u64) -> bool {
        if self.offenders.len() >= OFFENDERS_MAX {
            self.offenders.retain(|_, offender| !offender.is_over(rule, now_ms));
        }
        self.offenders.len() < OFFENDERS_MAX
    }
}

impl Offender {
    fn is_over(&self, rule: BanRule, now_ms: u64) -> bool {
        now_ms >= self.banned_until_ms && now_ms >= self.first_ms + u64::from(rule.window_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    #[test]
    fn one_address_cannot_take_every_place() {
        let mut gate = Gate::new(3, 2, None, None);
        assert!(gate.enter(address(1), 0).is_ok());
        assert!(gate.enter(address(1), 0).is_ok());
        assert_eq!(gate.enter(address(1), 0).err(), Some(Refusal::Address));
        assert!(gate.enter(address(2), 0).is_ok());
        assert_eq!(gate.enter(address(3), 0).err(), Some(Refusal::Total));
        gate.leave(address(1));
        assert!(gate.enter(address(3), 0).is_ok());
    }

    #[test]
    fn only_peers_on_the_list_come_in_and_under_their_own_names() {
        let name = LinkName::new(b"west").expect("a short name");
        let peer = AllowedPeer { address: address(1), name, source: SourceId(7) };
        let mut gate = Gate::new(10, 10, Some(vec![peer]), None);
        let known = gate.enter(address(1), 0).expect("on the list").expect("known");
        assert_eq!((known.source, known.address), (SourceId(7), address(1)));
        assert_eq!(gate.enter(address(2), 0).err(), Some(Refusal::Unknown));
    }

    #[test]
    fn an_address_is_shut_out_after_too_many_errors_and_let_in_again_later() {
        let mut gate = Gate::new(10, 10, None, Some(BanRule::default()));
        for error in 1..5 {
            assert!(!gate.offended(address(1), error), "error {error}");
        }
        assert!(gate.offended(address(1), 5));
        assert_eq!(gate.enter(address(1), 60_004).err(), Some(Refusal::Banned));
        assert!(gate.enter(address(2), 6).is_ok());
        assert!(gate.enter(address(1), 60_005).is_ok());
    }

    #[test]
    fn errors_far_apart_shut_nobody_out_and_this_machine_is_spared() {
        let mut gate = Gate::new(10, 10, None, Some(BanRule::default()));
        for error in 0..20 {
            assert!(!gate.offended(address(1), error * 20_000), "error {error}");
            assert!(!gate.offended(Ipv4Addr::LOCALHOST.into(), error));
        }
    }

    #[test]
    fn a_flood_from_many_addresses_fills_no_memory() {
        let mut gate = Gate::new(10, 10, None, Some(BanRule::default()));
        for n in 0..20_000_u32 {
            gate.offended(Ipv4Addr::from(0x0a00_0000 + n).into(), 1);
        }
        assert_eq!(gate.offenders.len(), OFFENDERS_MAX);
    }
}
