//! `cargo xtask tightness`: how far the input bound lies above what other implementations count, on real text.
//!
//! The bound is the product's: the request is read, bounded by its bytes, and counted by the model's vocabulary. What is *actual* comes from
//! elsewhere: OpenAI's vocabularies from `tiktoken-rs`, all others from `fixtures/text/actual.json`, which the makers'
//! own or other libraries counted; on top the template as it is documented. A bound below the actual count, or a median above
//! the limit, fails.

mod actual;
mod page;
mod sample;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use actual::Actual;
use sample::Sample;

use crate::check::root;
use crate::say;

/// The largest median of a family, in hundredths of the actual count.
const MEDIAN_MAX: u64 = 125;
/// What the median should be.
const MEDIAN_AIM: u64 = 115;
const PAGE: &str = "docs/tightness.md";

/// Bound ÷ actual of one kind of text, sorted, in hundredths rounded up.
#[derive(Debug, Default)]
pub struct Ratios {
    bytes: Vec<u64>,
    exact: Vec<u64>,
}

impl Ratios {
    fn add(&mut self, sample: &Sample) -> anyhow::Result<()> {
        for (bound, ratios) in [(Some(sample.bytes), &mut self.bytes), (sample.exact, &mut self.exact)] {
            let Some(bound) = bound else { continue };
            if bound < sample.actual {
                bail!("{}: a bound of {bound} is below the {} tokens counted elsewhere", sample.name, sample.actual);
            }
            ratios.push((bound * 100).div_ceil(sample.actual.max(1)));
        }
        if let Some(exact) = sample.exact.filter(|exact| *exact > sample.bytes) {
            bail!("{}: the exact stage's {exact} is above the {} by bytes", sample.name, sample.bytes);
        }
        Ok(())
    }

    fn of<'a>(kinds: impl Iterator<Item = &'a Self>) -> Self {
        kinds.fold(Self::default(), |mut all, kind| {
            all.bytes.extend(&kind.bytes);
            all.exact.extend(&kind.exact);
            all
        })
    }
}

/// A percentile of ratios, in hundredths; the larger of two neighbours.
fn percentile(ratios: &[u64], hundredths: usize) -> Option<u64> {
    let mut sorted = ratios.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len().checked_sub(1)? * hundredths).div_ceil(100)).copied()
}

/// One family of tokenizers.
#[derive(Debug)]
pub struct Family {
    name: String,
    /// Who counted.
    by: String,
    is_built_in: bool,
    /// Random texts on which both implementations agree to the token, of how many.
    agreed: (usize, usize),
    kinds: BTreeMap<String, Ratios>,
}

impl Family {
    fn all(&self) -> Ratios {
        Ratios::of(self.kinds.values())
    }
}

/// Measures, prints the page, and fails where the bound is unsound or loose. `--write` writes docs/tightness.md, without it the page must be as it is there.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let writes = match arguments {
        [] => false,
        ["--write"] => true,
        _ => bail!("tightness takes --write or nothing"),
    };
    let families = measure()?;
    let text = page::page(&families);
    say(&text);
    judge(&families)?;
    let path: PathBuf = root().join(PAGE);
    if writes {
        return std::fs::write(&path, &text).with_context(|| format!("failed to write {PAGE}"));
    }
    if std::fs::read_to_string(&path).unwrap_or_default() != text {
        bail!("{PAGE} is not what was measured; run `cargo xtask tightness --write`");
    }
    Ok(())
}

fn measure() -> anyhow::Result<Vec<Family>> {
    let actual = Actual::read(&root().join("fixtures"))?;
    actual
        .families()
        .map(|(name, by, vocabulary)| {
            let mut kinds: BTreeMap<String, Ratios> = BTreeMap::new();
            for sample in sample::samples(&actual, name, vocabulary)? {
                kinds.entry(sample.kind.clone()).or_default().add(&sample)?;
            }
            // Random texts must be bounded too, and the vocabularies must agree on them; how tightly says nothing.
            let mut random = Ratios::default();
            sample::random(&actual, name, vocabulary)?.iter().try_for_each(|sample| random.add(sample))?;
            let agreed =
                actual.random(name)?.iter().filter(|(text, tokens)| vocabulary.is_some_and(|own| own.count(text) == *tokens)).count();
            let agreed = (agreed, random.bytes.len());
            Ok(Family { name: name.to_owned(), by: by.to_owned(), is_built_in: vocabulary.is_some(), agreed, kinds })
        })
        .collect()
}

fn judge(families: &[Family]) -> anyhow::Result<()> {
    for family in families.iter().filter(|family| family.is_built_in) {
        let median = percentile(&family.all().exact, 50).with_context(|| format!("{} has no samples", family.name))?;
        if median > MEDIAN_MAX {
            bail!("{}: the median bound is {median} % of the actual count, above {MEDIAN_MAX} %", family.name);
        }
        if median > MEDIAN_AIM {
            say(&format!("{}: the median bound is {median} % of the actual count, above the aim of {MEDIAN_AIM} %", family.name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(bytes: u64, exact: u64, actual: u64) -> Sample {
        Sample { name: "x".into(), kind: "k".into(), bytes, exact: Some(exact), actual }
    }

    #[test]
    fn a_bound_below_what_was_counted_is_caught() {
        let mut ratios = Ratios::default();
        ratios.add(&sample(400, 110, 100)).unwrap();
        assert_eq!((percentile(&ratios.exact, 50), percentile(&ratios.bytes, 50)), (Some(110), Some(400)));
        assert!(ratios.add(&sample(400, 99, 100)).is_err());
        assert!(ratios.add(&sample(99, 99, 100)).is_err());
        assert!(ratios.add(&sample(400, 401, 100)).is_err());
    }

    #[test]
    fn a_loose_median_fails() {
        let family = |exact: u64| {
            let mut ratios = Ratios::default();
            ratios.add(&sample(1_000, exact, 100)).unwrap();
            Family {
                name: "f".into(),
                by: "b".into(),
                is_built_in: true,
                agreed: (1, 1),
                kinds: BTreeMap::from([("k".to_owned(), ratios)]),
            }
        };
        assert!(judge(&[family(MEDIAN_MAX)]).is_ok());
        assert!(judge(&[family(MEDIAN_MAX + 1)]).is_err());
    }
}
