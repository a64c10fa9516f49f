use super::{Enciphered, Fill, Format, PinError, compose, decipher, encipher, extract};
use crate::drbg::Random;
use crate::secret::Key;
use terms::Pan;

/// A PIN block of one side: its format, the key it lies under, and the card number that side sends.
#[derive(Clone, Copy)]
pub struct PinLeg<'a> {
    /// Its format.
    pub format: Format,
    /// The PIN key.
    pub key: &'a Key,
    /// The card number of that message.
    pub pan: &'a Pan,
}

/// Which translations are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Formats 0, 1, 3 and 4 alone; what is bound to a card stays bound, and to the same card. Source: PCI PIN
    /// v3.1, 3-3; ISO 9564-1:2017, 9.6.
    #[default]
    Strict,
    /// Whatever can be computed: for simulated modules and old vectors, never for a switch.
    Anything,
}

/// Why a PIN was not translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranslateError {
    /// The block that came in is none of its format, key and card.
    #[error("the block received: {0}")]
    Received(PinError),
    /// The block that goes out cannot be made.
    #[error("the block to send: {0}")]
    Sent(PinError),
    /// The rules forbid it.
    #[error("a PIN is not moved from {from} to {to}")]
    Forbidden {
        /// What it comes in.
        from: Format,
        /// What it would leave in.
        to: Format,
    },
    /// The two sides name different cards.
    #[error("a PIN is not moved from one card number to another")]
    OtherCard,
}

/// Moves a PIN from one block into another, and its length beside it. The PIN itself is gone when this returns.
///
/// # Errors
/// [`TranslateError`]; only [`TranslateError::Received`] is about what the terminal sent.
pub fn translate(
    policy: Policy,
    block: &[u8],
    from: PinLeg<'_>,
    to: PinLeg<'_>,
    random: &mut dyn Random,
) -> Result<(Enciphered, usize), TranslateError> {
    if policy == Policy::Strict {
        permit(from, to)?;
    }
    let clear = decipher(from.format, block, from.pan, from.key).map_err(TranslateError::Received)?;
    let pin = extract(from.format, &clear, from.pan).map_err(TranslateError::Received)?;
    let clear = compose(to.format, &pin, to.pan, &mut Fill::Random(random)).map_err(TranslateError::Sent)?;
    let sent = encipher(to.format, &clear, to.pan, to.key).map_err(TranslateError::Sent)?;
    Ok((sent, pin.length()))
}

fn permit(from: PinLeg<'_>, to: PinLeg<'_>) -> Result<(), TranslateError> {
    let travels = |format| matches!(format, Format::Iso0 | Format::Iso1 | Format::Iso3 | Format::Iso4);
    let loses_its_card = from.format.binds_card() && !to.format.binds_card();
    if !travels(from.format) || !travels(to.format) || loses_its_card {
        return Err(TranslateError::Forbidden { from: from.format, to: to.format });
    }
    if from.format.binds_card() && from.pan != to.pan { Err(TranslateError::OtherCard) } else { Ok(()) }
}
