//! What the lanes printed, added up.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::Value;

/// All lanes, in the order in which they first spoke.
#[derive(Debug, Default)]
pub struct Tally {
    /// Each lane with what it counted.
    pub lanes: Vec<Counted>,
}

/// What one lane counted.
#[derive(Debug, Default)]
pub struct Counted {
    /// Its name.
    pub lane: String,
    /// What it shows, in a few words.
    pub title: String,
    /// How much was looked at.
    pub counts: BTreeMap<String, u64>,
    /// How often a promise was broken.
    pub violations: u64,
    /// What was measured on the way.
    pub figures: BTreeMap<String, String>,
    /// How often each thing was seen that must have been seen.
    pub sometimes: BTreeMap<String, u64>,
}

impl Tally {
    /// Takes one line of a lane's output; whatever isn't a proof is passed over.
    pub fn read(&mut self, line: &str, lane: &str) -> anyhow::Result<()> {
        // The test runner's own words may stand before it, when a test prints without a line end.
        let Some((_, text)) = line.split_once("proof {") else { return Ok(()) };
        let said: Value = serde_json::from_str(&format!("{{{text}")).with_context(|| format!("{lane} printed `{line}`"))?;
        let name = said["lane"].as_str().unwrap_or(lane);
        let at = self.lanes.iter().position(|counted| counted.lane == name).unwrap_or_else(|| {
            self.lanes.push(Counted { lane: name.to_owned(), ..Counted::default() });
            self.lanes.len() - 1
        });
        self.lanes[at].add(&said);
        Ok(())
    }

    /// The sum of all broken promises.
    pub fn violations(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.violations).sum()
    }

    /// What had to be seen and wasn't.
    pub fn never(&self) -> Vec<String> {
        let never = |lane: &Counted| {
            lane.sometimes.iter().filter(|(_, times)| **times == 0).map(|(what, _)| format!("{}: {what}", lane.lane)).collect::<Vec<_>>()
        };
        self.lanes.iter().flat_map(never).collect()
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for lane in &self.lanes {
            let counts: Vec<String> = lane.counts.iter().map(|(what, count)| format!("{} {what}", grouped(*count))).collect();
            text.push_str(&format!("{:<22} {} violations   {}\n", lane.lane, lane.violations, counts.join(", ")));
            lane.figures.iter().for_each(|(what, figure)| text.push_str(&format!("{:<22}   {what}: {figure}\n", "")));
        }
        text
    }
}

impl Counted {
    fn add(&mut self, said: &Value) {
        if let Some(title) = said["title"].as_str() {
            title.clone_into(&mut self.title);
        }
        let numbers =
            |member: &str| said[member].as_object().into_iter().flatten().filter_map(|(what, count)| Some((what.clone(), count.as_u64()?)));
        numbers("counts").for_each(|(what, count)| *self.counts.entry(what).or_default() += count);
        numbers("sometimes").for_each(|(what, count)| *self.sometimes.entry(what).or_default() += count);
        self.violations += said["violations"].as_u64().unwrap_or_default();
        for (what, figure) in said["figures"].as_object().into_iter().flatten() {
            self.figures.insert(what.clone(), figure.as_str().map_or_else(|| figure.to_string(), str::to_owned));
        }
    }
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_lane_add_up_and_what_was_never_seen_is_named() {
        let mut tally = Tally::default();
        let lines = [
            "running 1 test",
            r#"test a ... proof {"lane":"a","title":"any a","counts":{"seeds":1200},"violations":0,"sometimes":{"rain":0,"sun":2}}"#,
            r#"proof {"lane":"a","counts":{"seeds":34,"calls":1},"violations":1,"figures":{"most":"1.000"}}"#,
        ];
        lines.iter().for_each(|line| tally.read(line, "a").unwrap());
        assert_eq!(tally.never(), ["a: rain"]);
        assert_eq!(tally.violations(), 1);
        assert_eq!(tally.table(), format!("{:<22} 1 violations   1 calls, 1,234 seeds\n{:<22}   most: 1.000\n", "a", ""));
    }
}
