//! The price book in force, and all that it is made of.
//!
//! A base (the embedded book, or the file of `--prices`), what was imported into the [`Catalogue`], then the rows of one's own:
//! the config's files and what `mete prices set` kept. [`Stock`] holds the parts, [`Desk`] is where they are asked and changed.

pub(crate) mod age;
mod desk;
mod files;
mod lost;
mod words;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use dialects::catalogue::Catalogue;
use dialects::price_book;
use jiff::Timestamp;
use pricing::{PriceBook, Rows};
use store::{PriceRow, PriceSource};

pub(crate) use desk::{Changed, Desk, DeskError, Keep};
pub use files::{PriceFileError, difference, findings};
pub(crate) use files::{append, change_view, finding_view, findings_of, joined, read_row, unknown_source};
pub(crate) use lost::{why_it_does_not_apply, why_it_lost};
pub(crate) use words::{date, price_text, region_text, schedule_text, select_text};

/// The embedded book, read once.
static EMBEDDED: LazyLock<PriceBook> = LazyLock::new(price_book::embedded);

/// The book that ships with Mete.
pub(crate) fn embedded() -> &'static PriceBook {
    &EMBEDDED
}

/// What the price book in force is made of.
#[derive(Clone)]
pub(crate) struct Stock {
    /// What is under everything: the embedded book, a price file, or nothing.
    pub base: PriceBook,
    /// When the newest facts of the base were gathered, as far as it says.
    base_as_of: Option<Timestamp>,
    /// What was imported.
    pub catalogue: Arc<Catalogue>,
    /// Base and imports: the book without rows of one's own.
    pub published: PriceBook,
    /// Rows of the config's files.
    files: Arc<Rows>,
}

impl Stock {
    /// The embedded book, or the file that replaces it: rows of the price book, or a book that `mete prices import --book` wrote.
    pub fn load(base: Option<&Path>, extra: &[PathBuf]) -> Result<Self, String> {
        let mut files = Rows::default();
        for file in extra {
            append(&mut files, files::read_rows(file)?);
        }
        let mut stock = match base {
            None => Self::on(EMBEDDED.clone(), Some(price_book::embedded_as_of())),
            Some(file) => Self::of_file(file)?,
        };
        stock.files = Arc::new(files);
        stock.book(&[]).map(|_| stock)
    }

    /// A stock of one book.
    fn on(base: PriceBook, base_as_of: Option<Timestamp>) -> Self {
        Self { published: base.clone(), base, base_as_of, catalogue: Arc::default(), files: Arc::default() }
    }

    fn of_file(file: &Path) -> Result<Self, String> {
        let text = files::read_text(file)?;
        if files::is_book_of_sources(&text) {
            return Self::of_sources(&text).map_err(|error| format!("price book {}: {error}", file.display()));
        }
        let rows = files::rows_of(file, &text)?;
        let as_of = age::newest_fact(&rows, Timestamp::now());
        let book = PriceBook::from_rows(rows).map_err(|errors| format!("price file {}: {}", file.display(), joined(&errors)))?;
        Ok(Self::on(book, as_of))
    }

    /// What was imported and nothing else.
    fn of_sources(text: &str) -> Result<Self, String> {
        let catalogue = Catalogue::from_text(text).map_err(|error| error.to_string())?;
        Self::on(PriceBook::default(), None).with_catalogue(catalogue)
    }

    /// The same base with other imports. Nothing is changed when they don't make a book.
    pub fn with_catalogue(&self, catalogue: Catalogue) -> Result<Self, String> {
        let published = match catalogue.sources().next() {
            None => self.base.clone(),
            Some(_) => catalogue.book_over(&self.base).map_err(|errors| joined(&errors))?,
        };
        Ok(Self { catalogue: Arc::new(catalogue), published, ..self.clone() })
    }

    /// The same with the imports that a data directory keeps. A book of sources that `--prices` names is under them.
    fn with_sources(self, sources: &[PriceSource]) -> Result<Self, String> {
        if sources.is_empty() {
            return Ok(self);
        }
        let texts = sources.iter().map(|source| (source.name.as_str(), source.body.as_str()));
        let kept = Catalogue::from_texts(texts).map_err(|error| error.to_string())?;
        Self { base: self.published.clone(), base_as_of: self.as_of(), ..self }.with_catalogue(kept)
    }

    /// The same with the imports that a data directory keeps; the error says why they are left out instead, so that a
    /// directory whose imports can't be used any more can still be opened and mended.
    pub fn with_kept(self, sources: &[PriceSource]) -> (Self, Option<String>) {
        match self.clone().with_sources(sources) {
            Ok(stock) => (stock, None),
            Err(why) => (self, Some(format!("imported prices are left out: {why}; import their sources again"))),
        }
    }

    /// The book in force, with the rows that were kept by `mete prices set`.
    pub fn book(&self, kept: &[PriceRow]) -> Result<PriceBook, String> {
        let mut own = Rows::clone(&self.files);
        for row in kept {
            append(&mut own, read_row(&row.row).map_err(|why| format!("price row {}: {why}", row.id))?);
        }
        if own == Rows::default() {
            return Ok(self.published.clone());
        }
        self.published.with_extra(own).map_err(|errors| joined(&errors))
    }

    /// A book whose names new lists are read with: the embedded one's too, also where its prices don't count, because one
    /// model has one name everywhere.
    pub fn names(&self) -> PriceBook {
        let is_bare = self.base.rows().rules.is_empty();
        let over_embedded = || self.catalogue.book_over(&EMBEDDED).unwrap_or_else(|_| EMBEDDED.clone());
        if is_bare { over_embedded() } else { self.published.clone() }
    }

    /// When the newest facts of base and imports were gathered.
    pub fn as_of(&self) -> Option<Timestamp> {
        let imports = self.catalogue.sources().filter_map(|(_, source)| source.last().map(|last| last.as_of));
        imports.chain(self.base_as_of).max()
    }
}
