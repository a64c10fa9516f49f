//! Codes. The token never sees more than blocks, and we never see more than what comes of them.

use crate::held::Use;
use crate::keys::call;
use crate::stored::Said;
use crate::token::Token;
use cryptoki::mechanism::Mechanism;
use hsm::mac::{Algorithm, MAC_BYTES_MIN, MacError, Padding, check, filled, unionpay};
use hsm::ops::{Answer, Fault, MacData, Permission, StoredKey};
use hsm::same;

const BLOCK: usize = 8;

impl Token {
    pub(crate) fn make_mac(&mut self, data: &MacData) -> Result<Answer, Fault> {
        self.mac(data, Permission::Make).map(Answer::Mac)
    }

    pub(crate) fn verify_mac(&mut self, data: &MacData, found: &[u8]) -> Result<Answer, Fault> {
        let right = self.mac(data, Permission::Verify)?;
        let is_long_enough = (MAC_BYTES_MIN..=right.len()).contains(&found.len());
        match is_long_enough && same(&right[..found.len()], found) {
            true => Ok(Answer::Verified),
            false => Err(Fault::NotVerified),
        }
    }

    fn mac(&mut self, data: &MacData, permission: Permission) -> Result<Vec<u8>, Fault> {
        let MacData { key, algorithm, padding, data } = data;
        if !key.role.authenticates() {
            return Err(Fault::Usage);
        }
        let said = self.read(key)?;
        if !permission.is_given_by(said.attributes.mode) {
            return Err(Fault::Mode);
        }
        let data = data.expose();
        check(*algorithm, *padding, (said.cipher, said.bytes), data.len()).map_err(|error| match error {
            MacError::Padding { .. } | MacError::Partial { .. } => Fault::Request,
            MacError::Cipher { .. } | MacError::KeyLength { .. } => Fault::KeyLength,
        })?;
        match algorithm {
            Algorithm::AesCmac => {
                let handle = self.handle(key, &said, Use::Codes)?;
                call(self.session.sign(&Mechanism::AesCMac, handle, data))
            }
            Algorithm::X99 | Algorithm::Iso1 | Algorithm::TdesCbc => {
                self.chained(key, &said, Use::Codes, [0; BLOCK], &filled(*padding, data))
            }
            Algorithm::UnionPayCbc => {
                let plain = unionpay::plain([data]);
                self.chained(key, &said, Use::Codes, [0; BLOCK], &filled(Padding::Zeros, &plain))
            }
            Algorithm::UnionPayEcb => {
                let (first, last) = unionpay::halves(data);
                self.chained(key, &said, Use::Codes, [0; BLOCK], &[first, last].concat())
            }
            Algorithm::X919 | Algorithm::Iso3 => self.retail(key, &said, &filled(*padding, data)),
            Algorithm::Sm4Cbc => Err(Fault::NotOffered),
        }
    }

    /// Single DES with the first part over all blocks but the last, which goes through the whole key: that enciphers it
    /// by the first part as well, and goes on by the others.
    fn retail(&mut self, key: &StoredKey, said: &Said, blocks: &[u8]) -> Result<Vec<u8>, Fault> {
        let (front, last) = blocks.split_at(blocks.len().saturating_sub(BLOCK));
        let so_far = match front {
            // Asked for all the same: whether a code can be made does not depend on how long a message is.
            [] => self.handle(key, said, Use::CodesByPart).map(|_| vec![0; BLOCK])?,
            front => self.chained(key, said, Use::CodesByPart, [0; BLOCK], front)?,
        };
        let so_far = so_far.try_into().map_err(|_| Fault::Device(*b"LI"))?;
        self.chained(key, said, Use::Codes, so_far, last)
    }

    /// The last block of a chain.
    fn chained(
        &mut self,
        key: &StoredKey,
        said: &Said,
        purpose: Use,
        iv: [u8; BLOCK],
        blocks: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        if blocks.is_empty() {
            return Err(Fault::Request);
        }
        let handle = self.handle(key, said, purpose)?;
        let all = self.des(handle, iv, blocks)?;
        match all.len() == blocks.len() {
            true => Ok(all[all.len() - BLOCK..].to_vec()),
            false => Err(Fault::Device(*b"LI")),
        }
    }
}
