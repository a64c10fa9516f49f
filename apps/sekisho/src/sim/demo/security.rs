//! PINs and authentication codes of a demo: two simulated security modules, and test keys for everybody.

use super::hosts::CAST;
use super::world::DemoError;
use crate::sim::hsm::{HsmAtWork, HsmPlan, Manners};
use crate::sim::keyring::{install, key_named, test_master};
use crate::sim::luck::Luck;
use crate::sim::secrets::Secrets;
use crate::sim::speech::SimError;
use hsm::ops::Role;
use hsm::payshield::ServerConfig;
use net::Net;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// Security modules.
pub(super) const MODULES: usize = 2;
/// What the listener's line of a configuration says.
pub(super) const OF_LISTENER: &str = "security = { keys = \"listener\", mac = \"x919\", pin_format = 0 }\n";
/// What a host's link says.
pub(super) const OF_HOST: &str = "security = { mac = \"x919\", pin_format = 0 }\n";
/// What the card centre's link says: it opens PINs, and its messages carry no code.
pub(super) const OF_CENTER: &str = "security = { pin_format = 0 }\n";

/// What terminals know.
pub(super) fn terminals() -> Arc<Secrets> {
    Secrets::of(key_named("demo ZAK of terminals"), key_named("demo ZPK of terminals"))
}

/// What a host knows.
pub(super) fn host(name: &str) -> Arc<Secrets> {
    Secrets::of(key_named(&format!("demo ZAK of {name}")), key_named(&format!("demo ZPK of {name}")))
}

/// What the switch knows, in its store of keys.
pub(super) fn install_keys(data: &Path, center: &str) -> Result<(), DemoError> {
    let mut made = vec![
        ("listener/atm".to_owned(), Role::Zak, key_named("demo ZAK of terminals")),
        ("listener/atm".to_owned(), Role::Zpk, key_named("demo ZPK of terminals")),
        (format!("link/{center}"), Role::Zpk, key_named("demo ZPK of the centre")),
    ];
    for cast in &CAST {
        let owner = format!("link/{}", cast.name);
        made.push((owner.clone(), Role::Zak, key_named(&format!("demo ZAK of {}", cast.name))));
        made.push((owner, Role::Zpk, key_named(&format!("demo ZPK of {}", cast.name))));
    }
    let keys: Vec<(&str, Role, &hsm::Key)> =
        made.iter().map(|(owner, role, key)| (owner.as_str(), *role, key)).collect();
    Ok(install(&data.join("keys"), &test_master().1, 0, &keys)?)
}

/// The tables of a configuration for modules at these addresses.
pub(super) fn tables(modules: &[SocketAddr]) -> String {
    let (lmk, check) = test_master();
    // A demo's patience is that of whoever watches it.
    let mut tables = String::from(
        "\n[security]\nallow_test_lmk = true\ncommand_timeout_ms = 500\nback_off_max_ms = 2000\n",
    );
    for (at, address) in modules.iter().enumerate() {
        tables += &format!(
            "\n[[hsm]]\nname = \"hsm-{}\"\naddress = \"{address}\"\nlmk = \"{lmk}\"\nlmk_check = \"{check}\"\n\
             reconnect_ms = 200\n",
            at + 1
        );
    }
    tables
}

/// The modules of a demo, as slow as such devices are.
pub(super) fn plans(luck: &mut Luck) -> Vec<HsmPlan> {
    let manners =
        Manners { latency_us: 500, jitter_us: 1_000, calls_per_second: Some(2_500), ..Manners::default() };
    let plan = |number| HsmPlan {
        name: format!("hsm-{number}"),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        setup: ServerConfig::default(),
        manners,
        seed: luck.draw(),
    };
    (1..=MODULES).map(plan).collect()
}

/// Opens them on this thread's network.
pub(super) fn open(plans: Vec<HsmPlan>, net: &Net) -> Result<Vec<HsmAtWork>, SimError> {
    plans.into_iter().map(|plan| plan.open(net)).collect()
}
