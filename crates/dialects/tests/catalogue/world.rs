//! A world in lines of text.
//!
//! ```text
//! base litellm 2026-11-23 : gpt input 5 | gpt output 20 agree metergraph
//! import litellm 2026-12-20 : gpt input 4 | gpt output 20       => 0 added, 1 changed, 1 same
//! price gpt input at 2026-12-24 known 2026-12-24                => 4
//! ```
//!
//! A row is `[seller:]model meter price words…`; the words are `from DAY`, `until DAY`, `documented`, `commit`, `first_seen`,
//! `promo`, `free`, `batch`, `flex`, `peak`, `in REGION`, `deployment NAME`, `image`, `key NAME`, `per N`, `agree SOURCE`,
//! `differ SOURCE=PRICE`, `retired DAY`, `known_from DAY`, `known_until DAY`, `url TEXT`. A price is `5`, or `5/10@200000` with a band.

use dialects::catalogue::{Catalogue, ImportOptions, Imported, Item};
use dialects::price_book::derived_id;
use dialects::price_sources::{Reading, Source};
use jiff::Timestamp;
use money::{Decimal, Rate};
use pricing::{
    Attrs, Basis, Holidays, Layer, Meter, Price, PriceBook, PriceKind, PriceQuery, Provenance, Region, RegionScope, Rows, Rule, Schedule,
    Slot, Span, Step, TierMode,
};

pub struct World {
    pub base: Rows,
    pub catalogue: Catalogue,
}

pub fn day(text: &str) -> Timestamp {
    format!("{text}T00:00:00Z").parse().unwrap_or_else(|_| text.parse().unwrap())
}

fn meter(word: &str) -> Meter {
    match word {
        "input" => Meter::InputTokens,
        "output" => Meter::OutputTokens,
        "cache" => Meter::CacheReadTokens,
        other => Meter::from_name(other),
    }
}

fn price(text: &str, per: u64) -> Price {
    let rate = |text: &str| Rate::new(Decimal::parse(text).unwrap(), per).unwrap();
    let Some((first, band)) = text.split_once('/') else { return Price::Flat(rate(text)) };
    let (second, above) = band.split_once('@').unwrap();
    let steps = vec![Step { above: 0, rate: rate(first) }, Step { above: above.parse().unwrap(), rate: rate(second) }];
    Price::Tiers { mode: TierMode::WholeRequest, steps }
}

/// One row; see the file's head for the words.
pub fn row(source: &str, version: &str, text: &str) -> Rule {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (seller, model) = words[0].split_once(':').unwrap_or(("acme", words[0]));
    let per = words.iter().position(|word| *word == "per").map_or(1_000_000, |at| words[at + 1].parse().unwrap());
    let mut rule = Rule {
        id: String::new(),
        seller: seller.to_owned(),
        publisher: "acme".to_owned(),
        kind: "llm".to_owned(),
        sku: format!("acme/{model}"),
        meter: meter(words[1]),
        attrs: Attrs::new(),
        select: [("processing", "online"), ("service_tier", "standard")].map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        region: Region::Global,
        unit: "token".to_owned(),
        price: price(words[2], per),
        schedule: None,
        valid: Span::ALWAYS,
        basis: Basis::Assumed,
        recorded: Span::ALWAYS,
        price_kind: PriceKind::List,
        free: false,
        prov: Provenance { source: source.to_owned(), version: version.to_owned(), key: model.to_owned(), ..Provenance::default() },
        layer: Layer::Embedded,
    };
    let mut rest = words[3..].iter();
    while let Some(word) = rest.next() {
        change(&mut rule, word, &mut rest);
    }
    rule.id = derived_id(&rule);
    rule
}

fn change<'a>(rule: &mut Rule, word: &str, rest: &mut impl Iterator<Item = &'a &'a str>) {
    let mut next = || (*rest.next().unwrap()).to_owned();
    match word {
        "from" => rule.valid.from = Some(day(&next())),
        "until" => rule.valid.to = Some(day(&next())),
        "known_from" => rule.recorded.from = Some(day(&next())),
        "known_until" => rule.recorded.to = Some(day(&next())),
        "documented" => rule.basis = Basis::Documented,
        "commit" => rule.basis = Basis::Commit,
        "first_seen" => rule.basis = Basis::FirstSeen,
        "promo" => rule.price_kind = PriceKind::Promo,
        "free" => rule.free = true,
        "batch" => _ = rule.select.insert("processing".to_owned(), "batch".to_owned()),
        "flex" => _ = rule.select.insert("service_tier".to_owned(), "flex".to_owned()),
        "deployment" => _ = rule.select.insert("deployment".to_owned(), next()),
        "peak" => {
            let slot = Slot { weekdays: vec![1, 2, 3, 4, 5], from_minute: 60, to_minute: 240 };
            rule.schedule = Some(Schedule::new("UTC", vec![slot], Vec::new(), Holidays::AsUsual).unwrap());
        }
        "in" => rule.region = Region::Within(RegionScope::Geo, vec![next()]),
        "image" => _ = rule.attrs.insert("modality".to_owned(), "image".to_owned()),
        "key" => rule.prov.key = next(),
        "retired" => rule.prov.note = format!("retired on {}", next()),
        "url" => rule.prov.url = next(),
        "agree" => rule.prov.agree.push(next()),
        "differ" => rule.prov.differ.push(next().replace('=', " ")),
        "per" => _ = next(),
        other => panic!("unknown word {other}"),
    }
}

pub fn rows(source: &str, version: &str, text: &str) -> Rows {
    let rules = text.split('|').map(str::trim).filter(|text| !text.is_empty()).map(|text| row(source, version, text)).collect();
    Rows { rules, ..Rows::default() }
}

impl World {
    pub fn new() -> Self {
        Self { base: Rows::default(), catalogue: Catalogue::new() }
    }

    pub fn base(&self) -> PriceBook {
        PriceBook::from_rows(self.base.clone()).unwrap_or_else(|errors| panic!("{errors:?}"))
    }

    pub fn book(&self) -> PriceBook {
        self.catalogue.book_over(&self.base()).unwrap_or_else(|errors| panic!("{errors:?}"))
    }

    pub fn import(&mut self, source: &str, at: &str, text: &str, options: &ImportOptions) -> Result<Imported, String> {
        let reading = Reading {
            source: Source::from_name(source).unwrap(),
            version: at.to_owned(),
            rows: rows(source, at, text),
            skipped: Vec::new(),
        };
        self.catalogue.import(reading, day(at), options).map_err(|error| error.to_string())
    }

    /// Carries out one line and says what came of it.
    fn step(&mut self, line: &str) -> String {
        let (head, text) = line.split_once(" : ").unwrap_or((line, ""));
        let words: Vec<&str> = head.split_whitespace().collect();
        match words.as_slice() {
            ["base", source, version] => {
                self.base.rules.extend(rows(source, version, text).rules);
                String::new()
            }
            ["import", source, at, more @ ..] => {
                let options = ImportOptions { sha256: String::new(), may_shrink: more.contains(&"may_shrink") };
                self.import(source, at, text, &options).map_or_else(|error| error, |done| told(&done))
            }
            ["accept", item @ .., "at", at] => {
                let item = item.join(" ");
                let waiting = self.catalogue.quarantine().find(|row| short(&row.item) == item).map(|row| row.id.clone());
                let change = self.catalogue.accept(&waiting.unwrap_or_default(), day(at));
                change.map_or_else(
                    |error| error.to_string(),
                    |change| format!("{} → {}", change.old.unwrap_or_default(), change.new.unwrap_or_default()),
                )
            }
            ["price", model, meter_word, "at", at, "known", known, more @ ..] => self.price(model, meter_word, at, known, more),
            ["rows", source] => self.rows_of(source),
            ["book", model, meter_word] => self.rows_in_book(model, meter_word),
            other => panic!("unknown step {other:?}"),
        }
    }

    fn price(&self, model: &str, meter_word: &str, at: &str, known: &str, more: &[&str]) -> String {
        let (seller, model) = model.split_once(':').unwrap_or(("acme", model));
        let mut query = PriceQuery { as_of: day(known), ..PriceQuery::new(seller, model, day(at)) };
        if more.contains(&"batch") {
            query = query.with("processing", "batch");
        }
        let book = self.book();
        let found = book.price_for(&query, &meter(meter_word), &Attrs::new(), 0);
        found.filter(|found| found.instead_of.is_none()).map_or("unpriced".to_owned(), |found| found.rate.price().to_string())
    }

    fn rows_of(&self, source: &str) -> String {
        told_rows(self.catalogue.source(source).into_iter().flat_map(|book| &book.rows.rules))
    }

    fn rows_in_book(&self, model: &str, meter_word: &str) -> String {
        let (seller, model) = model.split_once(':').unwrap_or(("acme", model));
        let book = self.book();
        told_rows(book.rows().rules.iter().filter(|rule| {
            rule.seller == seller
                && rule.sku == format!("acme/{model}")
                && rule.meter == meter(meter_word)
                && rule.select.get("processing").is_some_and(|value| value == "online")
        }))
    }
}

/// Rows as `price [from..to) known [from..to)`, sorted.
fn told_rows<'a>(rules: impl Iterator<Item = &'a Rule>) -> String {
    let short = |at: Option<Timestamp>| at.map_or(String::new(), |at| at.strftime("%m-%d").to_string());
    let span = |span: Span| format!("[{}..{})", short(span.from), short(span.to));
    let mut rules: Vec<&Rule> = rules.collect();
    rules.sort_by_key(|rule| (rule.recorded.from, rule.recorded.to.is_none(), rule.valid.from, rule.schedule.is_some()));
    let told = rules.iter().map(|rule| {
        let rates: Vec<String> = rule.price.rates().map(|rate| rate.price().to_string()).collect();
        format!("{} {} known {}", rates.join("/"), span(rule.valid), span(rule.recorded))
    });
    told.collect::<Vec<_>>().join("; ")
}

pub fn short(item: &Item) -> String {
    let meter = match item.meter {
        Meter::InputTokens => "input",
        Meter::OutputTokens => "output",
        Meter::CacheReadTokens => "cache",
        _ => item.meter.name(),
    };
    let batch = if item.select.get("processing").is_some_and(|value| value == "batch") { " batch" } else { "" };
    format!("{} {meter}{batch}", item.sku.trim_start_matches("acme/"))
}

fn told(done: &Imported) -> String {
    let counts = done.counts;
    let all = [
        ("added", counts.added),
        ("changed", counts.changed),
        ("same", counts.unchanged),
        ("gone", counts.gone),
        ("quarantined", counts.quarantined),
        ("skipped", counts.skipped),
    ];
    let some: Vec<String> = all.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect();
    some.join(", ")
}

/// Runs a world line by line; what stands after `=>` is what must come of the line.
pub fn check(text: &str) -> World {
    let mut world = World::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (step, expected) = line.split_once("=>").map_or((line, None), |(step, expected)| (step.trim(), Some(expected.trim())));
        let came = world.step(step);
        if let Some(expected) = expected {
            assert_eq!(came.trim(), expected, "{step}");
        }
    }
    world
}
