//! The ledger's words as JSON text, in a shape that this crate keeps stable: what was journalled once is read for ever.
//!
//! The ledger knows no serialisation, so each of its types has a mirror here. Amounts are integer nano-dollars, times
//! RFC 3339, ids the 26 characters of a ULID.

mod event;
mod record;
mod state;
mod text;

pub(crate) use event::{account_to_json, event_from_json, event_to_json, spec_to_json};
pub(crate) use record::{end_from_json, end_to_json, refused_from_json, refused_to_json, start_from_json, start_to_json};
pub(crate) use state::{state_from_json, state_to_json};
pub(crate) use text::{Id, Time};

/// Why a text isn't what the journal writes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CodecError(#[from] serde_json::Error);
