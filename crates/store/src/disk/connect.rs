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

/// Makes the directory, readable by the owner only. Says whether it was made.
pub(crate) fn make_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    owner_only(dir, 0o700)
}

/// Makes the database file before SQLite does, so that it and its WAL are readable by the owner only. Says whether it is new.
pub(crate) fn make_database(dir: &Path) -> io::Result<bool> {
    let path = database(dir);
    match private_file().write(true).create_new(true).open(&path) {
        Ok(file) => {
            file.sync_all()?;
            File::open(dir)?.sync_all()?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            owner_only(&path, 0o600)?;
            Ok(fs::metadata(&path)?.len() == 0)
        }
        Err(error) => Err(error),
    }
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
