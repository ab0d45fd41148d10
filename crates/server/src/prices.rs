//! The price book in force: the embedded one or `--prices`, then the config's files, then what `mete prices set` kept.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use dialects::price_book;
use pricing::{PriceBook, Rows};
use store::PriceRow;

/// Largest price file that is read.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The embedded book, read once.
static EMBEDDED: LazyLock<PriceBook> = LazyLock::new(price_book::embedded);

/// The embedded book, or the one of a file that replaces it.
pub(crate) fn base(file: Option<&Path>) -> Result<PriceBook, String> {
    match file {
        None => Ok(EMBEDDED.clone()),
        Some(file) => PriceBook::from_rows(read_file(file)?).map_err(|errors| in_file(file, &errors)),
    }
}

/// The base with the operator's files and rows, which win over it.
pub(crate) fn assemble(base: &PriceBook, files: &[PathBuf], kept: &[PriceRow]) -> Result<PriceBook, String> {
    let mut rows = Rows::default();
    for file in files {
        append(&mut rows, read_file(file)?);
    }
    for row in kept {
        append(&mut rows, read_row(&row.row).map_err(|why| format!("price row {}: {why}", row.id))?);
    }
    if rows == Rows::default() {
        return Ok(base.clone());
    }
    base.with_extra(rows).map_err(|errors| join(&errors))
}

/// One row as JSON text.
pub(crate) fn read_row(text: &str) -> Result<Rows, String> {
    price_book::read(&text.replace('\n', " "))
        .map_err(|errors| errors.iter().map(|error| error.what.clone()).collect::<Vec<_>>().join("; "))
}

fn read_file(file: &Path) -> Result<Rows, String> {
    let unreadable = |why: std::io::Error| format!("price file {}: {why}", file.display());
    if std::fs::metadata(file).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(format!("price file {}: larger than 64 MiB", file.display()));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    price_book::read(&text).map_err(|errors| in_file(file, &errors))
}

fn append(rows: &mut Rows, mut more: Rows) {
    rows.rules.append(&mut more.rules);
    rows.aliases.append(&mut more.aliases);
    rows.modifiers.append(&mut more.modifiers);
    rows.models.append(&mut more.models);
    rows.semantics.append(&mut more.semantics);
}

fn in_file<E: ToString>(file: &Path, errors: &[E]) -> String {
    format!("price file {}: {}", file.display(), join(errors))
}

fn join<E: ToString>(errors: &[E]) -> String {
    let shown: Vec<String> = errors.iter().take(5).map(ToString::to_string).collect();
    let more = errors.len().saturating_sub(shown.len());
    let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{tail}", shown.join("; "))
}
