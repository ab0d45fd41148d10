//! docs/tightness.md, from what was measured.

use std::fmt::Write as _;

use super::{Family, Ratios, percentile};

/// The page.
pub fn page(families: &[Family]) -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## Public vocabularies\n\n| family | median | p95 | by bytes: median | p95 | samples | random texts counted alike | actual counted by |\n|---|---|---|---|---|---|---|---|\n");
    for family in families.iter().filter(|family| family.is_built_in) {
        let all = family.all();
        let [median, high] = both(&all.exact);
        let [median_bytes, high_bytes] = both(&all.bytes);
        let _ = writeln!(
            page,
            "| {} | {median} | {high} | {median_bytes} | {high_bytes} | {} | {} of {} | {} |",
            family.name,
            all.exact.len(),
            family.agreed.0,
            family.agreed.1,
            family.by
        );
    }
    page.push_str("\n## By kind of text\n\nMedian of the exact stage, and of stage 1 (bytes) after the slash.\n\n");
    kinds(&mut page, families);
    page.push_str("\n## Unverified: bounded by bytes\n\nTheir makers publish a vocabulary that Mete doesn't build in (docs/decisions/0006); other implementations of it show what the bound by bytes comes to.\n\n| family | median | p95 | samples | actual counted by |\n|---|---|---|---|---|\n");
    for family in families.iter().filter(|family| !family.is_built_in) {
        let all = family.all();
        let [median, high] = both(&all.bytes);
        let _ = writeln!(page, "| {} | {median} | {high} | {} | {} |", family.name, all.bytes.len(), family.by);
    }
    page.push_str(TAIL);
    page
}

fn kinds(page: &mut String, families: &[Family]) {
    let mut names: Vec<&String> = families.iter().flat_map(|family| family.kinds.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let built_in: Vec<&Family> = families.iter().filter(|family| family.is_built_in).collect();
    let heads: Vec<&str> = built_in.iter().map(|family| family.name.as_str()).collect();
    let _ = writeln!(page, "| kind | {} |\n|---|{}", heads.join(" | "), "---|".repeat(heads.len()));
    for name in names {
        let cells: Vec<String> = built_in.iter().map(|family| family.kinds.get(name).map_or("–".to_owned(), cell)).collect();
        let _ = writeln!(page, "| {name} | {} |", cells.join(" | "));
    }
}

fn cell(ratios: &Ratios) -> String {
    let [exact, _] = both(&ratios.exact);
    let [bytes, _] = both(&ratios.bytes);
    format!("{exact} / {bytes}")
}

/// Median and 95th percentile as decimals.
fn both(ratios: &[u64]) -> [String; 2] {
    [50, 95].map(|at| percentile(ratios, at).map_or("–".to_owned(), |ratio| format!("{}.{:02}", ratio / 100, ratio % 100)))
}

const HEAD: &str = "\
# How tight the input bound is

Written by `cargo xtask tightness --write`; `cargo xtask check` measures again and fails when a bound is below what others count, when a
family's median is above 1.25, or when this page differs.

Every figure is bound ÷ actual for the input of a request, rounded up. The bound is the product's. *Actual* is never counted by the code that bounds:
OpenAI's vocabularies are counted by `tiktoken-rs` while the command runs, the others by the libraries named below, once, by
`tests/tokenizers/record` (`fixtures/text/actual.json`). On top comes the least that the documented template adds: 7 tokens for OpenAI (its cookbook), 2
elsewhere. Tools and agents' requests are counted as a whole, by OpenAI's own renderer of its harmony format, by Mistral's own, and by
Qwen's template. The texts are listed in `fixtures/text/README.md`; a sample is a request with about 4 KiB of one of them, or one whole recorded request.

The same command bounds 400 texts made by chance (runs of one letter, mixed scripts, marks, what normalisation changes, what looks like special
tokens) for every family, those below included. Where a built-in vocabulary doesn't count such a text alike, it counts more: DeepSeek's `<think>` is one token to
others and its letters to Mete, and a text of Qwen's counts as the dearer of itself and its NFC.
";

const TAIL: &str = "
No tokenizer is public for Claude, Gemini (Google's SDK counts with Gemma's), Grok, gpt-6, or the closed models of Mistral, Alibaba and Zhipu. They are
bounded by bytes too, at about the figures above, and by their provider's free count where the bytes keep a call out.
";
