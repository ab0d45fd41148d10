//! [`Desk`]: where prices are asked and imported, with a data directory or without one.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRef;
use dialects::catalogue::Catalogue;
use pricing::PriceBook;
use serde_json::Value;

use super::Stock;
use crate::control::Control;

/// Where prices are asked and imported.
#[derive(Clone)]
pub(crate) enum Desk {
    /// A data directory: imports are kept in its database and effective at once.
    Directory(Arc<Control>),
    /// A book without a directory: the embedded one, a price file, or a book of imported sources.
    Alone(Arc<Alone>),
}

impl FromRef<Arc<Control>> for Desk {
    fn from_ref(control: &Arc<Control>) -> Self {
        Self::Directory(Arc::clone(control))
    }
}

/// A book without a data directory.
pub(crate) struct Alone {
    /// Where imports are written; `None` for a book that is only read.
    file: Option<PathBuf>,
    state: Mutex<State>,
}

struct State {
    stock: Stock,
    book: Arc<PriceBook>,
}

/// A change of the catalogue that was worked out and isn't in force.
pub(crate) struct Changed<T> {
    /// All imports after it.
    pub catalogue: Catalogue,
    /// The source that it changes.
    pub source: String,
    /// What the audit says of it.
    pub summary: Value,
    /// What its maker wants to tell.
    pub told: T,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    /// What was sent can't be used.
    #[error("{0}")]
    Refused(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// What is in force forbids it.
    #[error("{0}")]
    Conflict(String),
    /// It can't be written.
    #[error("{0}")]
    Unwritable(String),
}

impl Desk {
    /// A book of imported sources in a file, which needn't exist yet.
    pub fn of_book(file: &Path) -> Result<Self, String> {
        let stock = if file.exists() { Stock::load(Some(file), &[])? } else { Stock::on(PriceBook::default(), None) };
        let text = if file.exists() { super::files::read_text(file)? } else { String::new() };
        let is_book = text.trim().is_empty() || super::files::is_book_of_sources(&text);
        Ok(Self::alone(stock, is_book.then(|| file.to_owned())))
    }

    /// A book that is only read: the embedded one, or a price file.
    pub fn of_prices(file: Option<&Path>) -> Result<Self, String> {
        Ok(Self::alone(Stock::load(file, &[])?, None))
    }

    fn alone(stock: Stock, file: Option<PathBuf>) -> Self {
        let book = Arc::new(stock.published.clone());
        Self::Alone(Arc::new(Alone { file, state: Mutex::new(State { stock, book }) }))
    }

    /// The book in force.
    pub fn book(&self) -> Arc<PriceBook> {
        match self {
            Self::Directory(control) => control.gateway.prices(),
            Self::Alone(alone) => Arc::clone(&alone.state().book),
        }
    }

    /// What it is made of.
    pub fn stock(&self) -> Stock {
        match self {
            Self::Directory(control) => control.stock(),
            Self::Alone(alone) => alone.state().stock.clone(),
        }
    }

    /// Works out a change of the catalogue, and puts it in force when `keep` says so. A change that doesn't make a book, or
    /// can't be written, leaves everything as it was. Gives the version of the book that it makes.
    pub async fn change<T: Send + 'static>(
        &self,
        keep: Keep,
        make: impl FnOnce(&Stock) -> Result<Changed<T>, DeskError> + Send + 'static,
    ) -> Result<(T, String), DeskError> {
        match self {
            Self::Directory(control) => control.change_prices(keep, make).await,
            Self::Alone(alone) => {
                let alone = Arc::clone(alone);
                let done = tokio::task::spawn_blocking(move || alone.change(&keep, make)).await;
                done.map_err(|error| DeskError::Unwritable(error.to_string()))?
            }
        }
    }
}

/// Whether and how a change is kept.
#[derive(Clone, Debug)]
pub(crate) struct Keep {
    /// Without it the change is only worked out.
    pub keep: bool,
    /// What the audit calls it.
    pub action: &'static str,
    /// Who asks.
    pub actor: String,
}

impl Alone {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, keep: &Keep, make: impl FnOnce(&Stock) -> Result<Changed<T>, DeskError>) -> Result<(T, String), DeskError> {
        let mut state = self.state();
        let changed = make(&state.stock)?;
        let stock = state.stock.with_catalogue(changed.catalogue).map_err(DeskError::Refused)?;
        let book = stock.published.clone();
        let version = book.version().to_owned();
        if keep.keep {
            let file = self.file.as_deref().ok_or_else(|| {
                DeskError::Conflict(
                    "this book is only read; name a book of imported sources with --book FILE, or a data directory with --data DIR"
                        .to_owned(),
                )
            })?;
            write(file, &book_text(&stock.catalogue)).map_err(|why| DeskError::Unwritable(format!("{}: {why}", file.display())))?;
            *state = State { stock, book: Arc::new(book) };
        }
        Ok((changed.told, version))
    }
}

/// All sources of a catalogue as one text.
fn book_text(catalogue: &Catalogue) -> String {
    catalogue.sources().map(|(name, _)| catalogue.source_text(name)).collect()
}

/// Replaces a file in one step: whoever reads it, and a process that is killed, finds the old text or the new one.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let draft = parent.join(name);
    let written = std::fs::File::create(&draft).and_then(|mut opened| {
        opened.write_all(text.as_bytes())?;
        opened.sync_all()
    });
    let placed = written.and_then(|()| std::fs::rename(&draft, file)).and_then(|()| std::fs::File::open(parent)?.sync_all());
    if placed.is_err() {
        // A draft that can't be put in place is of no use to anybody.
        drop(std::fs::remove_file(&draft));
    }
    placed
}
