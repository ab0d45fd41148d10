//! What a disk has after a crash: after a killed process all that was written, after a power cut what was synced and any part
//! of what was written since, in sectors of 512 bytes.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use simulator::rng::Rng;

const SECTOR: usize = 512;

/// A directory in memory where the machine has one, removed at the end.
pub struct Room {
    pub path: PathBuf,
}

impl Room {
    pub fn new(seed: u64) -> Self {
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let path = base.join(format!("mete-simulation-{}-{count}-{seed}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self { path }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Copies what a killed process leaves.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in ["mete.db", "mete.db-wal"] {
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

/// The write-ahead log as it was synced last.
#[derive(Default)]
pub struct Synced {
    /// All of the file.
    image: Vec<u8>,
    /// How much of it is the log.
    end: usize,
    backfilled: u32,
}

impl Synced {
    /// Everything that is written now is synced. Only what is new in the log is read.
    pub fn note(&mut self, dir: &Path) {
        let Ok(file) = File::open(dir.join("mete.db-wal")) else { return };
        let mut header = [0; 32];
        if file.read_exact_at(&mut header, 0).is_err() {
            return;
        }
        if self.image.get(..32) != Some(&header[..]) {
            self.image = read(&dir.join("mete.db-wal"));
            self.end = log_end(&self.image, 32);
            return;
        }
        let frame = 24 + number(&header, 8) as usize;
        let mut next = vec![0; frame];
        while file.read_exact_at(&mut next, self.end as u64).is_ok() && next[8..16] == header[16..24] {
            self.image.resize(self.image.len().max(self.end + frame), 0);
            self.image[self.end..self.end + frame].copy_from_slice(&next);
            self.end += frame;
        }
    }

    /// Notes a checkpoint, which syncs the log before it copies from it. Says whether there was one.
    pub fn note_checkpoint(&mut self, dir: &Path) -> bool {
        let backfilled = backfilled(&dir.join("mete.db-shm"));
        let has_grown = backfilled > 0 && backfilled != self.backfilled;
        self.backfilled = backfilled;
        if has_grown {
            self.note(dir);
        }
        has_grown
    }

    /// Copies what a power cut leaves: of the sectors written since the last sync, those that chance keeps.
    pub fn cut_power(&self, from: &Path, to: &Path, chance: &mut Rng) -> usize {
        copy(from, to);
        let now = read(&from.join("mete.db-wal"));
        let end = log_end(&now, 32);
        let is_same_log = now.get(..32) == self.image.get(..32);
        let begin = if is_same_log { self.end } else { 0 };
        let mut left = now.clone();
        let (mut lost, keep) = (0, *chance.pick(&[0, 0, 30, 70, 95, 100]).unwrap());
        let mut at = begin;
        while at < end {
            let next = (at / SECTOR + 1) * SECTOR;
            let next = next.min(end);
            if !chance.chance(keep) {
                lost += 1;
                for (offset, byte) in left[at..next].iter_mut().enumerate() {
                    *byte = self.image.get(at + offset).copied().unwrap_or(0);
                }
            }
            at = next;
        }
        fs::write(to.join("mete.db-wal"), left).unwrap();
        lost
    }
}

fn read(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(path) {
        file.read_to_end(&mut bytes).unwrap();
    }
    bytes
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |four| u32::from_be_bytes(four.try_into().unwrap()))
}

/// Where the log ends: behind the last frame with the salts of its header (SQLite's file format, section 4.1).
fn log_end(log: &[u8], begin: usize) -> usize {
    let page = number(log, 8) as usize;
    if log.len() < 32 || page == 0 {
        return 0;
    }
    let mut at = begin;
    while at + 24 + page <= log.len() && log[at + 8..at + 16] == log[16..24] {
        at += 24 + page;
    }
    at
}

/// Frames that checkpoints have copied into the database (SQLite's WAL-index, at offset 96, in the machine's own order).
fn backfilled(shm: &Path) -> u32 {
    let mut four = [0; 4];
    let found = File::open(shm).and_then(|file| file.read_exact_at(&mut four, 96));
    found.map_or(0, |()| u32::from_ne_bytes(four))
}
