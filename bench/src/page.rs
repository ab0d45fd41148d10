//! docs/performance.md, written from the parts that were kept: what was missed first, then every figure with its command.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::section::{Goal, Section};

const MARKS: [&str; 2] = ["<!-- cargo xtask bench all -->\n", "<!-- end of cargo xtask bench all -->\n"];

/// Writes the figures between their marks; what stands outside stays.
pub fn write(page: &Path, sections: &[Section]) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(page).with_context(|| format!("read {}", page.display()))?;
    let (before, rest) = text.split_once(MARKS[0]).with_context(|| format!("{} has no {}", page.display(), MARKS[0].trim()))?;
    let (_, after) = rest.split_once(MARKS[1]).with_context(|| format!("{} has no {}", page.display(), MARKS[1].trim()))?;
    let text = format!("{before}{}{}{}{after}", MARKS[0], figures(sections, &machine()), MARKS[1]);
    std::fs::write(page, text).with_context(|| format!("write {}", page.display()))
}

fn figures(sections: &[Section], machine: &str) -> String {
    let goals: Vec<&Goal> = sections.iter().flat_map(|section| &section.goals).collect();
    let (met, missed): (Vec<&Goal>, Vec<&Goal>) = goals.into_iter().partition(|goal| goal.met);
    let mut text = String::from("## Goals that were missed\n\n");
    text.push_str(&table(&missed, "None of those that were measured."));
    text.push_str("\n## Goals that were met\n\n");
    text.push_str(&table(&met, "None of those that were measured."));
    let _ = writeln!(text, "\n## Where this was measured\n\n{machine}");
    for section in sections {
        let _ = writeln!(text, "\n## {}\n\n`{}`\n\n{}", section.title, section.command, section.text.trim_end());
    }
    text
}

fn table(goals: &[&Goal], none: &str) -> String {
    if goals.is_empty() {
        return format!("{none}\n");
    }
    let mut text = String::from("| what | goal | measured |\n|---|---:|---:|\n");
    for goal in goals {
        let _ = writeln!(text, "| {} | {} | {} |", goal.what, goal.goal, goal.measured);
    }
    text
}

/// What kind of machine this is, without its name.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")).map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = kernel.split(['-', '+']).next().unwrap_or_default().trim().to_owned();
    let memory = read("/proc/meminfo");
    let kibibytes: u64 = memory.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0);
    format!(
        "{cores} cores ({model}) with {} GiB, Linux {kernel}, a virtual machine. Load, provider and proxy share these cores. Ratios within one run are what counts; times of another machine differ.",
        kibibytes >> 20
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_stands_first() {
        let goals = vec![Goal::at_most("memory", 40.0, 30.0, " MiB"), Goal::at_least("pairs a second", 5_000.0, 400.0, "")];
        let section = Section {
            order: 1,
            name: "x".to_owned(),
            title: "Figures".to_owned(),
            command: "cargo xtask bench x".to_owned(),
            text: "1".to_owned(),
            goals,
        };
        let text = figures(&[section], "2 cores");
        let place = |what: &str| text.find(what).unwrap();
        assert!(place("| pairs a second | ≥ 5000 | 400 |") < place("| memory | ≤ 40.00 MiB | 30.00 MiB |"));
        assert!(place("30.00 MiB") < place("`cargo xtask bench x`"));
    }
}
