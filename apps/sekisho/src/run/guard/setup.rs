//! From the configuration to security modules at work.

use super::modules::{Devices, Software};
use super::tokens::{Tokens, device_of, uri_of};
use super::{Guard, KeyModulePlan, Modules};
use crate::config::{Config, HsmToml, KindToml, SoftwareToml};
use crate::run::core::{ModuleLines, Switchboard};
use crate::run::thread::Order;
use crate::run::{StartError, keys};
use hsm::drbg::SEED_BYTES;
use hsm::payshield::{Client, MESSAGE_BYTES_MAX, test_lmk};
use hsm::pool::{Counts, DeviceConfig, Pool, Way};
use hsm::software::{Master, SoftwareHsm, WARNING};
use keystore::MasterFile;
use net::{DialConfig, LinkHandle, Net, TlsClient};
use std::rc::Rc;
use terms::{LinkId, LinkName};
use tokio::sync::mpsc::WeakUnboundedSender;
use wire::Framing;

/// Lines to modules are no links of the lane: their numbers are behind all of those.
const FIRST_LINE: u16 = 0x8000;

/// The modules and keys a configuration names; nothing is dialled yet.
pub(crate) fn guard(config: &Config, net: &Net) -> Result<Guard, StartError> {
    let modules = match config.hsm.as_slice() {
        [] => Modules::None,
        [one] if one.software.is_some() => Modules::Software(Box::new(software(config, one)?)),
        devices => Modules::Devices(Box::new(Devices {
            pool: Pool::new(config.security.pool(), devices.iter().filter_map(device).collect()),
            net: net.clone(),
            known: devices.iter().map(known).collect(),
            allowed: devices.iter().map(HsmToml::allowed).collect(),
            handles: Vec::new(),
            tokens: Tokens::default(),
        })),
    };
    warn_of_open_doors(config);
    let lmk = modules.seen().first().map(|first| first.lmk_check.clone());
    let own = KeyModulePlan::of(config)?;
    let keys = lmk.zip(own).map(|(lmk, own)| keys::open(config, &lmk, own)).transpose()?;
    Ok(Guard::new(modules, keys))
}

/// Who is given keys without showing who it is.
fn warn_of_open_doors(config: &Config) {
    let listeners = config.listener.iter().map(|listener| (&listener.name, &listener.security));
    let links = config.link.iter().map(|link| (&link.name, &link.security));
    for (name, security) in listeners.chain(links) {
        if security.as_ref().is_some_and(|guard| guard.unauthenticated_keys) {
            tracing::warn!(with = name, "keys are given to whoever can connect there: unauthenticated_keys");
        }
    }
}

/// Dials every device.
pub(crate) fn dial(
    config: &Config,
    net: &Net,
    switchboard: &Rc<Switchboard>,
    orders: &WeakUnboundedSender<Order>,
) -> Result<Vec<LinkHandle>, StartError> {
    let tokens = Tokens::open(config, orders)?;
    switchboard.with(|core| core.guard.modules.keep(tokens));
    let over_lines = |hsm: &&HsmToml| hsm.software.is_none() && hsm.kind != KindToml::Pkcs11;
    let devices = config.hsm.iter().filter(over_lines);
    let dialled = devices.enumerate().map(|(device, hsm)| {
        let lines = ModuleLines { switchboard: switchboard.clone(), device };
        net.dial(line(hsm, device), Rc::new(lines)).map_err(StartError::from)
    });
    dialled.collect()
}

/// The master key of the software module, and whether it is public.
pub(super) fn module_of(config: &Config, hsm: &HsmToml) -> Result<(Master, bool), StartError> {
    let public = || test_lmk::masters()[2].1.clone();
    Ok(match hsm.software {
        Some(SoftwareToml::PublicTest) | None => (public(), true),
        Some(SoftwareToml::Store) => (MasterFile::read(&config.keys_directory())?, false),
    })
}

/// Random bits of the system.
pub(super) fn seed_of<const N: usize>() -> Result<zeroize::Zeroizing<[u8; N]>, clock::EntropyError> {
    let mut seed = zeroize::Zeroizing::new([0; N]);
    clock::entropy(&mut *seed)?;
    Ok(seed)
}

fn software(config: &Config, hsm: &HsmToml) -> Result<Software, StartError> {
    let (master, is_public) = module_of(config, hsm)?;
    let module = SoftwareHsm::new(master, &*seed_of::<SEED_BYTES>()?).map_err(|_| StartError::SelfTest)?;
    let check = module.master().check();
    tracing::warn!(hsm = hsm.name, lmk = check, "{WARNING}");
    if is_public {
        tracing::warn!(
            hsm = hsm.name,
            "its master key is a public test key: everything under it is in clear"
        );
    }
    let is_for_tests =
        hsm.software == Some(SoftwareToml::Store) && MasterFile::is_for_tests(&config.keys_directory());
    if is_for_tests {
        tracing::warn!(hsm = hsm.name, "its master key was drawn by one person, for tests: no live keys");
    }
    Ok(Software {
        name: hsm.name.clone(),
        hsm: module,
        check,
        is_public,
        is_for_tests,
        allowed: hsm.allowed(),
        counts: Counts::default(),
    })
}

pub(super) fn device(hsm: &HsmToml) -> Option<DeviceConfig> {
    if hsm.kind == KindToml::Pkcs11 {
        return device_of(hsm);
    }
    Some(DeviceConfig {
        way: Way::Commands(Client { keeping: hsm.keeping()?, older_terminal_keys: hsm.older_terminal_keys }),
        header_bytes: hsm.header_bytes,
        lmk_check: hsm.lmk_check.clone()?,
        in_flight_max: hsm.in_flight_max,
        allowed: hsm.allowed(),
    })
}

fn known(hsm: &HsmToml) -> (String, String, String) {
    let address = match hsm.kind {
        KindToml::Pkcs11 => uri_of(hsm),
        KindToml::Payshield => hsm.address.map(|address| address.to_string()).unwrap_or_default(),
    };
    (hsm.name.clone(), address, hsm.lmk_check.clone().unwrap_or_default().to_uppercase())
}

pub(super) fn line(hsm: &HsmToml, device: usize) -> DialConfig {
    let mut framing = Framing::named("bin2").expect("a length of two bytes has a name");
    framing.body_bytes_max = MESSAGE_BYTES_MAX;
    let name = LinkName::clipped(hsm.name.as_bytes());
    let address = hsm.address.map(|address| address.to_string()).unwrap_or_default();
    DialConfig {
        connections: hsm.connections,
        reconnect_ms: hsm.reconnect_ms,
        tls: hsm.tls.as_ref().map(|tls| TlsClient {
            authorities: tls.authorities.clone(),
            server_name: tls.server_name.clone(),
            identity: tls.certificate.clone().zip(tls.key.clone()),
        }),
        ..DialConfig::new(name, LinkId(FIRST_LINE + device as u16), address, framing)
    }
}
