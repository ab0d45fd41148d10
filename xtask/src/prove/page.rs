//! `docs/reliability.md`, from what the long run counted.

use std::fmt::Write as _;

use super::kept::Kept;
use super::tally::grouped;

const BEGIN: &str = "<!-- cargo xtask prove --long -->\n";
const END: &str = "<!-- end -->";

/// Writes the counted part of the page; what stands around it is written by hand.
pub fn write(kept: &Kept) -> anyhow::Result<()> {
    let path = crate::check::root().join("docs/reliability.md");
    let page = std::fs::read_to_string(&path)?;
    let (before, rest) = page.split_once(BEGIN).ok_or_else(|| anyhow::anyhow!("docs/reliability.md lacks `{}`", BEGIN.trim()))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| anyhow::anyhow!("docs/reliability.md lacks `{END}`"))?;
    std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", part(kept)))?;
    Ok(())
}

fn part(kept: &Kept) -> String {
    let tally = &kept.tally;
    let mut text = format!(
        "The long lanes took {} together and found {} violations (commit {}).\n\n| lane | what was looked at | violations |\n|---|---|---:|\n",
        super::length(kept.took),
        tally.violations(),
        kept.commits.join(", ")
    );
    if !kept.missing.is_empty() {
        let missing: Vec<String> = kept.missing.iter().map(|lane| format!("`{lane}`")).collect();
        text = format!("**Not yet run at length to their end:** {}; their short runs are part of CI.\n\n{text}", missing.join(", "));
    }
    for lane in &tally.lanes {
        let counts: Vec<String> = lane.counts.iter().map(|(what, count)| format!("{} {what}", grouped(*count))).collect();
        let title = if lane.title.is_empty() { &lane.lane } else { &lane.title };
        let _ = writeln!(text, "| {title} (`{}`) | {} | {} |", lane.lane, counts.join(", "), lane.violations);
    }
    let figures: Vec<_> =
        tally.lanes.iter().flat_map(|lane| lane.figures.iter().map(move |(what, figure)| (&lane.lane, what, figure))).collect();
    if !figures.is_empty() {
        text.push_str("\n| figure | value | lane |\n|---|---|---|\n");
        figures.iter().for_each(|(lane, what, figure)| _ = writeln!(text, "| {what} | {figure} | `{lane}` |"));
    }
    for lane in tally.lanes.iter().filter(|lane| !lane.sometimes.is_empty()) {
        let seen: Vec<String> = lane.sometimes.iter().map(|(what, times)| format!("{what} {}", grouped(*times))).collect();
        let _ = writeln!(text, "\nSeen in `{}`, each of which must be: {}.", lane.lane, seen.join(", "));
    }
    text
}
