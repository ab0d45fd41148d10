//! What was measured, kept part by part, so that an interrupted run leaves what it had and the page can be written from it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A part of the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Section {
    /// Where it stands.
    pub order: u32,
    /// The file's name.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// The command that measures it again.
    pub command: String,
    /// Its text, in Markdown.
    pub text: String,
    /// What was aimed at.
    pub goals: Vec<Goal>,
}

/// A figure that was aimed at, beside what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// What is measured.
    pub what: String,
    /// The goal in words.
    pub goal: String,
    /// The figure in words.
    pub measured: String,
    /// Whether the figure is as good as the goal.
    pub met: bool,
}

impl Goal {
    /// A figure that should be this large.
    pub fn at_least(what: &str, least: f64, measured: f64, unit: &str) -> Self {
        Self::new(what, format!("≥ {}{unit}", shown(least)), measured, unit, measured >= least)
    }

    /// A figure that should be no larger than this.
    pub fn at_most(what: &str, most: f64, measured: f64, unit: &str) -> Self {
        Self::new(what, format!("≤ {}{unit}", shown(most)), measured, unit, measured <= most)
    }

    fn new(what: &str, goal: String, measured: f64, unit: &str, met: bool) -> Self {
        Self { what: what.to_owned(), goal, measured: format!("{}{unit}", shown(measured)), met }
    }
}

/// As many digits as mean something.
fn shown(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// Where the parts are kept.
#[derive(Clone, Debug)]
pub struct Sections(PathBuf);

impl Sections {
    /// In this folder; made if need be.
    pub fn at(folder: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// Prints a part and keeps it; one of the same name is replaced.
    pub fn keep(&self, section: &Section) -> anyhow::Result<()> {
        crate::print(&format!("\n## {}\n\n{}", section.title, section.text))?;
        for goal in &section.goals {
            let verdict = if goal.met { "met" } else { "MISSED" };
            crate::print(&format!("{verdict}: {} {} (goal {})", goal.what, goal.measured, goal.goal))?;
        }
        let text = serde_json::to_string_pretty(section)?;
        Ok(std::fs::write(self.0.join(format!("{}.json", section.name)), text)?)
    }

    /// All that are there, in the order of the page.
    pub fn all(&self) -> anyhow::Result<Vec<Section>> {
        let mut sections: Vec<Section> = Vec::new();
        for file in std::fs::read_dir(&self.0)? {
            sections.push(serde_json::from_str(&std::fs::read_to_string(file?.path())?)?);
        }
        sections.sort_by_key(|section| section.order);
        Ok(sections)
    }
}
