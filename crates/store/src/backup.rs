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
    private_file().write(true).create_new(true).open(file).map_err(at(file))?;
    let copied = copy(&source, file).and_then(|()| sync(file));
    if copied.is_err() {
        // What can't be finished isn't left behind looking like a backup.
        drop(fs::remove_file(file));
    }
    copied
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
    File::open(file).and_then(|opened| opened.sync_all()).map_err(at(file))?;
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|opened| opened.sync_all()).map_err(at(parent))
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
    let mut source = File::open(file).map_err(at(file))?;
    let mut target = private_file().write(true).create_new(true).open(&database).map_err(at(&database))?;
    let copied = io::copy(&mut source, &mut target).and_then(|_| target.sync_all()).map_err(at(&database)).and_then(|()| sync(&database));
    if let Err(error) = copied {
        drop(fs::remove_file(&database));
        return Err(error);
    }
    Ok(report)
}
