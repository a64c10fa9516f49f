use crate::ForwardConfig;

/// How fast a host is paid what had to wait for it: little at once when it comes back, a window when it keeps up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Pace {
    /// Answers to owed messages in a row, up to the window.
    answered: u32,
}

impl Pace {
    /// That of a host that keeps up.
    pub(crate) const fn full(config: &ForwardConfig) -> Self {
        Self { answered: config.window }
    }

    /// Messages that had to wait which may be unanswered at once.
    pub(crate) fn room(self, config: &ForwardConfig) -> u32 {
        match self.answered >= config.window {
            true => config.window,
            false => config.catch_up_window.min(config.window),
        }
    }

    /// The host answered one.
    pub(crate) fn answered(&mut self, config: &ForwardConfig) {
        self.answered = (self.answered + 1).min(config.window);
    }

    /// The host let one go unanswered, or has just come back.
    pub(crate) fn start_over(&mut self) {
        self.answered = 0;
    }
}

/// How many owed messages may be sent on a link now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Room {
    /// In all.
    pub(crate) all: u32,
    /// Of these, of what had to wait for the link.
    pub(crate) waited: u32,
}

impl Room {
    /// One was sent.
    pub(crate) const fn take(&mut self, waited: bool) {
        self.all = self.all.saturating_sub(1);
        if waited {
            self.waited = self.waited.saturating_sub(1);
        }
    }

    /// Whether there is room for one more, which had to wait or had not.
    pub(crate) const fn is_for(self, waited: bool) -> bool {
        self.all > 0 && (!waited || self.waited > 0)
    }
}
