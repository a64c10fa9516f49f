//! Vectors of standards, of recorded modules and of other people's programs, where the workspace has them beside
//! the repository: all that fall into what is built here must come out, and each of the others is named with its
//! reason.

mod blocks;
mod cards;
mod commands;
mod derived;
mod fields;
mod file;
mod macs;
mod pins;

use file::{File, Tally, vectors_folder};

#[test]
fn every_vector_comes_out_or_says_why_it_is_left_out() {
    let Some(folder) = vectors_folder() else {
        return println!("skipped: ../shared/vectors not found beside the repository");
    };
    let mut tally = Tally::default();
    for (name, check) in FILES {
        tally.take(&File::read(&folder, name), *check);
    }
    tally.close(&folder, &FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

#[rustfmt::skip]
const FILES: &[(&str, file::Check)] = &[
    ("card_values",        cards::card_value),
    ("dukpt_aes",          derived::aes),
    ("dukpt_tdes",         derived::tdes),
    ("emv_arqc_arpc",      cards::cryptogram),
    ("kcv",                macs::check_value),
    ("mac",                macs::mac),
    ("payshield_hostcmd_thalessim", commands::of_other_simulator),
    ("payshield_recordings", commands::recorded),
    ("pin_blocks",         pins::pin_block),
    ("sm4",                macs::sm4),
    ("thales_keyblock_s",  blocks::pay_shield),
    ("thales_variant_lmk", blocks::under_lmk),
    ("tr31",               blocks::tr31),
];
