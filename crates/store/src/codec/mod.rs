//! The ledger's words as JSON text and as compact bytes, in shapes that this crate keeps stable: what was journalled once is
//! read for ever.
//!
//! The ledger knows no serialisation, so each of its types has a mirror here. In text amounts are integer nano-dollars, times
//! RFC 3339, ids the 26 characters of a ULID. Text is what older binaries wrote and what people are shown; bytes are what is
//! written for every call.

mod compact;
mod event;
mod frame;
mod record;
mod state;
#[cfg(test)]
mod stays;
mod text;

pub(crate) use compact::{end_from_bytes, end_to_bytes, start_from_bytes, start_to_bytes, state_from_bytes, state_to_bytes};
pub(crate) use event::{account_to_json, event_from_json, event_to_json, spec_to_json};
pub(crate) use frame::{Frame, Item, items};
pub(crate) use record::{end_from_json, refused_from_json, refused_to_json, start_from_json};
pub(crate) use state::state_from_json;
pub(crate) use text::{Id, Time};

/// Why something isn't what the journal writes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodecError {
    #[error("{0}")]
    Text(#[from] serde_json::Error),
    #[error("{0}")]
    Bytes(#[from] postcard::Error),
    #[error("{0}")]
    Version(String),
}

impl CodecError {
    fn version(found: Option<u8>) -> Self {
        Self::Version(found.map_or("it is empty".to_owned(), |found| format!("version {found} is newer than this binary")))
    }
}
