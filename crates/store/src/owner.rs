//! Who owns a data directory: one process at a time, found by others through `mete.lock`.
//!
//! The lock is the operating system's, so it ends with the process however that ends. The file's text is only for others to
//! read: who it is and where it listens.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::disk::connect::private_file;

/// What the owner says of itself in `mete.lock`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// Where its admin API listens, for example `127.0.0.1:4141`; `None` when it serves nothing.
    pub address: Option<String>,
    /// The file with its admin token, readable by the owner only.
    pub token_file: Option<PathBuf>,
}

/// The lock while it is held.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

/// Tries more than this many times, because [`read_owner`] of another process holds the lock for an instant.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

fn path(dir: &Path) -> PathBuf {
    dir.join("mete.lock")
}

impl Lock {
    /// Takes the directory. `Ok(Err(owner))` when another process has it.
    pub(crate) fn take(dir: &Path) -> io::Result<Result<Self, String>> {
        let mut file = private_file().read(true).write(true).create(true).truncate(false).open(path(dir))?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => {
                    let mut lock = Self { file };
                    lock.write(&Owner { pid: std::process::id(), address: None, token_file: None })?;
                    return Ok(Ok(lock));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(Err(describe(read(&mut file)?)))
    }

    /// Writes what others may know.
    pub(crate) fn write(&mut self, owner: &Owner) -> io::Result<()> {
        let text = serde_json::to_vec(owner).map_err(io::Error::other)?;
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&text)?;
        self.file.flush()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The text is worth nothing without the lock; what fails here, the end of the process does.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn read(file: &mut File) -> io::Result<Option<Owner>> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(65_536).read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text).ok())
}

fn describe(owner: Option<Owner>) -> String {
    match owner {
        Some(Owner { pid, address: Some(address), .. }) => format!("pid {pid}, listening on {address}"),
        Some(Owner { pid, .. }) => format!("pid {pid}"),
        None => "just starting".to_owned(),
    }
}

/// The process that owns the directory now; `None` when none does (a file left by a dead process counts as none).
///
/// # Errors
/// The directory can't be read.
pub fn read_owner(dir: &Path) -> io::Result<Option<Owner>> {
    let mut file = match File::open(path(dir)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => {
            file.unlock()?;
            Ok(None)
        }
        Err(TryLockError::WouldBlock) => Ok(Some(read(&mut file)?.unwrap_or(Owner { pid: 0, address: None, token_file: None }))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
