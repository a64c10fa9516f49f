//! What a start would run into, found out without one: everything is read as a start reads it, and nothing is made,
//! held or changed.

use super::folded::Folded;
use super::guard::KeyModulePlan;
use super::opening::{LANE, StartError};
use super::plan::Plan;
use disk::{Disk, DiskError};
use journal::{Journal, Storage, Vault};
use std::io::ErrorKind;
use std::sync::Arc;

/// Reads keys and journal.
///
/// # Errors
/// What a start would end with.
pub(crate) fn rehearse(plan: &Plan) -> Result<(), StartError> {
    keys(plan)?;
    journal(plan)
}

fn keys(plan: &Plan) -> Result<(), StartError> {
    let module = KeyModulePlan::of(&plan.config)?;
    let directory = plan.config.keys_directory();
    if module.is_some() && directory.is_dir() {
        keystore::verify(&directory, |_| {})?;
    }
    Ok(())
}

fn journal(plan: &Plan) -> Result<(), StartError> {
    let dir = &plan.config.journal.dir;
    let failed = |source| StartError::Journal { dir: dir.display().to_string(), source };
    let mut disk = match Disk::open_for_reading(dir) {
        // A start makes it.
        Err(DiskError::Unusable { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    // For a journal that was not begun, looking must not make a key.
    if disk.segments().map_err(|error| failed(error.into()))?.is_empty() {
        return Ok(());
    }
    let key = disk::data_key(dir, [0; 32])?;
    let vault = Arc::new(Vault::new(*key, LANE));
    let mut folded = Folded::new(plan, vault);
    let mut wrong = None;
    let read = Journal::would_open(&mut disk, LANE, &mut |record| {
        if wrong.is_none() {
            wrong = folded.apply(record).err();
        }
    });
    read.map_err(failed)?;
    wrong.map_or(Ok(()), |source| Err(StartError::Replay { dir: dir.display().to_string(), source }))
}
