//! Reads strace's log: hexadecimal strings, file descriptors with their paths, one thread's call possibly cut in two by another's.

use std::collections::BTreeMap;

/// What strace is asked for. Copies inside the kernel are refused, so that every byte is seen; a map of a file that could be
/// written behind strace's back is seen too.
pub const ARGUMENTS: [&str; 10] = [
    "-y",
    "-xx",
    "-s",
    "100000000",
    "-e",
    "trace=openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,write,pwrite64,writev,\
     pwritev,pwritev2,read,lseek,ftruncate,truncate,fallocate,fsync,fdatasync,mmap,io_uring_setup,copy_file_range,sendfile,splice",
    "-e",
    "inject=copy_file_range,sendfile,splice:error=EINVAL",
    "-e",
    "signal=none",
];

/// One finished system call that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: String,
    /// As strace prints them, but for paths and bytes; see [`Call::path`] and [`Call::bytes`].
    pub arguments: Vec<String>,
    pub result: i64,
}

/// All calls in the order in which they ended.
pub fn read(log: &str) -> Vec<Call> {
    let mut cut = BTreeMap::new();
    log.lines().filter_map(|line| read_line(line, &mut cut)).collect()
}

fn read_line(line: &str, cut: &mut BTreeMap<String, String>) -> Option<Call> {
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
    let (name, arguments) = whole.split_once('(')?;
    let (arguments, result) = arguments.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    let result = result.split(['<', ' ']).next()?.parse().ok().filter(|result| *result >= 0)?;
    Some(Call { name: name.to_owned(), arguments: arguments.split(", ").map(str::to_owned).collect(), result })
}

impl Call {
    /// A quoted argument as a path.
    pub fn path(&self, index: usize) -> Option<String> {
        String::from_utf8(from_hex(self.arguments.get(index)?)?).ok()
    }

    /// The file descriptor in an argument.
    pub fn fd(&self, index: usize) -> Option<i64> {
        self.arguments.get(index)?.split('<').next()?.parse().ok()
    }

    /// The path that strace shows of a file descriptor.
    pub fn fd_path(&self, index: usize) -> Option<String> {
        let shown = self.arguments.get(index)?.split_once('<')?.1.split('>').next()?;
        String::from_utf8(from_hex(&format!("\"{shown}\""))?).ok()
    }

    /// A number in an argument.
    pub fn number(&self, index: usize) -> Option<usize> {
        self.arguments.get(index)?.parse().ok()
    }

    /// What was written, by a plain or a gathering call; as much of it as the system took.
    pub fn bytes(&self) -> Vec<u8> {
        let quoted = self.arguments[1..].iter().filter_map(|argument| {
            let from = argument.find('"')?;
            let to = argument.rfind('"')?;
            assert!(!argument.ends_with("..."), "strace cut a write short: {}", self.name);
            from_hex(&argument[from..=to])
        });
        let mut bytes: Vec<u8> = quoted.flatten().collect();
        bytes.truncate(usize::try_from(self.result).unwrap());
        bytes
    }

    pub fn has(&self, word: &str) -> bool {
        self.arguments.iter().any(|argument| argument.split('|').any(|part| part == word))
    }
}

fn from_hex(quoted: &str) -> Option<Vec<u8>> {
    let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
    text.split("\\x").skip(1).map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

#[test]
fn the_log_reader_puts_cut_lines_together() {
    let log = concat!(
        "7 openat(AT_FDCWD<\\x2f>, \"\\x2f\\x6d\", O_RDWR|O_CREAT, 0600) = 5<\\x2f\\x6d>\n",
        "8 pwrite64(5<\\x2f\\x6d>, \"\\x61\\x62\", 2, 10 <unfinished ...>\n",
        "7 write(1<\\x70>, \"\\x0a\\x40\", 9) = 2\n",
        "8 <... pwrite64 resumed>) = 1\n",
        "8 fsync(5<\\x2f\\x6d>)  = -1 EIO (Input/output error) (INJECTED)\n",
        "8 fsync(5<\\x2f\\x6d>)                                 = 0\n",
    );
    let calls = read(log);
    assert_eq!(calls.iter().map(|call| call.name.as_str()).collect::<Vec<_>>(), ["openat", "write", "pwrite64", "fsync"]);
    assert_eq!((calls[0].path(1).as_deref(), calls[0].result, calls[0].has("O_CREAT")), (Some("/m"), 5, true));
    assert_eq!((calls[2].fd(0), calls[2].fd_path(0).as_deref(), calls[2].number(3)), (Some(5), Some("/m"), Some(10)));
    assert_eq!((calls[1].bytes(), calls[2].bytes()), (b"\n@".to_vec(), b"a".to_vec()));
}
