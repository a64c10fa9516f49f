//! Another configuration taken over while everything runs: no connection is dropped for it, no transaction lost.
//!
//! All of it or nothing: what can fail (an address, a certificate) is tried before anything is changed.

use super::plan::{Names, Plan};
use super::thread::Thread;
use net::{LinkHandle, ListenerConfig, Listening, NetError};
use switch::Outbox;
use terms::LinkName;

/// What was opened for a configuration that is not taken over yet.
struct Opened {
    listening: Vec<(String, String, Listening)>,
    dialled: Vec<(usize, LinkHandle)>,
}

impl Thread {
    /// Takes it over, or says what stands in the way and stays as it is.
    pub(super) fn reload(&mut self, plan: Plan) {
        let fixed = self.plan.needs_restart(&plan);
        for what in &fixed {
            tracing::warn!(what, "changed in the configuration; takes effect at the next start");
        }
        if !fixed.is_empty() {
            tracing::warn!("configuration not taken over: what changed needs a restart");
            return;
        }
        let mut names = self.with_core(|core| Names::known(&core.lane));
        let config = plan.lane(&mut names);
        let opened = match self.open_what_is_new(&plan, &mut names) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::error!(%error, "configuration not taken over, the old one stays");
                return;
            }
        };
        let (sources, links) = plan.parties(&mut names);
        self.with_core(|core| {
            // Connections and what is in flight stay; from the next message on it is read and written anew.
            for (at, source) in sources.into_iter().enumerate() {
                match core.sources.get_mut(at) {
                    // Whoever came in by a door that is gone is still spoken to as before.
                    Some(_) if !plan.has_source(&names.sources[at]) => {}
                    Some(known) => *known = source,
                    None => core.sources.push(source),
                }
            }
            for (at, link) in links.into_iter().enumerate() {
                match core.links.get_mut(at) {
                    Some(known) => (known.dialect, known.guard) = (link.dialect, link.guard),
                    None => core.links.push(link),
                }
            }
            for (at, handle) in opened.dialled {
                core.links[at].handle = Some(handle);
            }
            core.note_guards();
            let mut outbox = Outbox::new();
            core.lane.reconfigure(config, &mut outbox);
            core.carry_out(&mut outbox);
        });
        self.renew_doors(&plan, &mut names);
        self.listening.extend(opened.listening);
        self.plan = plan;
        tracing::info!("configuration taken over");
    }

    /// Listens and dials where nobody did before.
    fn open_what_is_new(&self, plan: &Plan, names: &mut Names) -> Result<Opened, NetError> {
        let net = self.with_core(|core| core.net.clone());
        let mut opened = Opened { listening: Vec::new(), dialled: Vec::new() };
        let known: Vec<LinkName> = self.with_core(|core| {
            core.links.iter().filter(|link| link.handle.is_some()).map(|link| link.name).collect()
        });
        let tried = (|| {
            for config in plan.listeners(names) {
                let name = config.name.to_string();
                match self.listening.iter().find(|(known, ..)| *known == name) {
                    // Its certificates are read now, so that a wrong one is found before anything has changed.
                    Some(_) => drop(config.tls.as_ref().map(net::TlsServer::check).transpose()?),
                    None => {
                        let dialect = plan.dialect_of_listener(&name);
                        opened.listening.push((name, dialect, net.listen(config, self.switchboard.clone())?));
                    }
                }
            }
            for config in plan.dials(names).into_iter().filter(|config| !known.contains(&config.name)) {
                let at = usize::from(config.link.0);
                opened.dialled.push((at, net.dial(config, self.switchboard.clone())?));
            }
            Ok(())
        })();
        if let Err(error) = tried {
            opened.listening.iter().for_each(|(.., listening)| listening.stop());
            opened.dialled.iter().for_each(|(_, handle)| handle.close());
            return Err(error);
        }
        Ok(opened)
    }

    /// Lets those in whom the new configuration lets in, with its certificates, and nobody where it has no door.
    /// Connections that stand are left alone.
    fn renew_doors(&mut self, plan: &Plan, names: &mut Names) {
        let configs = plan.listeners(names);
        let of = |name: &str| configs.iter().find(|config| config.name.to_string() == name);
        for (name, dialect, listening) in &mut self.listening {
            let Some(ListenerConfig { tls, allow, .. }) = of(name) else {
                listening.stop();
                continue;
            };
            *dialect = plan.dialect_of_listener(name);
            listening.set_allow(allow.clone());
            if let Err(error) = listening.set_tls(tls.as_ref()) {
                tracing::error!(listener = name, %error, "certificates not taken over, the old ones stay");
            }
        }
        self.listening.retain(|(name, ..)| of(name).is_some());
    }
}
