//! A key that lies in a token already, taken into our books.

use super::make::{Made, add};
use super::order::{End, WhichKey};
use super::place::Why;
use super::{of_module, of_store};
use crate::commands::link::door::Failure;
use crate::commands::paper::Paper;
use crate::exit;
use keys::{Origin, State};
use std::process::ExitCode;

/// Which key of the token, and whose it is.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It was put there by the token's own tool, and stays there. It shows its check value where it may \
                        sign (AES) or encipher (DES); a transport key may wrap and unwrap besides."
)]
pub struct AdoptArgs {
    #[command(flatten)]
    which: WhichKey,
    /// Its label in the token
    #[arg(long, value_name = "LABEL")]
    label: String,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    end: End,
}

pub(super) fn adopt(args: &AdoptArgs) -> Result<ExitCode, Failure> {
    let mut desk = args.end.place.desk()?;
    let WhichKey { owner, role } = args.which;
    let adopted = desk.module.adopt(role, &args.label).ok_or_else(|| Failure::Said {
        code: "KEY2041-E",
        said: "keys lie in no token: the configuration names another kind of module".into(),
        state: "nothing was changed".into(),
        next: "sekisho key generate OWNER KEY, or sekisho ceremony start OWNER KEY".into(),
        exit: exit::REFUSED,
    })?;
    let adopted = adopted.map_err(of_module)?;
    if adopted.is_open {
        eprintln!(
            "warning: the token opens what lies under this key to whoever has its PIN (CKA_DECRYPT is true): not for \
             live keys"
        );
    }
    let act = desk.act("adopt", &args.why);
    let generation = add(&mut desk, &owner, adopted.key, adopted.check, Origin::Components, None, &act)?;
    let said = format!("{} generation {generation}: key `{}` of the token", role.name(), args.label);
    desk.store.note(desk.now, &act, &owner.to_string(), vec![said]).map_err(of_store)?;
    let mut paper = Paper::new();
    let (state, check) = (State::Generated.name(), adopted.check);
    match args.end.json {
        true => paper.json(&Made::of(&owner, role, generation, state, check)),
        false => paper.line(format_args!(
            "key/{owner} {} generation {generation} {state}, check value {check}",
            role.name()
        )),
    }
    Ok(ExitCode::SUCCESS)
}
