//! Price files: JSON Lines in Mete's own schema, read into rows of the price book and written back.
//!
//! [`read`] takes the text of a file, [`embedded`] is the book that ships with Mete. The schema is described in
//! `prices/README.md`. Decimals are read from their text, never through a float.

mod embedded;
mod error;
mod fields;
mod reader;
mod write;

pub use embedded::{embedded, embedded_as_of, embedded_rows, embedded_seen};
pub use error::LineError;
pub use reader::read;
pub(crate) use reader::{has_known_holes, is_name};
pub use write::{derived_id, write};
