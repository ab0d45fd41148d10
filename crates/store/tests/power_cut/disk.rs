//! A disk as POSIX promises it: what was not synced may be there, be gone, or be torn at 512 bytes, and a name in a directory that
//! was not synced may be there or not, whatever became of the file behind it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::trace::Call;

const SECTOR: usize = 512;

/// What the power leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Nothing,
    Everything,
    Some,
}

/// What the power leaves of names and of contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeps {
    pub names: Part,
    pub contents: Part,
}

/// What a call did to the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Nothing,
    Write,
    /// A name came, went or changed.
    Name,
    Sync,
    /// A line that the process wrote to its standard output.
    Said(String),
}

/// A generator whose seed is said.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn keeps(&mut self, part: Part) -> bool {
        part == Part::Everything || part == Part::Some && self.roll() & 1 == 0
    }
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Clone, Debug, Default)]
struct File {
    durable: Vec<u8>,
    since: Vec<Change>,
    len: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    File(usize),
    Dir(usize),
}

/// Names that one call changed together, within one directory.
type Names = Vec<(String, Option<Node>)>;

#[derive(Clone, Debug, Default)]
struct Dir {
    durable: BTreeMap<String, Node>,
    since: Vec<Names>,
    now: BTreeMap<String, Node>,
}

/// The files and directories below one directory, which itself is surely there.
pub struct Disk {
    root: PathBuf,
    files: Vec<File>,
    dirs: Vec<Dir>,
    open: BTreeMap<i64, (Node, usize)>,
    /// Bytes of a line that isn't whole yet.
    said: Vec<u8>,
}

impl Disk {
    /// The disk as it is now, all of it synced.
    pub fn of(root: &Path) -> Self {
        let mut disk = Self { root: root.to_owned(), files: Vec::new(), dirs: Vec::new(), open: BTreeMap::new(), said: Vec::new() };
        disk.read_dir(root);
        disk
    }

    fn read_dir(&mut self, path: &Path) -> Node {
        let at = self.dirs.len();
        self.dirs.push(Dir::default());
        for entry in std::fs::read_dir(path).unwrap().map(Result::unwrap) {
            let node = if entry.file_type().unwrap().is_dir() {
                self.read_dir(&entry.path())
            } else {
                let durable = std::fs::read(entry.path()).unwrap();
                self.new_file(File { len: durable.len(), durable, since: Vec::new() })
            };
            self.dirs[at].durable.insert(entry.file_name().into_string().unwrap(), node);
        }
        self.dirs[at].now = self.dirs[at].durable.clone();
        Node::Dir(at)
    }

    fn new_file(&mut self, file: File) -> Node {
        self.files.push(file);
        Node::File(self.files.len() - 1)
    }

    /// The directory and the name of a path, if it is on this disk.
    fn place(&self, path: &str) -> Option<(usize, String)> {
        let inside = Path::new(path).strip_prefix(&self.root).ok()?;
        let mut dir = 0;
        for name in inside.parent()?.iter() {
            match self.dirs[dir].now.get(name.to_str()?) {
                Some(Node::Dir(below)) => dir = *below,
                _ => return None,
            }
        }
        Some((dir, inside.file_name()?.to_str()?.to_owned()))
    }

    fn node(&self, path: &str) -> Option<Node> {
        if Path::new(path) == self.root {
            return Some(Node::Dir(0));
        }
        let (dir, name) = self.place(path)?;
        self.dirs[dir].now.get(&name).copied()
    }

    fn name(&mut self, dir: usize, names: Names) {
        for (name, node) in &names {
            match node {
                Some(node) => drop(self.dirs[dir].now.insert(name.clone(), *node)),
                None => drop(self.dirs[dir].now.remove(name)),
            }
        }
        self.dirs[dir].since.push(names);
    }

    /// Takes over what one call did.
    pub fn take(&mut self, call: &Call) -> Step {
        self.try_take(call).unwrap_or(Step::Nothing)
    }

    fn try_take(&mut self, call: &Call) -> Option<Step> {
        match call.name.as_str() {
            "openat" => self.opened(call),
            "mkdir" => {
                let (dir, name) = self.place(&call.path(0)?)?;
                self.dirs.push(Dir::default());
                self.name(dir, vec![(name, Some(Node::Dir(self.dirs.len() - 1)))]);
                Some(Step::Name)
            }
            "rename" => self.renamed(&call.path(0)?, &call.path(1)?),
            "link" => {
                let node = self.node(&call.path(0)?)?;
                let (dir, name) = self.place(&call.path(1)?)?;
                self.name(dir, vec![(name, Some(node))]);
                Some(Step::Name)
            }
            "linkat" => {
                let node = self.node(&call.path(1)?)?;
                let (dir, name) = self.place(&call.path(3)?)?;
                self.name(dir, vec![(name, Some(node))]);
                Some(Step::Name)
            }
            "unlink" | "rmdir" => {
                let (dir, name) = self.place(&call.path(0)?)?;
                self.name(dir, vec![(name, None)]);
                Some(Step::Name)
            }
            "write" if call.fd(0) == Some(1) => self.heard(&call.bytes()),
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" => self.written(call),
            "read" | "lseek" => {
                let (_, at) = self.opened_as(call)?;
                *at = if call.name == "read" { *at + usize::try_from(call.result).ok()? } else { usize::try_from(call.result).ok()? };
                None
            }
            "ftruncate" => {
                let len = call.number(1)?;
                let (Node::File(file), _) = *self.opened_as(call)? else { return None };
                self.files[file].since.push(Change::Truncate(len));
                self.files[file].len = len;
                Some(Step::Write)
            }
            "fsync" | "fdatasync" => {
                let (node, _) = *self.opened_as(call)?;
                self.sync(node);
                Some(Step::Sync)
            }
            "mmap" => self.mapped(call),
            name => {
                // Whatever else could change a file must not pass unseen.
                let here = (0..call.arguments.len()).any(|index| {
                    let path = call.path(index).or_else(|| call.fd_path(index));
                    path.is_some_and(|path| Path::new(&path).starts_with(&self.root))
                });
                assert!(!here && name != "io_uring_setup", "the model of the disk doesn't know {call:?}");
                None
            }
        }
    }

    fn opened_as(&mut self, call: &Call) -> Option<&mut (Node, usize)> {
        let path = call.fd_path(0)?;
        if !Path::new(&path).starts_with(&self.root) {
            return None;
        }
        let known = self.open.get_mut(&call.fd(0)?);
        assert!(known.is_some(), "a file descriptor that was never opened: {:?} {path}", call.name);
        known
    }

    fn opened(&mut self, call: &Call) -> Option<Step> {
        let path = call.path(1)?;
        if Path::new(&path) == self.root {
            self.open.insert(call.result, (Node::Dir(0), 0));
            return None;
        }
        let Some((dir, name)) = self.place(&path) else {
            self.open.remove(&call.result);
            return None;
        };
        let mut step = None;
        let node = match self.dirs[dir].now.get(&name) {
            Some(node) => *node,
            None => {
                let node = self.new_file(File::default());
                self.name(dir, vec![(name, Some(node))]);
                step = Some(Step::Name);
                node
            }
        };
        let mut at = 0;
        if let Node::File(file) = node {
            if call.has("O_TRUNC") {
                self.files[file].since.push(Change::Truncate(0));
                self.files[file].len = 0;
            }
            at = if call.has("O_APPEND") { self.files[file].len } else { 0 };
        }
        self.open.insert(call.result, (node, at));
        step
    }

    fn renamed(&mut self, from: &str, to: &str) -> Option<Step> {
        let node = self.node(from)?;
        let ((from_dir, from), (to_dir, to)) = (self.place(from)?, self.place(to)?);
        if from_dir == to_dir {
            self.name(to_dir, vec![(to, Some(node)), (from, None)]);
        } else {
            self.name(to_dir, vec![(to, Some(node))]);
            self.name(from_dir, vec![(from, None)]);
        }
        Some(Step::Name)
    }

    fn written(&mut self, call: &Call) -> Option<Step> {
        let (node, at) = self.opened_as(call)?;
        let Node::File(file) = *node else { return None };
        let bytes = call.bytes();
        let from = match call.name.as_str() {
            "pwrite64" | "pwritev" => call.number(call.arguments.len() - 1)?,
            "pwritev2" => call.number(call.arguments.len() - 2)?,
            _ => {
                *at += bytes.len();
                *at - bytes.len()
            }
        };
        self.files[file].len = self.files[file].len.max(from + bytes.len());
        self.files[file].since.push(Change::Write(from, bytes));
        Some(Step::Write)
    }

    fn heard(&mut self, bytes: &[u8]) -> Option<Step> {
        self.said.extend_from_slice(bytes);
        let text = String::from_utf8(std::mem::take(&mut self.said)).ok()?;
        Some(Step::Said(text.trim().strip_prefix('@')?.to_owned()))
    }

    fn sync(&mut self, node: Node) {
        match node {
            Node::File(file) => {
                self.files[file].durable = self.files[file].image(Part::Everything, &mut Dice(0));
                self.files[file].since.clear();
            }
            Node::Dir(dir) => {
                self.dirs[dir].durable = self.dirs[dir].now.clone();
                self.dirs[dir].since.clear();
            }
        }
    }

    /// SQLite's index of its log is shared memory that is rebuilt after a crash; any other file must not be written through a map.
    fn mapped(&self, call: &Call) -> Option<Step> {
        let path = call.fd_path(4).filter(|path| Path::new(path).starts_with(&self.root))?;
        let is_blind = call.has("PROT_WRITE") && call.has("MAP_SHARED") && !path.ends_with("-shm");
        assert!(!is_blind, "{path} is written through a map, which the model of the disk can't see");
        None
    }

    /// Puts the disk together as the power left it.
    pub fn lay_out(&self, keeps: Keeps, dice: &mut Dice, target: &Path) {
        self.lay_out_dir(0, keeps, dice, target);
    }

    fn lay_out_dir(&self, dir: usize, keeps: Keeps, dice: &mut Dice, target: &Path) {
        std::fs::create_dir_all(target).unwrap();
        let mut names = self.dirs[dir].durable.clone();
        for changes in &self.dirs[dir].since {
            if dice.keeps(keeps.names) {
                for (name, node) in changes {
                    match node {
                        Some(node) => drop(names.insert(name.clone(), *node)),
                        None => drop(names.remove(name)),
                    }
                }
            }
        }
        for (name, node) in names {
            match node {
                Node::Dir(below) => self.lay_out_dir(below, keeps, dice, &target.join(name)),
                Node::File(file) => std::fs::write(target.join(name), self.files[file].image(keeps.contents, dice)).unwrap(),
            }
        }
    }
}

impl File {
    fn image(&self, keeps: Part, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for change in &self.since {
            match change {
                Change::Truncate(len) if dice.keeps(keeps) => bytes.resize(*len, 0),
                Change::Truncate(_) => {}
                Change::Write(at, data) => {
                    for (number, part) in data.chunks(SECTOR).enumerate().filter(|_| dice.keeps(keeps)) {
                        let from = at + number * SECTOR;
                        bytes.resize(bytes.len().max(from + part.len()), 0);
                        bytes[from..from + part.len()].copy_from_slice(part);
                    }
                }
            }
        }
        bytes
    }
}
