//! Opening the file, for the writer and for readers.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::OpenError;

/// The oldest SQLite that is used: earlier ones may corrupt a WAL file that is reset while another connection reads.
const SQLITE_MIN: i32 = 3_051_003;

/// The database of a data directory.
pub(crate) fn database(dir: &Path) -> PathBuf {
    dir.join("mete.db")
}

/// A database and the files that SQLite may leave beside it.
pub(crate) fn files_of(database: &Path) -> [PathBuf; 3] {
    [database.to_owned(), beside(database, "-wal"), beside(database, "-journal")]
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Makes the directory, readable by the owner only, and its name durable: a ledger in a directory that a power cut takes away is lost.
pub(crate) fn make_dir(dir: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    fs::create_dir_all(dir)?;
    owner_only(dir, 0o700)?;
    for made in missing {
        sync_dir(parent(made))?;
    }
    // An earlier start may have been killed between making the directory and this. Who may not read the parent didn't make it.
    match sync_dir(parent(dir)) {
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}

/// Where a path's name stands.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Puts the names in a directory on the disk.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Makes the database file before SQLite does, so that it and its WAL are readable by the owner only. Says whether it is new.
///
/// # Errors
/// There was a ledger here that is gone or cut off: a new one in its place would be a zero balance that nobody asked for.
pub(crate) fn make_database(dir: &Path) -> Result<bool, OpenError> {
    let path = database(dir);
    let len = match fs::metadata(&path) {
        Ok(file) => Some(file.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    match len {
        None | Some(0) => refuse_remains(&path)?,
        Some(1..PAGE_MIN) => return Err(OpenError::Damaged(format!("{} is cut off", path.display()))),
        Some(_) => {}
    }
    if len.is_none() {
        private_file().write(true).create_new(true).open(&path)?.sync_all()?;
        sync_dir(dir)?;
    }
    owner_only(&path, 0o600)?;
    Ok(len.unwrap_or_default() == 0)
}

/// The smallest page of a database; SQLite takes a shorter file for an empty one.
const PAGE_MIN: u64 = 512;

/// A log with something in it belongs to a database that had something in it.
fn refuse_remains(database: &Path) -> Result<(), OpenError> {
    let log = beside(database, "-wal");
    if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        return Err(OpenError::Damaged(format!("{} is empty or gone, but {} isn't", database.display(), log.display())));
    }
    Ok(())
}

/// Options for a file that only its owner may read.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn owner_only(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn owner_only(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// The writer's connection. Checkpoints are the writer's own step, so that a commit never syncs more than it says.
pub(crate) fn writer(dir: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(database(dir), flags)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    if rusqlite::version_number() < SQLITE_MIN {
        return Err(io::Error::other(format!("SQLite {} is too old; build mete with its own", rusqlite::version())).into());
    }
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(io::Error::other("this file system can't share SQLite's write-ahead log; use a directory on a local disk").into());
    }
    conn.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000; PRAGMA trusted_schema = OFF;",
    )?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

/// A read-only connection to a database file.
pub(crate) fn reader(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(file, flags)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
    Ok(conn)
}
