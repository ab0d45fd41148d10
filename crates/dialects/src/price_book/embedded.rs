//! The price book that ships with Mete.

use pricing::{PriceBook, Rows};

/// The files of `prices/`, one a seller.
const FILES: &[(&str, &str)] = &[];

/// The rows that ship with Mete.
///
/// # Panics
/// When a shipped file can't be read; a test reads them all.
#[must_use]
pub fn embedded_rows() -> Rows {
    let mut rows = Rows::default();
    for (name, text) in FILES {
        let mut more = super::read(text).unwrap_or_else(|errors| panic!("prices/{name}: {}", errors[0]));
        rows.rules.append(&mut more.rules);
        rows.aliases.append(&mut more.aliases);
        rows.modifiers.append(&mut more.modifiers);
        rows.models.append(&mut more.models);
        rows.semantics.append(&mut more.semantics);
    }
    rows
}

/// The price book that ships with Mete. It takes some milliseconds to read; keep it.
///
/// # Panics
/// When the shipped files contradict each other; a test reads them all.
#[must_use]
pub fn embedded() -> PriceBook {
    PriceBook::from_rows(embedded_rows()).unwrap_or_else(|errors| panic!("prices: {}", errors[0]))
}
