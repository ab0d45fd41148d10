//! Why sources differ. Each row is an excerpt of a real disagreement between published lists of 2026.

use dialects::catalogue::Cause;

use crate::world::{check, day};

fn causes(text: &str) -> Vec<(String, Cause)> {
    let world = check(text);
    let found = world.catalogue.conflicts(&world.base(), day("2026-11-23"));
    found.iter().map(|conflict| (crate::world::short(&conflict.item), conflict.cause)).collect()
}

#[test]
fn a_cause_follows_from_the_rows() {
    for (name, expected, text) in [
        (
            "the price of peak hours as the price",
            vec![("v4-pro input", Cause::OffPeak)],
            "import genai-prices 2026-11-09 : v4-pro input 0.66 | v4-pro input 1.32 from 2026-09-01 documented peak
             import litellm 2026-11-23 : v4-pro input 1.32",
        ),
        (
            "history that another source has dated",
            vec![("chat input", Cause::Stale)],
            "import litellm 2026-11-23 : chat input 0.28
             import model-prices 2026-10-26 : chat input 0.27 until 2025-09-05 | chat input 0.14 from 2025-09-05 documented
             import genai-prices 2026-11-09 : chat input 0.27",
        ),
        (
            "an announced price that didn't come about",
            vec![("sonnet input", Cause::FutureNotHappened)],
            "import models.dev 2026-07-02 : sonnet input 2 until 2026-09-01 | sonnet input 3 from 2026-09-01 documented
             import litellm 2026-11-23 : sonnet input 2",
        ),
        (
            "a price cut that old copies don't know",
            vec![("sol input", Cause::Stale)],
            "import models.dev 2026-07-02 : sol input 5
             import litellm 2026-11-23 : sol input 4
             import genai-prices 2026-11-09 : sol input 4",
        ),
        (
            "a promotion with an end",
            vec![("flash input", Cause::Promo)],
            "import metergraph 2026-10-25 : flash input 0.75 until 2027-01-01 | flash input 1.5 from 2027-01-01 documented
             import genai-prices 2026-11-09 : flash input 1.5
             import litellm 2026-11-23 : flash input 1.5",
        ),
        (
            "a price to come that only one knows",
            vec![("argon input", Cause::FuturePrice)],
            "import genai-prices 2026-11-09 : argon input 2 until 2026-12-01 | argon input 4 from 2026-12-01 documented
             import litellm 2026-11-23 : argon input 2",
        ),
        (
            "a name that moves",
            vec![("large-latest input", Cause::MovingAlias), ("large-latest output", Cause::MovingAlias)],
            "import genai-prices 2026-11-09 : large-latest input 2 | large-latest output 6
             import litellm 2026-11-23 : large-latest input 0.5 | large-latest output 1.5 | large-3 input 0.5 | large-3 output 1.5",
        ),
        (
            "a retired id that is answered by a successor",
            vec![("grok-code-fast-1 input", Cause::RetiredRedirect), ("grok-code-fast-1 output", Cause::RetiredRedirect)],
            "import genai-prices 2026-11-09 : grok-code-fast-1 input 0.2 | grok-code-fast-1 output 1.5
             import litellm 2026-11-23 : grok-code-fast-1 input 1 retired 2026-05-15 | grok-code-fast-1 output 2 retired 2026-05-15 | grok-build input 1 | grok-build output 2",
        ),
        (
            "a regional uplift, by the factor alone",
            vec![("grok-4 input", Cause::Region)],
            "import genai-prices 2026-11-09 : grok-4 input 2
             import litellm 2026-11-23 : grok-4 input 2.2",
        ),
        (
            "the price of another region",
            vec![("grok-4 input", Cause::Region)],
            "import genai-prices 2026-11-09 : grok-4 input 2
             import metergraph 2026-11-09 : grok-4 input 2.4 | grok-4 input 2 in eu
             import litellm 2026-11-09 : grok-4 input 2.4",
        ),
        (
            "text and image tokens in one field",
            vec![("image output", Cause::Modality)],
            "import genai-prices 2026-11-09 : image output 12 | image output 120 image
             import model-prices 2026-10-26 : image output 120",
        ),
        (
            "rounding",
            vec![("nano cache", Cause::Rounding)],
            "import genai-prices 2026-11-09 : nano cache 0.025
             import litellm 2026-11-23 : nano cache 0.03",
        ),
        (
            "the price of another field",
            vec![("realtime cache", Cause::WrongField)],
            "import genai-prices 2026-11-09 : realtime cache 0.4 | realtime output 16 | realtime input 4
             import models.dev 2026-11-23 : realtime cache 4 | realtime input 4",
        ),
        (
            "a price per thousand tokens",
            vec![("jais input", Cause::WrongUnit)],
            "base genai-prices 2026-11-09 : jais input 0.3 differ litellm=300",
        ),
        (
            "a price for batches",
            vec![("gpt input", Cause::Tier)],
            "import genai-prices 2026-11-09 : gpt input 5 | gpt input 2.5 batch
             import litellm 2026-11-23 : gpt input 2.5",
        ),
        (
            "bands, and the price of the first",
            vec![("gpt input", Cause::Tier)],
            "import genai-prices 2026-11-09 : gpt input 3/6@200000
             import litellm 2026-11-23 : gpt input 3",
        ),
        (
            "the same bands told by the book alone",
            vec![("gpt input", Cause::Tier)],
            "base genai-prices 2026-11-09 : gpt input 3/6@200000 differ litellm=3",
        ),
        (
            "a price changed as a whole, seen by the later reader",
            vec![("gpt input", Cause::Stale), ("gpt output", Cause::Stale)],
            "import azure-retail 2026-11-09 : gpt input 5 | gpt output 30
             import litellm 2026-11-23 : gpt input 4 | gpt output 24",
        ),
        (
            "one factor, but read on one day",
            vec![("gpt input", Cause::Unexplained), ("gpt output", Cause::Unexplained)],
            "import azure-retail 2026-11-23 : gpt input 5 | gpt output 30
             import litellm 2026-11-23 : gpt input 4 | gpt output 24",
        ),
        (
            "bands with other limits",
            vec![("grok input", Cause::Tier)],
            "import genai-prices 2026-11-09 : grok input 2/4@199999
             import litellm 2026-11-23 : grok input 2/4@200000",
        ),
        (
            "text and image at one price show nothing",
            vec![("flash input", Cause::Unexplained)],
            "import litellm 2026-11-23 : flash input 0.3 | flash input 0.3 image
             import models.dev 2026-11-23 : flash input 0.26",
        ),
        (
            "another field's price on which the sides don't agree shows nothing",
            vec![("gpt cache", Cause::Unexplained), ("gpt input", Cause::Unexplained)],
            "import genai-prices 2026-11-23 : gpt cache 1 | gpt input 5
             import litellm 2026-11-23 : gpt cache 3 | gpt input 3",
        ),
        (
            "conversion of units that the seller bills in",
            vec![("claude output", Cause::Rounding)],
            "import genai-prices 2026-11-23 : claude output 15
             import litellm 2026-11-23 : claude output 15.00002",
        ),
        (
            "zero",
            vec![("command input", Cause::UnknownAsZero)],
            "import model-prices 2026-10-26 : command input 2.5
             import litellm 2026-11-23 : command input 0 free",
        ),
        (
            "nothing shows why",
            vec![("gpt input", Cause::Unexplained)],
            "import genai-prices 2026-11-09 : gpt input 5
             import litellm 2026-11-23 : gpt input 3.7",
        ),
        ("agreement", vec![], "import genai-prices 2026-11-09 : gpt input 5\nimport litellm 2026-11-23 : gpt input 5"),
        (
            "agreement in other units",
            vec![],
            "import genai-prices 2026-11-09 : gpt input 5\nimport litellm 2026-11-23 : gpt input 0.000005 per 1",
        ),
    ] {
        let expected: Vec<(String, Cause)> = expected.into_iter().map(|(item, cause)| (item.to_owned(), cause)).collect();
        assert_eq!(causes(text), expected, "{name}");
    }
}
