//! `cargo xtask witness`: the price book's bounds and costs against a provider's own bill, by chance and by the million.
//!
//! The simulator draws a request, counts the worst that a provider may legally bill for it and writes the answer; it knows
//! nothing of the product. Here the same bytes go the product's way: read, bounded, shaped, and the answer read and priced. The
//! cost must be the bill to the nano-dollar, and the bill must be within the hold.

mod check;
mod report;

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, bail};
use pricing::PriceBook;
use simulator::witness::{Choices, shrink};

use check::{Failure, Seen};

/// What a run found.
#[derive(Debug, Default)]
pub struct Tally {
    /// How often each cell was met.
    pub cells: BTreeMap<String, u64>,
    /// Answers read, whole and streamed.
    pub answers: u64,
    /// Bounds checked, those of the exact stage included.
    pub bounds: u64,
    /// The largest bill ÷ hold, in millionths.
    pub fullest: u64,
    /// Cases whose bill was at least 99 % of the hold.
    pub full: u64,
    /// The first failure: the case's number and what went wrong.
    pub failure: Option<(u64, Failure)>,
}

impl Tally {
    fn take(&mut self, case: u64, seen: Result<Seen, Failure>) {
        match seen {
            Ok(seen) => {
                seen.cells.into_iter().for_each(|cell| *self.cells.entry(cell).or_default() += 1);
                self.answers += seen.answers;
                self.bounds += seen.bounds;
                self.fullest = self.fullest.max(seen.fullness);
                self.full += u64::from(seen.fullness >= 990_000);
            }
            Err(failure) => self.failure = Some((case, failure)),
        }
    }

    fn add(mut self, other: Self) -> Self {
        other.cells.into_iter().for_each(|(cell, times)| *self.cells.entry(cell).or_default() += times);
        self.answers += other.answers;
        self.bounds += other.bounds;
        self.fullest = self.fullest.max(other.fullest);
        self.full += other.full;
        self.failure = match (self.failure, other.failure) {
            (Some(first), Some(second)) => Some(if first.0 <= second.0 { first } else { second }),
            (first, second) => first.or(second),
        };
        self
    }
}

/// Draws cases `from..to` on all processors; each stops at its first failure.
pub fn draw(book: &PriceBook, seed: u64, cases: core::ops::Range<u64>) -> Tally {
    let lanes = std::thread::available_parallelism().map_or(1, |lanes| lanes.get() as u64);
    let lane = |lane: u64| {
        let mut tally = Tally::default();
        for case in cases.clone().filter(|case| case % lanes == lane) {
            tally.take(case, check::case(book, &mut Choices::seeded(seed, case)));
            if tally.failure.is_some() {
                break;
            }
        }
        tally
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..lanes).map(|number| scope.spawn(move || lane(number))).collect();
        running.into_iter().filter_map(|lane| lane.join().ok()).fold(Tally::default(), Tally::add)
    })
}

/// The smallest case that fails in the same way, with all that a person needs to see why.
pub fn smallest(book: &PriceBook, seed: u64, case: u64) -> String {
    let mut choices = Choices::seeded(seed, case);
    let Err(first) = check::case(book, &mut choices) else { return format!("case {case} of seed {seed} passes") };
    let fails = |list: &[u64]| {
        let again = check::case(book, &mut Choices::given(list.to_vec()));
        again.is_err_and(|failure| failure.kind == first.kind)
    };
    let small = shrink(choices.taken().to_vec(), fails);
    match check::case(book, &mut Choices::given(small)) {
        Err(failure) => format!("{failure}\nagain: cargo xtask witness --seed {seed} --case {case}"),
        Ok(_) => format!("{first}\nagain: cargo xtask witness --seed {seed} --case {case}"),
    }
}

/// The smallest failing case for each model and broken promise among the first `cases`.
fn survey(book: &PriceBook, seed: u64, cases: u64) -> Vec<String> {
    let mut found = BTreeMap::new();
    for case in 0..cases {
        let mut choices = Choices::seeded(seed, case);
        if let Err(failure) = check::case(book, &mut choices) {
            let model = failure.story.split(',').next().unwrap_or_default().to_owned();
            found.entry((failure.kind, model)).or_insert_with(|| smallest(book, seed, case));
        }
    }
    found.into_values().collect()
}

/// `cargo xtask witness [--draws N] [--seed S] [--case N] [--survey N] [--docs FILE]`.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let options = Options::read(arguments)?;
    if cfg!(debug_assertions) && options.draws > 100_000 {
        return optimised(arguments);
    }
    let book = dialects::price_book::embedded();
    if let Some(cases) = options.survey {
        survey(&book, options.seed, cases).iter().for_each(|story| crate::say(story));
        return Ok(());
    }
    if let Some(case) = options.case {
        crate::say(&smallest(&book, options.seed, case));
        return Ok(());
    }
    let tally = draw(&book, options.seed, 0..options.draws);
    let text = report::text(&tally, &options, book.version());
    crate::say(&text);
    if let Some((case, _)) = tally.failure {
        bail!("{}", smallest(&book, options.seed, case));
    }
    if let Some(file) = &options.docs {
        std::fs::write(file, report::page(&text)).with_context(|| format!("write {file}"))?;
    }
    let unseen = report::unseen(&tally, options.draws);
    if !unseen.is_empty() {
        bail!("cells never seen: {}", unseen.join(", "));
    }
    Ok(())
}

/// What to draw.
#[derive(Debug)]
pub struct Options {
    pub draws: u64,
    pub seed: u64,
    case: Option<u64>,
    survey: Option<u64>,
    docs: Option<String>,
}

impl Options {
    fn read(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut options = Self { draws: 20_000, seed: 1, case: None, survey: None, docs: None };
        for pair in arguments.chunks(2) {
            match pair {
                ["--draws", count] => options.draws = count.parse().context("--draws takes a count")?,
                ["--seed", seed] => options.seed = seed.parse().context("--seed takes a number")?,
                ["--case", case] => options.case = Some(case.parse().context("--case takes a number")?),
                ["--survey", cases] => options.survey = Some(cases.parse().context("--survey takes a count")?),
                ["--docs", file] => options.docs = Some((*file).to_owned()),
                _ => bail!("unknown: {}; see cargo xtask", pair.join(" ")),
            }
        }
        Ok(options)
    }
}

/// The same command in the profile for long runs: optimised, with overflow checks.
fn optimised(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--profile", "proof", "--package", "xtask", "--", "witness"])
        .args(arguments)
        .current_dir(crate::check::root())
        .status()?;
    if !status.success() {
        bail!("the run failed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample of what `cargo xtask witness --draws 1000000` draws.
    #[test]
    fn a_bill_is_our_cost_and_within_our_bound() {
        let book = dialects::price_book::embedded();
        let tally = draw(&book, 1, 0..20_000);
        if let Some((case, _)) = tally.failure {
            panic!("{}", smallest(&book, 1, case));
        }
        assert_eq!(report::unseen(&tally, 20_000), Vec::<String>::new());
    }
}
