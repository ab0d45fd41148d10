//! How much a run of the lane does, and what it says at its end.

use serde_json::{Value, json};

/// Whether the whole of a lane is asked for (`METE_PROOF=short` or `long`) or a taste of it, as in plain `cargo test`.
pub fn is_whole() -> bool {
    std::env::var("METE_PROOF").is_ok_and(|effort| effort == "short" || effort == "long")
}

/// The one case that is to be repeated.
pub fn only() -> Option<usize> {
    std::env::var("METE_SEED").ok().and_then(|seed| seed.parse().ok())
}

/// The line that says what was tried.
pub fn proof(title: &str, counts: &[(&str, usize)], figures: &[(&str, String)]) {
    let counts: Value = counts.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect::<serde_json::Map<_, _>>().into();
    let figures: Value = figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(figure))).collect::<serde_json::Map<_, _>>().into();
    println!("proof {}", json!({"lane": "bad-input", "title": title, "counts": counts, "violations": 0, "figures": figures}));
}
