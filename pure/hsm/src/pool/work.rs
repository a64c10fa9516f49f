use super::device::{Device, For, Job, Line, Outstanding};
use super::{Condition, Counts, DeviceConfig, Effect, Failure, PoolConfig, Tell, Ticket, Way, Why};
use crate::ops::{Answer, Class, Fault, Request};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use terms::{ConnId, Instant};

/// Time limits after which a command that was never answered costs its line the connection.
const FORGOTTEN_AFTER: u32 = 10;

/// Modules behind lines, as one.
pub struct Pool {
    config: PoolConfig,
    devices: Vec<Device>,
    waiting: VecDeque<Job>,
    keys_waiting: VecDeque<Job>,
    was_down: bool,
}

/// One module, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSeen {
    /// How it is.
    pub condition: Condition,
    /// Lines that stand.
    pub lines: usize,
    /// Commands under way.
    pub under_way: usize,
    /// Faults in a row.
    pub faults: u32,
    /// What it did.
    pub counts: Counts,
}

/// What a module has to do with a command that was lost there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lost {
    /// It may have done it.
    Sent,
    /// It said that it did not.
    Refused,
}

impl Pool {
    /// Modules that no line leads to yet.
    pub fn new(config: PoolConfig, devices: Vec<DeviceConfig>) -> Self {
        let devices = devices.into_iter().map(Device::new).collect();
        Self { config, devices, waiting: VecDeque::new(), keys_waiting: VecDeque::new(), was_down: true }
    }

    /// Asks whoever is best placed.
    pub fn ask(&mut self, now: Instant, ticket: Ticket, request: Request, out: &mut Vec<Effect>) {
        let refused =
            |failure, out: &mut Vec<Effect>| out.push(Effect::Done { ticket, result: Err(failure) });
        let allowed = self.devices.iter().filter(|device| device.config.allowed.allow(&request));
        match allowed.clone().next() {
            None => return refused(Failure::NotAllowed, out),
            // Whether there is a command for it is known before anything waits.
            Some(device) => {
                if let Way::Commands(client) = device.config.way
                    && let Err(misfit) = client.encode(&request, b"")
                {
                    return refused(Failure::Misfit(misfit), out);
                }
            }
        }
        if !allowed.clone().any(Device::has_prospects) {
            return refused(Failure::NoModule, out);
        }
        let manages_keys = request.manages_keys();
        let job = Job { ticket, request, asked_at: now, tries: 0, failed_by: None, pinned: false };
        let (queue, most) = match manages_keys {
            true => (&mut self.keys_waiting, self.config.key_queue_max),
            false => (&mut self.waiting, self.config.queue_max),
        };
        if queue.len() >= most {
            return refused(Failure::Full, out);
        }
        queue.push_back(job);
        self.pump(now, out);
    }

    /// Asks this module, well or not, and no other: for people who want to know about it.
    pub fn ask_one(
        &mut self,
        now: Instant,
        device: usize,
        ticket: Ticket,
        request: Request,
        out: &mut Vec<Effect>,
    ) {
        let job = Job { ticket, request, asked_at: now, tries: 0, failed_by: None, pinned: true };
        let failure = match self.devices.get(device) {
            Some(one) if !one.lines.is_empty() => match one.any_free_line() {
                Some(line) => return self.send(now, device, line, For::Job(job), out),
                None => Failure::Full,
            },
            _ => Failure::NoModule,
        };
        out.push(Effect::Done { ticket, result: Err(failure) });
    }

    /// A line stands.
    pub fn opened(&mut self, now: Instant, device: usize, conn: ConnId, out: &mut Vec<Effect>) {
        let Some(one) = self.devices.get_mut(device) else { return };
        one.lines.push(Line { conn, is_known: false, out: Vec::new(), next_test: now });
        if one.condition == Condition::Away {
            one.condition = Condition::Tested;
        }
        self.test_what_is_due(now, device, out);
    }

    /// A line is gone, and what was on it.
    pub fn closed(&mut self, now: Instant, device: usize, conn: ConnId, out: &mut Vec<Effect>) {
        let Some(one) = self.devices.get_mut(device) else { return };
        let Some(at) = one.lines.iter().position(|line| line.conn == conn) else { return };
        let line = one.lines.swap_remove(at);
        if one.lines.is_empty() && one.is_minded() {
            one.condition = Condition::Away;
            out.push(Effect::Tell(Tell::Suspect { device, why: Why::LineLost }));
        }
        for one in line.out {
            if let For::Job(job) = one.what {
                self.take_back(now, device, job, Lost::Sent, out);
            }
        }
        self.pump(now, out);
    }

    /// A line brought a message.
    pub fn heard(&mut self, now: Instant, device: usize, conn: ConnId, bytes: &[u8], out: &mut Vec<Effect>) {
        let Some(one) = self.devices.get_mut(device) else { return };
        let Some(line) = one.lines.iter().position(|line| line.conn == conn) else { return };
        let found = bytes.get(..one.config.header_bytes).and_then(|header| one.answered(line, header));
        let Some(at) = found else {
            // Nobody asked this, or it is cut short: whose the next answer is, nobody can say.
            one.counts.unusable += 1;
            self.give_up_line(now, device, line, out);
            return self.pump(now, out);
        };
        let header = bytes[..one.config.header_bytes].to_vec();
        let asked = one.lines[line].out.swap_remove(at);
        let read = match (&asked.what, one.config.way) {
            (For::Nobody, _) | (_, Way::Calls) => None,
            (For::Test, Way::Commands(client)) => client.decode(&Request::Status, &header, bytes).ok(),
            (For::Job(job), Way::Commands(client)) => client.decode(&job.request, &header, bytes).ok(),
        };
        self.on_answer(now, device, line, asked, read, out);
    }

    /// A call on a line was answered.
    pub fn called(
        &mut self,
        now: Instant,
        device: usize,
        (conn, number): (ConnId, u32),
        answer: Result<Answer, Fault>,
        out: &mut Vec<Effect>,
    ) {
        let Some(one) = self.devices.get_mut(device) else { return };
        let Some(line) = one.lines.iter().position(|line| line.conn == conn) else { return };
        let Some(at) = one.lines[line].out.iter().position(|one| one.number == number) else { return };
        let asked = one.lines[line].out.swap_remove(at);
        self.on_answer(now, device, line, asked, Some(answer), out);
    }

    /// What a command was for has been answered; `None` where that is no answer.
    fn on_answer(
        &mut self,
        now: Instant,
        device: usize,
        line: usize,
        Outstanding { sent_at, what, .. }: Outstanding,
        read: Option<Result<Answer, Fault>>,
        out: &mut Vec<Effect>,
    ) {
        let counts = &mut self.devices[device].counts;
        match (what, read) {
            (For::Nobody, _) => counts.late += 1,
            (For::Test, Some(Ok(Answer::Status { lmk_check, .. }))) => {
                self.note_answer(now, device, sent_at);
                self.on_shown(now, device, line, &lmk_check, out);
            }
            (For::Test, Some(Ok(_)) | None) => {
                counts.unusable += 1;
                self.give_up_line(now, device, line, out);
            }
            (For::Test, Some(Err(fault))) => {
                counts.faults += 1;
                self.on_fault(now, device, Why::Fault(fault), out);
            }
            (For::Job(job), Some(Err(fault))) if fault.class() == Class::Device && !job.pinned => {
                counts.faults += 1;
                self.take_back(now, device, job, Lost::Refused, out);
                self.on_fault(now, device, Why::Fault(fault), out);
            }
            (For::Job(Job { ticket, .. }), Some(answered)) => {
                self.note_answer(now, device, sent_at);
                out.push(Effect::Done { ticket, result: answered.map_err(Failure::Fault) });
            }
            (For::Job(job), None) => {
                counts.unusable += 1;
                self.take_back(now, device, job, Lost::Sent, out);
                self.give_up_line(now, device, line, out);
            }
        }
        self.pump(now, out);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant, out: &mut Vec<Effect>) {
        for device in 0..self.devices.len() {
            self.call_in(now, device, out);
            let one = &mut self.devices[device];
            if let Condition::Dropped { until } | Condition::OtherMaster { until, .. } = one.condition
                && now >= until
            {
                one.condition = if one.lines.is_empty() { Condition::Away } else { Condition::Tested };
                one.lines.iter_mut().for_each(|line| line.next_test = now);
            }
            self.test_what_is_due(now, device, out);
        }
        let give_up_ms = self.config.give_up_ms;
        for queue in [&mut self.waiting, &mut self.keys_waiting] {
            queue.retain(|job| {
                let waits = now < job.asked_at.plus_ms(give_up_ms);
                if !waits {
                    out.push(Effect::Done { ticket: job.ticket, result: Err(Failure::Late) });
                }
                waits
            });
        }
        self.pump(now, out);
    }

    /// Each module as it is.
    pub fn seen(&self) -> Vec<DeviceSeen> {
        let seen = |device: &Device| DeviceSeen {
            condition: device.condition.clone(),
            lines: device.lines.len(),
            under_way: device.under_way(),
            faults: device.faults,
            counts: device.counts,
        };
        self.devices.iter().map(seen).collect()
    }

    /// Requests that wait for a module, and those that manage keys.
    pub fn queued(&self) -> (usize, usize) {
        (self.waiting.len(), self.keys_waiting.len())
    }

    /// Whether anybody is well.
    pub fn is_up(&self) -> bool {
        self.devices.iter().any(|device| device.condition == Condition::Well)
    }

    /// Commands that were not answered in time.
    fn call_in(&mut self, now: Instant, device: usize, out: &mut Vec<Effect>) {
        let mut overdue = Vec::new();
        let one = &mut self.devices[device];
        for line in &mut one.lines {
            for outstanding in &mut line.out {
                if now < outstanding.due || matches!(outstanding.what, For::Nobody) {
                    continue;
                }
                one.counts.silent += 1;
                overdue.push(core::mem::replace(&mut outstanding.what, For::Nobody));
            }
        }
        if !overdue.is_empty() {
            for what in overdue {
                if let For::Job(job) = what {
                    self.take_back(now, device, job, Lost::Sent, out);
                }
            }
            // Silence of many at once is one fault: a module that hangs is not worse for having been busy.
            self.on_fault(now, device, Why::Silence, out);
        }
        self.break_clogged_lines(now, device, out);
    }

    /// A number whose answer never comes is never free again, and enough of them leave a line no room: it is broken,
    /// and begins anew.
    fn break_clogged_lines(&mut self, now: Instant, device: usize, out: &mut Vec<Effect>) {
        let forgotten_ms = self.config.deadline_ms.saturating_mul(FORGOTTEN_AFTER);
        let one = &mut self.devices[device];
        if matches!(one.config.way, Way::Calls) {
            // A call that hangs holds whoever makes it: there is no other way to begin anew than to let it go.
            return;
        }
        let most = one.most();
        let is_lost = |one: &&Outstanding| matches!(one.what, For::Nobody);
        let is_clogged = |line: &Line| {
            let lost = || line.out.iter().filter(is_lost);
            2 * lost().count() > most || lost().any(|one| now >= one.due.plus_ms(forgotten_ms))
        };
        let mut broken = Vec::new();
        while let Some(at) = one.lines.iter().position(is_clogged) {
            broken.push(one.lines.swap_remove(at));
        }
        if !broken.is_empty() && one.lines.is_empty() && one.is_minded() {
            if one.condition == Condition::Well {
                out.push(Effect::Tell(Tell::Suspect { device, why: Why::Silence }));
            }
            one.condition = Condition::Away;
        }
        for line in broken {
            self.hang_up(now, device, line, out);
        }
    }

    fn test_what_is_due(&mut self, now: Instant, device: usize, out: &mut Vec<Effect>) {
        let one = &self.devices[device];
        if !one.is_minded() {
            return;
        }
        let is_tested = |line: &Line| line.out.iter().any(|one| matches!(one.what, For::Test));
        let due = |line: &Line| now >= line.next_test && !is_tested(line);
        let lines: Vec<usize> = (0..one.lines.len()).filter(|&at| due(&one.lines[at])).collect();
        for line in lines {
            self.devices[device].lines[line].next_test = now.plus_ms(self.config.test_every_ms);
            self.send(now, device, line, For::Test, out);
        }
    }

    /// A module has shown its master key's check value on a line.
    fn on_shown(&mut self, now: Instant, device: usize, line: usize, shown: &str, out: &mut Vec<Effect>) {
        let back_off_ms = self.next_back_off(device);
        let one = &mut self.devices[device];
        if !one.config.lmk_check.eq_ignore_ascii_case(shown) {
            let shown = String::from(shown);
            out.push(Effect::Tell(Tell::OtherMaster { device, shown: shown.clone() }));
            one.condition = Condition::OtherMaster { shown, until: now.plus_ms(back_off_ms) };
            one.back_off_ms = back_off_ms;
            return self.let_go(now, device, out);
        }
        one.lines[line].is_known = true;
        (one.faults, one.back_off_ms) = (0, 0);
        if one.condition != Condition::Well {
            one.condition = Condition::Well;
            self.was_down = false;
            out.push(Effect::Tell(Tell::Well { device }));
        }
    }

    /// Something went wrong with a module: nothing is asked of it before it has answered a test.
    fn on_fault(&mut self, now: Instant, device: usize, why: Why, out: &mut Vec<Effect>) {
        let back_off_ms = self.next_back_off(device);
        let one = &mut self.devices[device];
        one.faults += 1;
        if !one.is_minded() {
            return;
        }
        if one.condition == Condition::Well {
            out.push(Effect::Tell(Tell::Suspect { device, why }));
        }
        if one.faults >= self.config.faults_max {
            out.push(Effect::Tell(Tell::Dropped { device, back_off_ms }));
            one.condition = Condition::Dropped { until: now.plus_ms(back_off_ms) };
            one.back_off_ms = back_off_ms;
            return self.let_go(now, device, out);
        }
        one.condition = if one.lines.is_empty() { Condition::Away } else { Condition::Tested };
        for line in &mut one.lines {
            (line.is_known, line.next_test) = (false, now);
        }
        self.test_what_is_due(now, device, out);
    }

    fn next_back_off(&self, device: usize) -> u32 {
        match self.devices[device].back_off_ms {
            0 => self.config.back_off_ms,
            before => before.saturating_mul(2).min(self.config.back_off_max_ms),
        }
    }

    /// Breaks one line whose answers cannot be told apart any more.
    fn give_up_line(&mut self, now: Instant, device: usize, line: usize, out: &mut Vec<Effect>) {
        let gone = self.devices[device].lines.swap_remove(line);
        self.hang_up(now, device, gone, out);
        self.on_fault(now, device, Why::Unusable, out);
    }

    /// Whatever was under way on a line that is broken comes back.
    fn hang_up(&mut self, now: Instant, device: usize, gone: Line, out: &mut Vec<Effect>) {
        out.push(Effect::HangUp { conn: gone.conn });
        for one in gone.out {
            if let For::Job(job) = one.what {
                self.take_back(now, device, job, Lost::Sent, out);
            }
        }
    }

    /// Breaks all of them.
    fn let_go(&mut self, now: Instant, device: usize, out: &mut Vec<Effect>) {
        for gone in core::mem::take(&mut self.devices[device].lines) {
            self.hang_up(now, device, gone, out);
        }
    }

    /// A command came to nothing on that module: it goes to another, where that does no harm and there is time.
    fn take_back(&mut self, now: Instant, device: usize, mut job: Job, lost: Lost, out: &mut Vec<Effect>) {
        let may_be_repeated = job.request.is_repeatable() || lost == Lost::Refused;
        let failure = match () {
            () if job.pinned => Some(Failure::Late),
            () if !may_be_repeated => Some(Failure::Lost),
            () if now >= job.asked_at.plus_ms(self.config.give_up_ms) => Some(Failure::Late),
            // Where every module failed it twice, it is the command that is bad.
            () if job.tries as usize > 2 * self.devices.len() => Some(Failure::Late),
            () => None,
        };
        if let Some(failure) = failure {
            return out.push(Effect::Done { ticket: job.ticket, result: Err(failure) });
        }
        self.devices[device].counts.moved += 1;
        job.failed_by = Some(device);
        // In front: it has waited already.
        let queue = if job.request.manages_keys() { &mut self.keys_waiting } else { &mut self.waiting };
        queue.push_front(job);
    }

    /// Gives out whatever can be given out, and refuses what nobody will do.
    fn pump(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if !self.devices.iter().any(Device::has_prospects) {
            if !self.was_down {
                self.was_down = true;
                out.push(Effect::Tell(Tell::AllDown));
            }
            for job in self.waiting.drain(..).chain(self.keys_waiting.drain(..)) {
                out.push(Effect::Done { ticket: job.ticket, result: Err(Failure::NoModule) });
            }
            return;
        }
        for manages_keys in [false, true] {
            // What no module takes now stands aside for what one does: it must not hold up everything behind it.
            let mut at = 0;
            while self.has_room() {
                let queue = if manages_keys { &self.keys_waiting } else { &self.waiting };
                let Some(job) = queue.get(at) else { break };
                let best = self.best_for(job);
                if best.is_none() && self.may_be_done(job) {
                    at += 1;
                    continue;
                }
                let queue = if manages_keys { &mut self.keys_waiting } else { &mut self.waiting };
                let Some(job) = queue.remove(at) else { break };
                match best {
                    Some((device, line)) => self.send(now, device, line, For::Job(job), out),
                    None => out.push(Effect::Done { ticket: job.ticket, result: Err(Failure::NoModule) }),
                }
            }
        }
    }

    /// Whether any module takes anything now.
    fn has_room(&self) -> bool {
        let takes = |device: &Device| device.condition == Condition::Well && device.free_line().is_some();
        self.devices.iter().any(takes)
    }

    /// Whether a module that may do it is well, or can be again soon.
    fn may_be_done(&self, job: &Job) -> bool {
        self.devices.iter().any(|device| device.has_prospects() && device.config.allowed.allow(&job.request))
    }

    /// The module that is well, allowed, has room and the fewest commands under way; the one that failed this
    /// last only where there is no other.
    fn best_for(&self, job: &Job) -> Option<(usize, usize)> {
        let manages_keys = job.request.manages_keys();
        let fits = |device: &Device| {
            device.condition == Condition::Well
                && device.config.allowed.allow(&job.request)
                && (!manages_keys || device.keys_under_way() < self.config.key_commands_max as usize)
        };
        let candidates = self.devices.iter().enumerate().filter(|(_, device)| fits(device));
        let with_line = candidates.filter_map(|(at, device)| Some((at, device, device.free_line()?)));
        with_line
            .min_by_key(|(at, device, _)| (job.failed_by == Some(*at), device.under_way()))
            .map(|(at, _, line)| (at, line))
    }

    fn send(&mut self, now: Instant, device: usize, line: usize, what: For, out: &mut Vec<Effect>) {
        let one = &mut self.devices[device];
        let Some((number, header)) = one.next_header(line) else {
            // A test is due again in a moment; business is not sent where there is no room.
            if let For::Job(job) = what {
                out.push(Effect::Done { ticket: job.ticket, result: Err(Failure::Full) });
            }
            return;
        };
        let request = match &what {
            For::Job(job) => &job.request,
            For::Test | For::Nobody => &Request::Status,
        };
        let conn = one.lines[line].conn;
        let encoded = match one.config.way {
            Way::Calls => Ok(Effect::Call { conn, number, request: request.clone() }),
            Way::Commands(client) => {
                client.encode(request, &header).map(|bytes| Effect::Send { conn, bytes })
            }
        };
        let effect = match encoded {
            Ok(effect) => effect,
            Err(misfit) => {
                if let For::Job(job) = what {
                    out.push(Effect::Done { ticket: job.ticket, result: Err(Failure::Misfit(misfit)) });
                }
                return;
            }
        };
        let what = match what {
            For::Job(job) => For::Job(Job { tries: job.tries + 1, ..job }),
            other => other,
        };
        one.counts.asked += 1;
        let due = now.plus_ms(self.config.deadline_ms);
        one.lines[line].out.push(Outstanding { number, sent_at: now, due, what });
        out.push(effect);
    }

    fn note_answer(&mut self, now: Instant, device: usize, sent_at: Instant) {
        let one = &mut self.devices[device];
        one.counts.answered += 1;
        one.faults = 0;
        let took_us = now.us_since(sent_at);
        one.counts.took_us += took_us;
        one.counts.longest_us = one.counts.longest_us.max(took_us);
    }
}
