//! Salted hashes of message blocks: they find repeats inside one instance and say nothing outside of it.

use sha2::{Digest, Sha256};

/// The instance's random salt; it never leaves the data directory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub(crate) [u8; 32]);

impl core::fmt::Debug for Salt {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// The first 64 bits of SHA-256 over salt and block.
#[must_use]
pub fn hash_block(salt: &Salt, block: &[u8]) -> u64 {
    let digest = Sha256::new().chain_update(salt.0).chain_update(block).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first)
}
