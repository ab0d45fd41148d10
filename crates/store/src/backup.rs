//! A copy of everything in one file, taken while serving, and back.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::disk::connect::{self, private_file};
use crate::owner::Lock;
use crate::{ReadError, VerifyReport, verify};

/// Why a backup or a restore didn't happen.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something is there already.
    #[error("{0} exists already; name another place")]
    Exists(PathBuf),
    /// A server runs on the directory.
    #[error("another mete process ({0}) owns this data directory; stop it first")]
    InUse(String),
    /// The copy doesn't add up.
    #[error("the backup is damaged: {}", .0.violations.join("; "))]
    Damaged(Box<VerifyReport>),
    /// The disk.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What.
        source: io::Error,
    },
    /// The database.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Read(error.into())
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(path),
        _ => BackupError::Io { path, source },
    }
}

/// Copies the directory's database to a new file, also while a server writes. The file is readable by the owner only, and on
/// the disk when this returns.
///
/// # Errors
/// The file exists, or can't be written.
pub fn backup(dir: &Path, file: &Path) -> Result<(), BackupError> {
    let source = connect::reader(&connect::database(dir))?;
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    publish(file, |unfinished| copy(&source, unfinished))
}

/// Makes a file under another name and gives it its own once it is on the disk, so that no half of one can be taken for the whole,
/// not even after a power cut.
fn publish(file: &Path, make: impl FnOnce(&Path) -> Result<(), BackupError>) -> Result<(), BackupError> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let unfinished = file.with_file_name(name);
    forget(&unfinished).map_err(at(&unfinished))?;
    private_file().write(true).create_new(true).open(&unfinished).map_err(at(&unfinished))?;
    let named = || fs::rename(&unfinished, file).and_then(|()| connect::sync_dir(connect::parent(file))).map_err(at(file));
    let done = make(&unfinished).and_then(|()| sync(&unfinished)).and_then(|()| named());
    if done.is_err() {
        drop(fs::remove_file(&unfinished));
    }
    done
}

fn forget(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn copy(source: &Connection, file: &Path) -> Result<(), BackupError> {
    let mut target = Connection::open(file).map_err(ReadError::from)?;
    {
        // In one step: one state of the database, while the writer goes on.
        let pages = Backup::new(source, &mut target)?;
        if pages.step(-1)? != StepResult::Done {
            return Err(ReadError::Damaged("the copy ended early".to_owned()).into());
        }
    }
    // A backup is one file, without a log beside it.
    target.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    Ok(())
}

fn sync(file: &Path) -> Result<(), BackupError> {
    File::open(file).and_then(|opened| opened.sync_all()).map_err(at(file))
}

/// Makes a data directory from a backup file, after checking that it adds up.
///
/// # Errors
/// The directory has data already, or the backup doesn't add up.
pub fn restore(file: &Path, dir: &Path) -> Result<VerifyReport, BackupError> {
    let report = verify(file, true)?;
    if !report.ok {
        return Err(BackupError::Damaged(Box::new(report)));
    }
    connect::make_dir(dir).map_err(at(dir))?;
    let _lock = Lock::take(dir).map_err(at(dir))?.map_err(BackupError::InUse)?;
    let database = connect::database(dir);
    // A log that was left behind without its database would be read into this one.
    if let Some(left) = connect::files_of(&database).into_iter().find(|path| path.exists()) {
        return Err(BackupError::Exists(left));
    }
    publish(&database, |unfinished| {
        let mut source = File::open(file).map_err(at(file))?;
        let mut target = File::options().write(true).open(unfinished).map_err(at(unfinished))?;
        io::copy(&mut source, &mut target).map(drop).map_err(at(unfinished))
    })?;
    Ok(report)
}
