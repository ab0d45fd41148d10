//! Virtual keys: shown once, stored hashed.

use jiff::Timestamp;
use ledger::{Attributes, RunId};

/// Names a key (`key_…`); not a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub String);

/// A key's secret text `mk_…`, at least 128 bits of it random. Has no `Debug` output of its content.
pub struct KeySecret(pub String);

impl core::fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("mk_…")
    }
}

/// Limits on how often a key may be used; `None` is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests a minute.
    pub requests_per_minute: Option<u64>,
    /// Tokens (input bound + granted ceiling) a minute.
    pub tokens_per_minute: Option<u64>,
    /// Calls in flight.
    pub concurrency: Option<u64>,
}

/// A virtual key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its id; rotation keeps it, and so keeps the spend.
    pub id: KeyId,
    /// A name for people.
    pub name: String,
    /// SHA-256 of the secret; the previous one too while a rotation's overlap lasts.
    pub hashes: Vec<([u8; 32], Option<Timestamp>)>,
    /// Last four characters of the secret, to recognise it.
    pub last_four: String,
    /// Attributes that every call of this key has; they win over what a client says.
    pub attributes: Attributes,
    /// Attribute names that a client may set by header or body.
    pub client_may_set: Vec<String>,
    /// Models that the key may use; empty allows all. A trailing `*` matches a prefix.
    pub models: Vec<String>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// Revoked keys stay for history.
    pub revoked_at: Option<Timestamp>,
    /// Rate limits.
    pub limits: RateLimits,
    /// The run that this key belongs to (made by `mete run`).
    pub run: Option<RunId>,
    /// When it was made.
    pub created_at: Timestamp,
}
