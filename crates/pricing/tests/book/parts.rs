//! A book that is read seller by seller says what the whole one says.

use crate::cards::*;
use pricing::*;

const SELLERS: [&str; 3] = ["a", "g", "o"];

/// The cards of one seller; facts of models stand with the seller that sells them.
fn part(seller: &str) -> PriceBook {
    let mut rows = rows();
    rows.rules.retain(|row| row.seller == seller);
    rows.aliases.retain(|row| row.seller == seller);
    rows.modifiers.retain(|row| row.seller == seller);
    rows.semantics.retain(|row| row.seller == seller);
    rows.models.retain(|row| row.sku.starts_with(seller));
    rows.allowances = vec![Allowance {
        id: format!("pool of {seller}"),
        seller: seller.to_owned(),
        plan: String::new(),
        sku: Rule::ANY_SKU.to_owned(),
        grant: Grant::Pool { per_seat: money::Nanos::new(1) },
        every: Period::Month,
        valid: Span::ALWAYS,
        recorded: Span::ALWAYS,
        price_kind: PriceKind::List,
        prov: Provenance::default(),
        layer: Layer::Embedded,
    }];
    PriceBook::from_rows(rows).unwrap()
}

fn name() -> String {
    "the cards".to_owned()
}

fn lazy() -> PriceBook {
    PriceBook::by_seller(&SELLERS, part, name)
}

#[test]
fn each_seller_is_found_in_its_part() {
    let (book, whole) = (lazy(), cards());
    for (seller, model) in [("a", "card-2026-01-01"), ("o", "card"), ("g", "g/card"), ("o", "unheard"), ("nobody", "card")] {
        let query = PriceQuery::new(seller, model, now()).in_region("us");
        assert_eq!(total(&book, &query, "input 1000 read 9 output 5"), total(&whole, &query, "input 1000 read 9 output 5"), "{query:?}");
        assert_eq!((book.sku(&query), book.model_facts(&query)), (whole.sku(&query), whole.model_facts(&query)));
        assert_eq!(book.semantics(seller), whole.semantics(seller));
        assert_eq!(book.dearest_of(seller, now()), whole.dearest_of(seller, now()));
        assert_eq!(book.model(seller, &format!("{seller}/card")).is_some(), whole.model(seller, &format!("{seller}/card")).is_some());
        let ask = Ask { input_tokens: 10, output_ceiling: Some(5), generates: true, choices: 1, ..Ask::default() };
        let hold = |book: &PriceBook| book.bound(&query, &ask).map(|bound| (bound.hold(5), bound.output_tokens_max));
        assert_eq!(hold(&book), hold(&whole));
    }
}

#[test]
fn all_parts_together_are_the_whole() {
    let (book, whole) = (lazy(), cards());
    assert_eq!(book.version(), "the cards");
    assert_eq!(book.models().collect::<Vec<_>>(), whole.models().collect::<Vec<_>>());
    let sorted = |book: &PriceBook| {
        let rows = book.rows();
        let mut ids: Vec<String> = rows.rules.iter().map(|row| row.id.clone()).collect();
        ids.extend(rows.aliases.iter().map(|row| row.name.clone()));
        ids.extend(rows.modifiers.iter().map(|row| row.id.clone()));
        ids.extend(rows.models.iter().map(|row| row.sku.clone()));
        ids.extend(rows.semantics.iter().map(|row| row.seller.clone()));
        ids.sort_unstable();
        ids
    };
    assert_eq!(sorted(&book), sorted(&whole));
    let pools: Vec<&str> = book.rows().allowances.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(pools, ["pool of a", "pool of g", "pool of o"]);
}

#[test]
fn rows_of_ones_own_go_on_top_of_all_parts() {
    let own = Rule { seller: "o".to_owned(), ..rule("o/card", "input_tokens", "", "", "7") };
    let book = lazy().with_extra(Rows { rules: vec![own], ..Rows::default() }).unwrap();
    let cost = |seller: &str| total(&book, &PriceQuery::new(seller, "card", now()), "input 1000");
    assert_eq!((cost("o"), cost("a")), (Some(7_000_000), Some(3_000_000)));
    assert_ne!(book.version(), "the cards");
}

#[test]
fn a_price_of_ones_own_reads_its_seller_and_no_other() {
    let read = |seller: &str| if seller == "o" { part(seller) } else { panic!("{seller} wasn't asked for") };
    let book = PriceBook::by_seller(&SELLERS, read, name);
    let with = |price: &str| {
        let own = Rule { seller: "o".to_owned(), ..rule("o/card", "input_tokens", "", "", price) };
        let new = Rule { seller: "new".to_owned(), ..rule("new/card", "input_tokens", "", "", price) };
        book.with_extra(Rows { rules: vec![own, new], ..Rows::default() }).unwrap()
    };
    let cost = |seller: &str| total(&with("7"), &PriceQuery::new(seller, "card", now()), "input 1000");
    assert_eq!((cost("o"), cost("new")), (Some(7_000_000), Some(7_000_000)));
    assert_eq!(with("7").version(), with("7").version());
    assert_ne!(with("7").version(), with("8").version());
}
