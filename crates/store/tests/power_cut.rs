//! The power goes at any instant: every write since a file's last sync may be there, be gone, or be torn at 512 bytes.
//!
//! One run is recorded under strace: each write to the database and its log, each sync, each answer. Then the disk is put
//! together as it may look after each of these events, and the books are opened on it. What was held must be there; what
//! was settled must be settled, or unresolved when no sync came after it; and it all must add up.

#![allow(clippy::print_stderr, reason = "a skip is said, and the seed")]
#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

mod child;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use store::{Books, CallFilter, CallStatus, hold_text, verify};
use support::*;

#[derive(Debug)]
enum Event {
    Write { file: String, at: usize, bytes: Vec<u8> },
    Truncate { file: String, len: usize },
    Sync { file: String },
    Said { word: String, hold: String },
}

/// A file: as it is surely, and what was done to it since.
#[derive(Clone, Debug, Default)]
struct Disk {
    durable: Option<Vec<u8>>,
    since: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

/// What the power leaves of the changes since the last sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeps {
    Nothing,
    Everything,
    Some,
}

const SECTOR: usize = 512;

impl Disk {
    fn image(&self, keeps: Keeps, dice: &mut Dice) -> Option<Vec<u8>> {
        let mut bytes = self.durable.clone();
        for change in &self.since {
            let sectors = |len: usize| len.div_ceil(SECTOR);
            match change {
                Change::Truncate(len) if keeps == Keeps::Everything || keeps == Keeps::Some && dice.heads() => {
                    bytes.get_or_insert_default().resize(*len, 0)
                }
                Change::Write(at, data) => {
                    for sector in 0..sectors(data.len()) {
                        if keeps == Keeps::Everything || keeps == Keeps::Some && dice.heads() {
                            let part = &data[sector * SECTOR..data.len().min((sector + 1) * SECTOR)];
                            put_at(bytes.get_or_insert_default(), at + sector * SECTOR, part);
                        }
                    }
                }
                Change::Truncate(_) => {}
            }
        }
        bytes
    }
}

fn put_at(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    if bytes.len() < at + part.len() {
        bytes.resize(at + part.len(), 0);
    }
    bytes[at..at + part.len()].copy_from_slice(part);
}

/// A generator whose seed is said.
struct Dice(u64);

impl Dice {
    fn heads(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 & 64 != 0
    }
}

/// Reads strace's log: hexadecimal strings, one thread's call possibly cut in two by another's.
fn read_log(log: &str) -> Vec<Event> {
    let (mut files, mut cut) = (BTreeMap::new(), BTreeMap::new());
    log.lines().filter_map(|line| read_line(line, &mut files, &mut cut)).collect()
}

fn read_line(line: &str, files: &mut BTreeMap<i32, String>, cut: &mut BTreeMap<String, String>) -> Option<Event> {
    let (pid, rest) = line.split_once(' ')?;
    let rest = rest.trim_start();
    if let Some(head) = rest.strip_suffix(" <unfinished ...>") {
        cut.insert(pid.to_owned(), head.to_owned());
        return None;
    }
    let whole = match rest.strip_prefix("<... ") {
        Some(tail) => cut.remove(pid)? + tail.split_once("resumed>")?.1,
        None => rest.to_owned(),
    };
    let (call, arguments) = whole.split_once('(')?;
    let (arguments, result) = arguments.rsplit_once(") ")?;
    let result: i32 = result.trim_start_matches(['=', ' ']).split(' ').next()?.parse().ok()?;
    let parts: Vec<&str> = arguments.split(", ").collect();
    let file = |fd: &str| files.get(&fd.parse().ok()?).cloned();
    match call {
        "openat" if result >= 0 => {
            let path = String::from_utf8(from_hex(parts.get(1)?)?).ok()?;
            files.insert(result, Path::new(&path).file_name()?.to_str()?.to_owned());
            None
        }
        "pwrite64" => Some(Event::Write { file: file(parts[0])?, at: parts[3].parse().ok()?, bytes: from_hex(parts[1])? }),
        "ftruncate" => Some(Event::Truncate { file: file(parts[0])?, len: parts[1].parse().ok()? }),
        "fsync" | "fdatasync" if result == 0 => Some(Event::Sync { file: file(parts[0])? }),
        "write" if parts[0] == "1" => {
            let said = String::from_utf8(from_hex(parts[1])?).ok()?;
            let (word, hold) = said.trim().strip_prefix('@')?.split_once(' ')?;
            matches!(word, "held" | "settled").then(|| Event::Said { word: word.to_owned(), hold: hold.to_owned() })
        }
        _ => None,
    }
}

fn from_hex(quoted: &str) -> Option<Vec<u8>> {
    let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
    text.split("\\x").skip(1).map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

/// Cuts the power after each event of a run. Gives how many disks were put together, and what was lost on which.
fn cut(part: &str) -> Option<(usize, Vec<String>)> {
    let (dir, place) = (TempDir::new(), TempDir::new());
    fs::create_dir_all(place.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(open(dir.path()).0.close()).unwrap();
    let base = fs::read(dir.path().join("mete.db")).unwrap();
    let log = place.path().join("trace");
    let calls = "trace=openat,pwrite64,ftruncate,fsync,fdatasync,write";
    let mut command = child::traced(dir.path(), part, &["-xx", "-s", "100000", "-e", calls, "-o", log.to_str().unwrap()])?;
    assert!(command.status().unwrap().success());
    let events = read_log(&fs::read_to_string(log).unwrap());

    let mut dice = Dice(random() as u64 | 1);
    eprintln!("seed {}", dice.0);
    let mut disks: BTreeMap<String, Disk> = BTreeMap::new();
    disks.insert("mete.db".to_owned(), Disk { durable: Some(base), since: Vec::new() });
    // What was said of each hold, and whether a sync of the log came after it.
    let mut told: BTreeMap<String, (String, bool)> = BTreeMap::new();
    let (mut images, mut lost) = (0, Vec::new());
    for event in events {
        // A write changes nothing that is sure.
        let keeps: &[Keeps] = match event {
            Event::Write { .. } => &[Keeps::Some],
            _ => &[Keeps::Nothing, Keeps::Everything, Keeps::Some],
        };
        take(event, &mut disks, &mut told);
        for &keeps in keeps {
            let image = TempDir::in_memory();
            lay_out(&disks, keeps, &mut dice, image.path());
            lost.extend(check(image.path(), &told, &runtime));
            images += 1;
        }
    }
    assert!(images > 150 && told.len() == child::CALLS, "{images} images, {} holds", told.len());
    eprintln!("{images} images");
    Some((images, lost))
}

#[test]
fn a_power_cut_at_any_instant_loses_no_hold_and_makes_no_call_cheaper() {
    let Some((images, lost)) = cut("pairs") else { return };
    assert!(lost.is_empty(), "{} of {images} images: {lost:?}", lost.len());
}

/// Also shows that the test above can fail.
#[test]
fn a_ledger_that_is_told_to_survive_only_a_crash_loses_holds_to_a_power_cut_and_still_adds_up() {
    let Some((_, lost)) = cut("process-crash") else { return };
    assert!(!lost.is_empty());
}

fn take(event: Event, disks: &mut BTreeMap<String, Disk>, told: &mut BTreeMap<String, (String, bool)>) {
    let is_ours = |file: &str| matches!(file, "mete.db" | "mete.db-wal");
    match event {
        Event::Write { file, at, bytes } if is_ours(&file) => disks.entry(file).or_default().since.push(Change::Write(at, bytes)),
        Event::Truncate { file, len } if is_ours(&file) => disks.entry(file).or_default().since.push(Change::Truncate(len)),
        Event::Sync { file } if is_ours(&file) => {
            let disk = disks.entry(file.clone()).or_default();
            disk.durable = disk.image(Keeps::Everything, &mut Dice(1));
            disk.since.clear();
            if file == "mete.db-wal" {
                told.values_mut().for_each(|(_, synced)| *synced = true);
            }
        }
        Event::Said { word, hold } => drop(told.insert(hold, (word, false))),
        _ => {}
    }
}

fn lay_out(disks: &BTreeMap<String, Disk>, keeps: Keeps, dice: &mut Dice, dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    for (name, disk) in disks {
        if let Some(bytes) = disk.image(keeps, dice) {
            fs::write(dir.join(name), bytes).unwrap();
        }
    }
}

/// Opens the disk, which must add up; gives what was told and isn't there.
fn check(dir: &Path, told: &BTreeMap<String, (String, bool)>, runtime: &tokio::runtime::Runtime) -> Vec<String> {
    let (books, _) = Books::open(options(dir)).unwrap();
    let calls = books.reader().calls(&CallFilter::default()).unwrap();
    let status: BTreeMap<String, CallStatus> = calls.iter().map(|call| (hold_text(call.attempts[0].start.hold), call.status)).collect();
    let mut lost = Vec::new();
    for (hold, (word, synced)) in told {
        let found = status.get(hold).copied();
        let right = match (word.as_str(), synced) {
            ("settled", true) => found == Some(CallStatus::Settled),
            _ => matches!(found, Some(CallStatus::Settled | CallStatus::Unresolved)),
        };
        if !right {
            lost.push(format!("{hold} was {word} (synced: {synced}), after the power cut it is {found:?}"));
        }
    }
    runtime.block_on(books.close()).unwrap();
    let report = verify(dir, true).unwrap();
    assert!(report.ok, "{:?}", report.violations);
    lost
}

#[test]
fn the_log_reader_puts_cut_lines_together() {
    let log = concat!(
        "7 openat(AT_FDCWD, \"\\x2f\\x6d\", O_RDWR) = 5\n",
        "8 pwrite64(5, \"\\x61\\x62\", 2, 10 <unfinished ...>\n",
        "7 write(1, \"\\x0a\\x40\\x68\\x65\\x6c\\x64\\x20\\x58\\x0a\", 9) = 9\n",
        "8 <... pwrite64 resumed>) = 2\n",
        "8 fsync(5)  = -1 EIO (Input/output error) (INJECTED)\n",
        "8 fsync(5)                                 = 0\n",
    );
    let events = read_log(log);
    assert!(matches!(&events[0], Event::Said { word, hold } if word == "held" && hold == "X"), "{events:?}");
    assert!(matches!(&events[1], Event::Write { file, at: 10, bytes } if file == "m" && bytes == b"ab"), "{events:?}");
    assert!(matches!(&events[2..], [Event::Sync { .. }]), "{events:?}");
}
