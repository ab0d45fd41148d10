//! What holds for any imports: drawn at random, with the seed printed when one fails.

use dialects::catalogue::{Catalogue, ImportOptions, sha256};
use dialects::price_sources::{Reading, Source};
use jiff::Timestamp;
use pricing::{Attrs, Meter, PriceBook, PriceQuery, Rows};
use proptest::prelude::*;

use crate::world::{day, rows};

const SOURCES: [&str; 4] = ["litellm", "genai-prices", "metergraph", "models.dev"];
const DAYS: [&str; 6] = ["2026-10-01", "2026-11-01", "2026-11-23", "2026-12-01", "2026-12-24", "2027-01-15"];

/// One import: source, day, and what each of three items costs (`None`: not listed).
type Draw = (usize, usize, Vec<Option<(u8, u8)>>);

fn text(prices: &[Option<(u8, u8)>]) -> String {
    let items = ["gpt input", "gpt output", "gpt input batch"];
    let row = |(index, price): (usize, &Option<(u8, u8)>)| {
        let (price, dated) = (*price)?;
        let (name, batch) = items[index].split_once(" batch").map_or((items[index], ""), |(name, _)| (name, " batch"));
        let later = u32::from(price) + 1;
        Some(match dated {
            0 => format!("{name} {price}.5 until 2026-11-15{batch} | {name} {later} from 2026-11-15 documented{batch}"),
            1 => format!("{name} {price} from 2026-11-10 first_seen{batch}"),
            _ => format!("{name} {price}{batch}"),
        })
    };
    prices.iter().enumerate().filter_map(row).collect::<Vec<_>>().join(" | ")
}

fn draws() -> impl Strategy<Value = Vec<Draw>> {
    let price = prop::option::weighted(0.85, (1_u8..60, 0_u8..6));
    prop::collection::vec((0..SOURCES.len(), 0..DAYS.len(), prop::collection::vec(price, 3)), 1..8)
}

fn import(catalogue: &mut Catalogue, (source, at, prices): &Draw) -> bool {
    let (source, at, text) = (SOURCES[*source], DAYS[*at], text(prices));
    let reading =
        Reading { source: Source::from_name(source).unwrap(), version: at.to_owned(), rows: rows(source, at, &text), skipped: Vec::new() };
    let options = ImportOptions { sha256: sha256(text.as_bytes()), may_shrink: true };
    catalogue.import(reading, day(at), &options).is_ok()
}

fn version(catalogue: &Catalogue, base: &PriceBook) -> String {
    catalogue.book_over(base).unwrap().version().to_owned()
}

fn base() -> PriceBook {
    let mut rules = rows("genai-prices", "2026-11-20", "gpt input 5 agree litellm | gpt output 20 differ metergraph=19").rules;
    rules.extend(rows("litellm", "2026-11-20", "gpt input 2.5 batch | old input 1").rules);
    PriceBook::from_rows(Rows { rules, ..Rows::default() }).unwrap()
}

/// Every price that the book has, at and as known at every day of interest.
fn prices(book: &PriceBook, known: &[Timestamp]) -> Vec<Option<String>> {
    let mut prices = Vec::new();
    for known in known {
        for at in DAYS.iter().map(|at| day(at)).chain([day("2026-09-01"), day("2026-11-12")]) {
            for (meter, batch) in [(Meter::InputTokens, false), (Meter::OutputTokens, false), (Meter::InputTokens, true)] {
                let query = PriceQuery { as_of: *known, ..PriceQuery::new("acme", "gpt", at) };
                let query = if batch { query.with("processing", "batch") } else { query };
                let found = book.price_for(&query, &meter, &Attrs::new(), 0);
                assert!(found.as_ref().is_none_or(|found| !found.conflict), "conflict at {at} known {known}");
                prices.push(found.map(|found| found.rate.price().to_string()));
            }
        }
    }
    prices
}

fn known_before(at: &str) -> Vec<Timestamp> {
    let end = day(at);
    let days = DAYS.iter().map(|at| day(at)).filter(|known| *known < end);
    days.chain([day("2026-09-01"), end - jiff::SignedDuration::from_secs(1)]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// What the book said as of any time before an import, it says after it.
    #[test]
    fn history_stays_as_it_was_known(draws in draws()) {
        let (base, mut catalogue) = (base(), Catalogue::new());
        let mut latest = 0;
        for draw in draws {
            // Time goes on: an import of a later day than all before it.
            if draw.1 < latest {
                continue;
            }
            let before = catalogue.book_over(&base).unwrap();
            if !import(&mut catalogue, &draw) {
                continue;
            }
            latest = draw.1;
            let after = catalogue.book_over(&base).unwrap();
            let known = known_before(DAYS[draw.1]);
            prop_assert_eq!(prices(&before, &known), prices(&after, &known));
            // Nothing that was priced as of now becomes unpriced at the import's own day.
            let now = [day(DAYS[draw.1])];
            for (old, new) in prices(&before, &now).into_iter().zip(prices(&after, &now)) {
                prop_assert!(old.is_none() || new.is_some());
            }
        }
    }

    /// Different sources may be imported in any order.
    #[test]
    fn the_order_of_sources_does_not_matter(draws in draws(), rotate in 0_usize..8) {
        let base = base();
        let mut sorted = draws;
        sorted.sort_by_key(|draw| (draw.1, draw.0));
        let mut mixed: Vec<Draw> = Vec::new();
        for turn in 0..SOURCES.len() {
            let source = (turn + rotate) % SOURCES.len();
            mixed.extend(sorted.iter().filter(|draw| draw.0 == source).cloned());
        }
        let (mut one, mut other) = (Catalogue::new(), Catalogue::new());
        sorted.iter().for_each(|draw| _ = import(&mut one, draw));
        mixed.iter().for_each(|draw| _ = import(&mut other, draw));
        prop_assert_eq!(version(&one, &base), version(&other, &base));
    }

    /// What is stored of a source is read back, to the letter.
    #[test]
    fn a_source_is_stored_and_read_back(draws in draws()) {
        let mut catalogue = Catalogue::new();
        draws.iter().for_each(|draw| _ = import(&mut catalogue, draw));
        let texts: Vec<(String, String)> = catalogue.sources().map(|(name, _)| (name.to_owned(), catalogue.source_text(name))).collect();
        let again = Catalogue::from_texts(texts.iter().map(|(name, text)| (name.as_str(), text.as_str()))).unwrap();
        let whole: String = texts.iter().map(|(_, text)| text.as_str()).collect();
        prop_assert_eq!(&Catalogue::from_text(&whole).unwrap(), &again);
        for (name, text) in &texts {
            prop_assert_eq!(&again.source_text(name), text);
            let (before, after) = (catalogue.source(name).unwrap(), again.source(name).unwrap());
            prop_assert_eq!((&before.imports, &before.quarantine), (&after.imports, &after.quarantine));
        }
        let base = base();
        prop_assert_eq!(version(&again, &base), version(&catalogue, &base));
        prop_assert_eq!(again.conflicts(&base, day("2026-12-01")), catalogue.conflicts(&base, day("2026-12-01")));
    }

    /// The same file once more, on any later day, changes nothing.
    #[test]
    fn a_second_import_of_a_file_changes_nothing(draws in draws()) {
        let mut catalogue = Catalogue::new();
        for draw in &draws {
            if import(&mut catalogue, draw) {
                let before = catalogue.clone();
                import(&mut catalogue, &(draw.0, DAYS.len() - 1, draw.2.clone()));
                prop_assert_eq!(&before, &catalogue);
            }
        }
    }
}
