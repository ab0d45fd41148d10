//! Instructions of a call, from the committed counts of `cargo xtask bench callgrind --write`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::section::Section;

/// The part of the page; none while nothing is committed.
pub fn section(file: &Path) -> Option<Section> {
    let counts = std::fs::read_to_string(file).ok()?;
    let counts: BTreeMap<&str, u64> = counts.lines().filter_map(pair).collect();
    let mut text = String::from("| one call, user space | bare | Mete, four budgets | × bare |\n|---|---:|---:|---:|\n");
    for (exchange, name) in [("chat", "1 KiB chat"), ("chat-64k", "64 KiB chat"), ("stream", "a stream")] {
        let of = |way: &str| counts.get(format!("{exchange} / {way}").as_str()).copied();
        if let (Some(bare), Some(mete)) = (of("bare"), of("mete-4")) {
            let _ = writeln!(text, "| {name} | {bare} | {mete} | {:.2} |", mete as f64 / bare.max(1) as f64);
        }
    }
    text.push_str("\nCounted under callgrind, the kernel's work left out; by stage in the committed counts.\n");
    let command = "cargo xtask bench callgrind --write".to_owned();
    Some(Section { order: 40, name: "instructions".to_owned(), title: "Instructions".to_owned(), command, text, goals: Vec::new() })
}

fn pair(line: &str) -> Option<(&str, u64)> {
    let (count, what) = line.split_once('\t')?;
    Some((what, count.parse().ok()?))
}
