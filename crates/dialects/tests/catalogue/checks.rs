//! Prices that can't be right.

use dialects::catalogue::{Severity, check};

use crate::world::rows;

#[test]
fn each_rule_finds_its_own() {
    use Severity::{Error, Warning};
    for (text, expected) in [
        ("gpt input 5 | gpt output 20 | gpt cache 0.5 | gpt input 2.5 batch", None),
        ("jais input 1000", None),
        ("jais input 1000.01", Some((Error, "1000.01 dollars for a million tokens"))),
        ("gpt input 5 | gpt cache 5", None),
        ("gpt input 5 | gpt cache 16", Some((Error, "a cache read costs 16 where fresh input costs 5"))),
        ("gpt input 5 | gpt cache 4/6@1000", Some((Error, "a cache read costs 4/6 where fresh input costs 5"))),
        ("gpt input 5 | gpt cache 16 image", None),
        ("gpt input 5 until 2026-01-01 | gpt cache 6 from 2026-01-01", None),
        ("gpt input 5 | gpt input 5 batch", None),
        ("gpt input 5 | gpt input 6 batch", Some((Error, "batched it costs 6 where online it costs 5"))),
        ("gpt input 5/10@200000", None),
        ("gpt input 5/4@200000", Some((Error, "bands 5/4"))),
        ("gpt input 5 | gpt output 4", Some((Warning, "output costs 4 where fresh input costs 5"))),
        ("gpt input 0", Some((Error, "price 0"))),
        ("gpt input 0 free", None),
        ("gpt input 5 until 2026-12-01 | gpt input 6 from 2026-12-01", None),
        ("gpt input 5 until 2026-12-02 | gpt input 6 from 2026-12-01", Some((Error, "at the same time"))),
        ("gpt input 5 | gpt input 2.5 promo until 2026-12-01", None),
        ("gpt input 5 | gpt input 10 peak", None),
    ] {
        let found = check(&rows("litellm", "1", text));
        match expected {
            None => assert_eq!(found, [], "{text}"),
            Some((severity, what)) => {
                assert_eq!(found.len(), 1, "{text}: {found:?}");
                assert_eq!(found[0].severity, severity, "{text}");
                assert!(found[0].what.contains(what), "{text}: {}", found[0].what);
            }
        }
    }
}
