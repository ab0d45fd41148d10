//! Two snapshots of one source, four weeks apart: exactly the changed prices get new validity, and history is re-costable as known
//! at the time.

use std::collections::{BTreeMap, BTreeSet};

use dialects::catalogue::{Catalogue, Change, ImportOptions, Imported, Item, Subject, diff, sha256};
use dialects::price_sources::{Reading, Source, read};
use jiff::Timestamp;
use pricing::{PriceBook, PriceQuery, Region, Rule};

use crate::world::day;

const FIRST: (&str, &str) = ("2026-10-25", include_str!("../../../../fixtures/prices/litellm-two-snapshots/2026-10-25.json"));
const SECOND: (&str, &str) = ("2026-11-23", include_str!("../../../../fixtures/prices/litellm-two-snapshots/2026-11-23.json"));
const CHANGES: &str = include_str!("../../../../fixtures/prices/litellm-two-snapshots/changes.txt");

fn reading((at, text): (&str, &str)) -> Reading {
    read(Source::Litellm, text.as_bytes(), &PriceBook::default(), day(at)).unwrap()
}

fn import(catalogue: &mut Catalogue, file: (&str, &str)) -> Imported {
    let options = ImportOptions { sha256: sha256(file.1.as_bytes()), may_shrink: false };
    catalogue.import(reading(file), day(file.0), &options).unwrap()
}

fn line(change: &Change) -> String {
    let told = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}: {} → {} {}", change.subject, told(&change.old), told(&change.new), change.percent()).trim_end().to_owned()
}

fn item(change: &Change) -> &Item {
    let Subject::Price(item) = &change.subject else { panic!("{change:?}") };
    item
}

/// What a rule's item costs at a time, as known at another; `None` when nothing is known then.
fn price(book: &PriceBook, item: &Item, at: Timestamp, known: Timestamp) -> Option<String> {
    let mut query = PriceQuery { as_of: known, select: item.select.clone(), ..PriceQuery::new(&item.seller, &item.sku, at) };
    if let Region::Within(_, ids) = &item.region {
        query = query.in_region(&ids[0]);
    }
    let found = book.price_for(&query, &item.meter, &item.attrs, 0).filter(|found| found.instead_of.is_none())?;
    let rates: Vec<String> = found.rule.price.rates().map(|rate| rate.price().to_string()).collect();
    Some(rates.join("/"))
}

#[test]
fn exactly_the_changed_prices_get_new_validity() {
    let mut catalogue = Catalogue::new();
    import(&mut catalogue, FIRST);
    let before: BTreeMap<String, Rule> =
        catalogue.source("litellm").unwrap().rows.rules.iter().map(|rule| (rule.id.clone(), rule.clone())).collect();
    let second = import(&mut catalogue, SECOND);
    let changed: Vec<String> = second.changed.iter().map(line).collect();
    assert_eq!(changed, CHANGES.lines().collect::<Vec<_>>());
    assert_eq!((second.gone.len(), second.quarantined.len()), (1, 0));
    let items: BTreeSet<&Item> = second.changed.iter().map(item).collect();
    for rule in &catalogue.source("litellm").unwrap().rows.rules {
        let (own, is_changed) = (Item::of(rule), before.get(&rule.id));
        let added = second.added.iter().any(|change| *item(change) == own);
        match is_changed {
            // A row of the first snapshot is as it was, but for the end of what was recorded where its price changed.
            Some(old) if items.contains(&own) => {
                assert_eq!(rule.recorded.to, Some(day(SECOND.0)), "{own}");
                assert_eq!((rule.valid, &rule.price, rule.recorded.from), (old.valid, &old.price, old.recorded.from), "{own}");
            }
            // A remark, such as that the model was retired since, is taken without a new row.
            Some(old) => assert_eq!((&Rule { prov: old.prov.clone(), ..rule.clone() }, &rule.prov.raw), (old, &old.prov.raw), "{own}"),
            None if added => assert_eq!((rule.valid.from, rule.recorded.from), (None, Some(day(SECOND.0))), "{own}"),
            None => {
                assert!(items.contains(&own), "{own}");
                assert!(rule.valid.to == Some(day(SECOND.0)) || rule.valid.from == Some(day(SECOND.0)), "{own}");
            }
        }
    }
}

#[test]
fn history_is_re_costable_as_known_at_the_time() {
    let (mut catalogue, base) = (Catalogue::new(), PriceBook::default());
    import(&mut catalogue, FIRST);
    let then = catalogue.book_over(&base).unwrap();
    let second = import(&mut catalogue, SECOND);
    let now = catalogue.book_over(&base).unwrap();
    let (call, later) = (day("2026-11-10"), day("2026-12-01"));
    for change in &second.changed {
        let item = item(change);
        let as_costed = price(&then, item, call, call);
        assert!(as_costed.is_some(), "{item}");
        assert_eq!(price(&now, item, call, call), as_costed, "as known at the time: {item}");
        assert_eq!(price(&now, item, call, later), as_costed, "the price of that day, as known now: {item}");
        assert_ne!(price(&now, item, later, later), as_costed, "the price of today: {item}");
        assert_eq!(price(&now, item, later, call), as_costed, "what one expected then of today: {item}");
    }
    for rule in then.rows().rules.iter().filter(|rule| second.changed.iter().all(|change| *item(change) != Item::of(rule))) {
        let item = Item::of(rule);
        assert_eq!(price(&now, &item, later, later), price(&then, &item, later, later), "{item}");
    }
}

#[test]
fn a_diff_of_the_files_is_what_the_import_changes() {
    let (first, second) = (reading(FIRST), reading(SECOND));
    let mut catalogue = Catalogue::new();
    import(&mut catalogue, FIRST);
    let imported = import(&mut catalogue, SECOND);
    let prices: Vec<Change> =
        diff(&first.rows, &second.rows).into_iter().filter(|change| matches!(change.subject, Subject::Price(_))).collect();
    let told = |changes: Vec<&Change>| changes.into_iter().map(line).collect::<Vec<_>>();
    let both = |change: &&Change| change.old.is_some() && change.new.is_some();
    assert_eq!(told(prices.iter().filter(both).collect()), told(imported.changed.iter().collect()));
    assert_eq!(told(prices.iter().filter(|change| change.old.is_none()).collect()), told(imported.added.iter().collect()));
    let gone: Vec<Item> = prices.iter().filter(|change| change.new.is_none()).map(|change| item(change).clone()).collect();
    assert_eq!(gone, imported.gone);
    assert_eq!(diff(&first.rows, &first.rows), []);
}
