//! Both sides begin an exchange at once: one of them gives way, or each would have the other's keys in force.

use crate::run::core::Core;
use keys::exchange::{Begun, Step};
use terms::LinkId;

impl Core {
    /// Whether keys that the host sends are taken now: not while keys of ours are on their way to it, unless ours give
    /// way. Those that were sent wait to be used: the host may have taken them.
    pub(super) fn gives_way(&mut self, link: LinkId) -> bool {
        let begun = self.exchanges.ours.get(&link).map(|ours| ours.begun).unwrap_or_default();
        let config = self.links.get(usize::from(link.0)).and_then(|link| link.key_exchange);
        if begun == Begun::Not || !config.is_some_and(|config| config.we_draw) {
            return true;
        }
        let yields = config.is_some_and(|config| config.yields);
        let name = self.link_name(link);
        if yields {
            tracing::warn!(link = name, "exchange of keys: ours gives way to the host's own");
            self.exchanges.ours.entry(link).or_default().then.clear();
            self.step_exchange(link, Step::Yielded);
            self.end_exchange(link, Err("it gave way to an exchange that the host began".into()));
        } else if self.log.allows(self.clock.now().wall) {
            tracing::warn!(
                link = name,
                "exchange of keys: the host began its own while ours is under way: busy"
            );
        }
        yields
    }

    /// Whether that exchange is on its way to the host.
    pub(super) fn is_sent(&self, link: LinkId, set: u32) -> bool {
        let begun = self.exchanges.ours.get(&link).map(|ours| ours.begun);
        matches!(begun, Some(Begun::Sent(sent, _)) if sent == set)
    }
}
