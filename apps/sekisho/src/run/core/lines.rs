//! Connections of links: what their coming and going means for the link, and which of them is asked next.

use super::Core;
use crate::run::api::news::LinesNow;
use net::{CloseReason, Conn, LinkHandle, Role};
use switch::{Cause, Event, Lines, LinesTurn};
use terms::{LinkId, Stan};

impl Core {
    pub(super) fn on_opened(&mut self, conn: &Conn) {
        let Role::Link { link, slot } = conn.role() else { return };
        tracing::info!(link = %conn.name(), slot, peer = %conn.peer(), "connected");
        let before = self.lines_now(link);
        let Some(lines) = self.lines_of(link) else { return };
        if lines.opened(conn.id()) == LinesTurn::Up {
            self.step(Event::LinkUp { link });
        }
        // Said once when some stand, and once when all do: what comes in between is no news.
        let now = self.lines_now(link);
        if before.stand == 0 || now.stand == now.wanted {
            self.announce_lines(link, now, Cause::Connected.name());
        }
    }

    pub(super) fn on_closed(&mut self, conn: &Conn, why: &CloseReason) {
        let Role::Link { link, slot } = conn.role() else { return };
        tracing::warn!(link = %conn.name(), slot, %why, "connection lost");
        let Some(lines) = self.lines_of(link) else { return };
        let lost = Cause::Lost.name();
        match lines.closed(conn.id()) {
            LinesTurn::Same => self.announce_lines(link, self.lines_now(link), lost),
            LinesTurn::Down => {
                self.step(Event::LinkDown { link });
                self.announce_lines(link, self.lines_now(link), lost);
            }
            LinesTurn::Anew => {
                tracing::warn!(link = %conn.name(), "the last connection of the session is lost, and others stand: it begins anew");
                self.step(Event::LinkDown { link });
                self.announce_lines(link, LinesNow { stand: 0, ..self.lines_now(link) }, lost);
                self.step(Event::LinkUp { link });
                self.announce_lines(link, self.lines_now(link), Cause::Connected.name());
            }
            // It was broken by us, and said so then.
            LinesTurn::Up | LinesTurn::Stranger => {}
        }
    }

    /// Breaks what stands to a host that does not answer; it is dialled anew.
    pub(super) fn hang_up(&mut self, link: LinkId) {
        let Some(lines) = self.lines_of(link) else { return };
        lines.hung_up();
        let handle = self.links.get(usize::from(link.0)).and_then(|link| link.handle.as_ref());
        handle.iter().flat_map(|handle| handle.conns()).for_each(|conn| conn.abort());
        self.announce_lines(link, self.lines_now(link), Cause::EchoesMissed.name());
    }

    /// The connection a question goes out on: each in its turn, but for the one whose answer lets newcomers in.
    pub(super) fn conn_to_ask(&mut self, link: LinkId, stan: Stan) -> Option<Conn> {
        let now = self.clock.now().instant;
        let link = self.links.get_mut(usize::from(link.0))?;
        let best = link.lines.best_asked(now).and_then(|conn| self.net.conn(conn)).filter(Conn::is_open);
        let conn = best.or_else(|| link.handle.as_ref().and_then(LinkHandle::next_conn))?;
        link.lines.asked(now, conn.id(), stan);
        Some(conn)
    }

    fn lines_of(&mut self, link: LinkId) -> Option<&mut Lines> {
        self.links.get_mut(usize::from(link.0)).map(|link| &mut link.lines)
    }

    fn lines_now(&self, link: LinkId) -> LinesNow {
        let link = self.links.get(usize::from(link.0));
        let stand = link.map_or(0, |link| link.lines.standing());
        let handle = link.and_then(|link| link.handle.as_ref());
        LinesNow { stand, wanted: handle.map_or(0, |handle| handle.states().len()) }
    }
}
