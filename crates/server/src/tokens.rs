//! The two admin tokens: one that is printed once and stored hashed, one for commands on this machine.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use store::Books;
use subtle::ConstantTimeEq as _;

use crate::api::guard::Actor;

/// The setting that keeps the hash of the printed token.
const SETTING: &str = "admin_token_sha256";
/// The file in the data directory with the token of this start.
const FILE: &str = "admin.token";

/// What a presented token is compared with.
#[derive(Clone)]
pub(crate) struct Tokens {
    admin: [u8; 32],
    local: [u8; 32],
}

impl Tokens {
    /// Whose token this is. Hashes are compared, in constant time.
    pub fn actor(&self, token: &str) -> Option<Actor> {
        let hash = hash(token);
        let is_admin = bool::from(hash.ct_eq(&self.admin));
        let is_local = bool::from(hash.ct_eq(&self.local));
        if is_admin {
            return Some(Actor("admin token".to_owned()));
        }
        is_local.then(Actor::local)
    }

    /// Tokens that nobody has: for an API that no socket reaches.
    pub fn unreachable() -> Self {
        Self { admin: [0; 32], local: [0; 32] }
    }
}

/// The tokens of a start.
pub(crate) struct Made {
    /// What to compare with.
    pub tokens: Tokens,
    /// The printed token, when it was made just now.
    pub admin: Option<String>,
    /// The file with the local token.
    pub file: PathBuf,
}

/// Makes the local token, and at the first start of a data directory the admin token.
pub(crate) async fn make(books: &Books, data: &Path) -> Result<Made, String> {
    let known = books.setting(SETTING).await.map_err(|error| error.to_string())?;
    let (admin_hash, admin) = match known.as_deref().and_then(from_hex) {
        Some(hash) => (hash, None),
        None => {
            let token = random("mta_")?;
            let hash = hash(&token);
            books.set_setting(SETTING, &hex(&hash), "first start").await.map_err(|error| error.to_string())?;
            (hash, Some(token))
        }
    };
    let local = random("mtl_")?;
    let file = data.join(FILE);
    write_private(&file, &local).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(Made { tokens: Tokens { admin: admin_hash, local: hash(&local) }, admin, file })
}

/// Removes the local token's file, which opens nothing any more.
pub(crate) fn forget(data: &Path) {
    // A file that is left behind is as useless as its token.
    let _ = std::fs::remove_file(data.join(FILE));
}

fn random(prefix: &str) -> Result<String, String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| format!("the system gives no randomness ({error})"))?;
    Ok(format!("{prefix}{}", hex(&bytes)))
}

/// Writes a file that only its owner can read, in one step for readers.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let fresh = file.with_extension("token.new");
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&fresh)?.write_all(text.as_bytes())?;
    std::fs::rename(&fresh, file)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |at: usize| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..32).map(digit).collect::<Option<_>>()?;
    bytes.try_into().ok().filter(|_| text.len() == 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_only_its_own_door() {
        let tokens = Tokens { admin: hash("mta_a"), local: hash("mtl_b") };
        let name = |token: &str| tokens.actor(token).map(|actor| actor.0);
        assert_eq!(name("mta_a").as_deref(), Some("admin token"));
        assert_eq!(name("mtl_b").as_deref(), Some("local user"));
        for wrong in ["", "mta_", "mta_A", "mtl_b ", &hex(&hash("mta_a"))] {
            assert_eq!(name(wrong), None, "{wrong}");
        }
        assert_eq!(from_hex(&hex(&hash("x"))), Some(hash("x")));
        assert_eq!(from_hex("00"), None);
    }
}
