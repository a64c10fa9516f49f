use aes_gcm_siv::aead::inout::InOutBuf;
use aes_gcm_siv::{AeadInOut, Aes256GcmSiv, KeyInit, Nonce, Tag};
use core::fmt;
use sha2::{Digest as _, Sha256};
use terms::{Pan, Text, TxnId};
use zeroize::{Zeroize, Zeroizing};

/// Nineteen digits and a filler, two to the byte: every card number is as long as every other.
const PACKED_BYTES: usize = 10;
const TAG_BYTES: usize = 16;
/// Keeps the nonces of derived secrets apart from those of card numbers.
const PURPOSE_SECRETS: u16 = 1;
/// Keeps the nonces of accounts apart from both.
const PURPOSE_ACCOUNT: u16 = 2;
/// A length and 28 characters: every account is as long as every other.
const ACCOUNT_BYTES: usize = 29;
/// An enciphered account on disk.
pub(crate) const SEALED_ACCOUNT_BYTES: usize = ACCOUNT_BYTES + TAG_BYTES;
/// An enciphered card number on disk.
pub(crate) const SEALED_BYTES: usize = PACKED_BYTES + TAG_BYTES;

/// Enciphers the card numbers of one lane's journal under its data key.
///
/// AES-256-GCM-SIV (RFC 8452). The nonce is the lane and the transaction's number: no nonce is stored, and
/// writing the same record again (in a snapshot) gives the same bytes. A number is given twice only when a
/// torn tail was cut; this cipher is chosen because all that would then show is whether two card numbers
/// that nobody was ever told about are equal.
pub struct Vault {
    cipher: Aes256GcmSiv,
    lane: u16,
}

impl Vault {
    /// A vault for `lane` under a data key of 256 bits. The copy handed in is wiped; the cipher wipes its own
    /// when dropped.
    pub fn new(mut key: [u8; 32], lane: u16) -> Self {
        let cipher = Aes256GcmSiv::new((&key).into());
        key.zeroize();
        Self { cipher, lane }
    }

    /// Enciphers the card number of transaction `id`. Cost: about a third of a microsecond, no allocation.
    pub fn seal(&self, id: TxnId, pan: &Pan) -> SealedPan {
        let mut packed = pack(pan);
        let buffer = InOutBuf::from(&mut packed[..]);
        let tag = (self.cipher.encrypt_inout_detached(&self.nonce(id), b"", buffer))
            .expect("ten bytes are within the cipher's limit of 2^36");
        let mut bytes = [0; SEALED_BYTES];
        bytes[..PACKED_BYTES].copy_from_slice(&*packed);
        bytes[PACKED_BYTES..].copy_from_slice(&tag);
        SealedPan { id, bytes }
    }

    /// Deciphers a card number.
    ///
    /// Errors: [`VaultError::WrongKey`] where this vault did not seal it, or not for this transaction.
    pub fn open(&self, sealed: &SealedPan) -> Result<Pan, VaultError> {
        let (packed, tag) = sealed.bytes.split_at(PACKED_BYTES);
        let mut digits = Zeroizing::new([0; PACKED_BYTES]);
        digits.copy_from_slice(packed);
        let tag = Tag::try_from(tag).map_err(|_| VaultError::WrongKey)?;
        let buffer = InOutBuf::from(&mut digits[..]);
        (self.cipher.decrypt_inout_detached(&self.nonce(sealed.id), b"", buffer, &tag))
            .map_err(|_| VaultError::WrongKey)?;
        unpack(&digits).ok_or(VaultError::WrongKey)
    }

    /// Enciphers the receiving account of transaction `id`, which may well be a card number. Cost: as a card's.
    pub fn seal_account(&self, id: TxnId, account: &Text<28>) -> SealedAccount {
        let mut clear = Zeroizing::new([0; ACCOUNT_BYTES]);
        let digits = account.as_bytes();
        clear[0] = digits.len() as u8;
        clear[1..=digits.len()].copy_from_slice(digits);
        let tag = (self.cipher)
            .encrypt_inout_detached(&self.account_nonce(id), b"", InOutBuf::from(&mut clear[..]))
            .expect("29 bytes are within the cipher's limit of 2^36");
        let mut bytes = [0; SEALED_ACCOUNT_BYTES];
        bytes[..ACCOUNT_BYTES].copy_from_slice(&*clear);
        bytes[ACCOUNT_BYTES..].copy_from_slice(&tag);
        SealedAccount { id, bytes }
    }

    /// Deciphers an account.
    ///
    /// Errors: [`VaultError::WrongKey`] where this vault did not seal it, or not for this transaction.
    pub fn open_account(&self, sealed: &SealedAccount) -> Result<Text<28>, VaultError> {
        let (body, tag) = sealed.bytes.split_at(ACCOUNT_BYTES);
        let mut clear = Zeroizing::new([0; ACCOUNT_BYTES]);
        clear.copy_from_slice(body);
        let tag = Tag::try_from(tag).map_err(|_| VaultError::WrongKey)?;
        (self.cipher)
            .decrypt_inout_detached(&self.account_nonce(sealed.id), b"", InOutBuf::from(&mut clear[..]), &tag)
            .map_err(|_| VaultError::WrongKey)?;
        let digits = clear.get(1..=usize::from(clear[0])).ok_or(VaultError::WrongKey)?;
        Text::new(digits).ok_or(VaultError::WrongKey)
    }

    fn account_nonce(&self, id: TxnId) -> Nonce {
        let mut nonce = self.nonce(id);
        nonce[2..4].copy_from_slice(&PURPOSE_ACCOUNT.to_le_bytes());
        nonce
    }

    /// A secret of this lane for some purpose, the same for the life of the data key: for digests that must
    /// not be guessed from what they are of.
    pub fn secret_for(&self, purpose: &[u8]) -> [u8; 16] {
        let mut nonce = self.nonce(TxnId(0));
        nonce[2..4].copy_from_slice(&PURPOSE_SECRETS.to_le_bytes());
        let nothing = InOutBuf::from(&mut [][..]);
        (self.cipher.encrypt_inout_detached(&nonce, purpose, nothing))
            .expect("a purpose is within the cipher's limit of 2^36")
            .into()
    }

    /// A digest of a card number under a secret derived from the data key: the same number gives the same digest, and
    /// nobody without the key learns the one from the other. Cost: two SHA-256.
    pub fn digest_of(&self, pan: &Pan) -> CardDigest {
        // Both of a length that is fixed: nothing can be appended to either.
        let packed = pack(pan);
        let secret = Zeroizing::new(self.secret_for(b"card digest"));
        CardDigest(Sha256::new().chain_update(*secret).chain_update(&packed[..]).finalize().into())
    }

    /// Lane, purpose (0: the card of the transaction), transaction.
    fn nonce(&self, id: TxnId) -> Nonce {
        let mut nonce = Nonce::default();
        nonce[..2].copy_from_slice(&self.lane.to_le_bytes());
        nonce[4..].copy_from_slice(&id.0.to_le_bytes());
        nonce
    }
}

/// A keyed digest of a card number; see [`Vault::digest_of`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CardDigest([u8; 32]);

impl fmt::Debug for CardDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a card's digest")
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("vault")
    }
}

/// Why a sealed card number stays sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The data key is not the one this journal was written under, or the sealed bytes are not whole.
    #[error("the card number does not open under this data key")]
    WrongKey,
}

/// A card number as the journal keeps it. Without the data key it says nothing, not even its length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealedPan {
    pub(crate) id: TxnId,
    pub(crate) bytes: [u8; SEALED_BYTES],
}

impl fmt::Debug for SealedPan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sealed")
    }
}

/// The card a record speaks of: clear when the lane writes it, sealed when it is read back. Opening costs a
/// decryption, so replay leaves it to whoever needs the digits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Card {
    /// The message named none.
    #[default]
    None,
    /// Known here and now; never written like this.
    Clear(Pan),
    /// As the journal keeps it.
    Sealed(SealedPan),
}

impl Card {
    /// The digits; [`Pan::NONE`] where there is no card.
    pub fn open(&self, vault: &Vault) -> Result<Pan, VaultError> {
        match self {
            Self::None => Ok(Pan::NONE),
            Self::Clear(pan) => Ok(pan.clone()),
            Self::Sealed(sealed) => vault.open(sealed),
        }
    }
}

impl From<Pan> for Card {
    fn from(pan: Pan) -> Self {
        if pan.is_none() { Self::None } else { Self::Clear(pan) }
    }
}

/// An account as the journal keeps it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealedAccount {
    pub(crate) id: TxnId,
    pub(crate) bytes: [u8; SEALED_ACCOUNT_BYTES],
}

impl fmt::Debug for SealedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sealed")
    }
}

/// The receiving account a record speaks of, as [`Card`] is its card.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Account {
    /// The message named none.
    #[default]
    None,
    /// Known here and now; never written like this.
    Clear(Text<28>),
    /// As the journal keeps it.
    Sealed(SealedAccount),
}

impl Account {
    /// Whether the message named none.
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// What it says; empty where there is none.
    pub fn open(&self, vault: &Vault) -> Result<Text<28>, VaultError> {
        match self {
            Self::None => Ok(Text::EMPTY),
            Self::Clear(account) => Ok(*account),
            Self::Sealed(sealed) => vault.open_account(sealed),
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_none() { "none" } else { "an account" })
    }
}

fn pack(pan: &Pan) -> Zeroizing<[u8; PACKED_BYTES]> {
    let mut packed = Zeroizing::new([0xFF; PACKED_BYTES]);
    for (at, digit) in pan.expose().iter().enumerate() {
        let nibble = digit - b'0';
        let byte = &mut packed[at / 2];
        *byte = if at % 2 == 0 { nibble << 4 | 0x0F } else { *byte & 0xF0 | nibble };
    }
    packed
}

fn unpack(packed: &[u8; PACKED_BYTES]) -> Option<Pan> {
    let mut digits = Zeroizing::new([0; PACKED_BYTES * 2]);
    let mut length = 0;
    for nibble in packed.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).take_while(|nibble| *nibble <= 9) {
        digits[length] = b'0' + nibble;
        length += 1;
    }
    Pan::new(&digits[..length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn pan(digits: &[u8]) -> Pan {
        Pan::new(digits).expect("digits")
    }

    #[test]
    fn a_card_number_opens_under_its_own_key_lane_and_transaction_only() {
        let vault = Vault::new([7; 32], 1);
        for digits in [&b"4111111111111111"[..], b"6228481234567890123", b"1"] {
            let sealed = vault.seal(TxnId(9), &pan(digits));
            assert_eq!(vault.open(&sealed), Ok(pan(digits)));
            assert_eq!(Vault::new([8; 32], 1).open(&sealed), Err(VaultError::WrongKey));
            assert_eq!(Vault::new([7; 32], 2).open(&sealed), Err(VaultError::WrongKey));
            assert_eq!(vault.open(&SealedPan { id: TxnId(10), ..sealed }), Err(VaultError::WrongKey));
        }
    }

    #[test]
    fn a_sealed_card_number_hides_its_digits_and_prints_nothing() {
        let sealed = Vault::new([7; 32], 1).seal(TxnId(1), &pan(b"4111111111111111"));
        assert!(!sealed.bytes.windows(4).any(|w| w == [0x41, 0x11, 0x11, 0x11] || w == b"4111"));
        assert_eq!(format!("{sealed:?}"), "sealed");
    }

    #[test]
    fn an_account_opens_for_its_own_transaction_only_and_hides_its_length() {
        let vault = Vault::new([7; 32], 1);
        for digits in [&b""[..], b"6228480000001234567", b"DE02120300000000202051 KONTO"] {
            let account = Text::clipped(digits);
            let sealed = vault.seal_account(TxnId(9), &account);
            assert_eq!(vault.open_account(&sealed), Ok(account));
            assert_eq!(
                vault.open_account(&SealedAccount { id: TxnId(10), ..sealed }),
                Err(VaultError::WrongKey)
            );
            assert!(digits.len() < 4 || !sealed.bytes.windows(4).any(|w| w == &digits[..4]));
        }
    }

    #[test]
    fn the_same_card_number_in_two_transactions_looks_different() {
        let vault = Vault::new([7; 32], 1);
        let [one, two] = [1, 2].map(|id| vault.seal(TxnId(id), &pan(b"4111111111111111")).bytes);
        assert_ne!(one, two);
    }
}
