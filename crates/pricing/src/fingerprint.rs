//! The hash that names a book.

use std::collections::BTreeMap;

use jiff::Timestamp;
use money::{Decimal, Rate};
use sha2::{Digest, Sha256};

use crate::{Alias, Allowance, Grant, Model, Modifier, Price, Region, Rows, Rule, Schedule, Semantics, Span};

/// A hash of everything that can change a price, a name or a bound, independent of the rows' order: sixteen hex digits.
pub(crate) fn version(rows: &Rows) -> String {
    let mut digests: Vec<[u8; 32]> = Vec::with_capacity(rows.rules.len() + rows.aliases.len());
    digests.extend(rows.rules.iter().map(rule));
    digests.extend(rows.aliases.iter().map(alias));
    digests.extend(rows.modifiers.iter().map(modifier));
    digests.extend(rows.models.iter().map(model));
    digests.extend(rows.semantics.iter().map(semantics));
    digests.extend(rows.allowances.iter().map(allowance));
    digests.sort_unstable();
    let mut hasher = Sha256::new();
    digests.iter().for_each(|digest| hasher.update(digest));
    short(hasher)
}

/// A hash of hashes, in their order.
pub(crate) fn combined(versions: &[&str]) -> String {
    let mut hasher = Sha256::new();
    versions.iter().for_each(|version| hasher.update(version));
    short(hasher)
}

fn short(hasher: Sha256) -> String {
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A hash of values, each with its length or a fixed width, so that no two rows read the same.
struct Fingerprint(Sha256);

impl Fingerprint {
    fn new(kind: u8) -> Self {
        Self(Sha256::new()).number(i128::from(kind))
    }

    fn number(mut self, number: i128) -> Self {
        self.0.update(number.to_le_bytes());
        self
    }

    fn text(mut self, text: &str) -> Self {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
        self
    }

    fn texts<'a>(self, texts: impl ExactSizeIterator<Item = &'a String>) -> Self {
        let count = self.number(texts.len() as i128);
        texts.fold(count, |print, text| print.text(text))
    }

    fn pairs(self, pairs: &BTreeMap<String, String>) -> Self {
        self.texts(pairs.keys()).texts(pairs.values())
    }

    fn decimal(self, decimal: Decimal) -> Self {
        let (mantissa, scale) = decimal.parts();
        self.number(mantissa).number(i128::from(scale))
    }

    fn rate(self, rate: Rate) -> Self {
        self.decimal(rate.price()).number(i128::from(rate.per()))
    }

    fn time(self, at: Option<Timestamp>) -> Self {
        self.number(at.map_or(i128::MIN, Timestamp::as_nanosecond))
    }

    fn span(self, span: &Span) -> Self {
        self.time(span.from).time(span.to)
    }

    fn region(self, region: &Region) -> Self {
        match region {
            Region::Global => self.text("global"),
            Region::Within(scope, ids) => self.number(*scope as i128).texts(ids.iter()),
        }
    }

    fn price(self, price: &Price) -> Self {
        match price {
            Price::Flat(rate) => self.text("flat").rate(*rate),
            Price::Tiers { mode, steps } => {
                let print = self.number(*mode as i128).number(steps.len() as i128);
                steps.iter().fold(print, |print, step| print.number(i128::from(step.above)).rate(step.rate))
            }
        }
    }

    fn schedule(self, schedule: &Schedule) -> Self {
        let slots = schedule.slots.iter().fold(self.text(schedule.zone()), |print, slot| {
            let days = print.number(slot.weekdays.len() as i128);
            let days = slot.weekdays.iter().fold(days, |print, day| print.number(i128::from(*day)));
            days.number(i128::from(slot.from_minute)).number(i128::from(slot.to_minute))
        });
        let days = schedule.holidays.iter().fold(slots, |print, day| print.text(&day.to_string()));
        days.number(schedule.on_holidays as i128)
    }

    fn end(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

fn rule(row: &Rule) -> [u8; 32] {
    let print =
        Fingerprint::new(0).text(&row.id).text(&row.seller).text(&row.sku).text(row.meter.name()).pairs(&row.attrs).pairs(&row.select);
    let print = print.region(&row.region).price(&row.price).span(&row.valid).span(&row.recorded);
    let print =
        print.number(row.layer as i128).number(row.price_kind as i128).number(i128::from(row.prov.priority())).number(i128::from(row.free));
    row.schedule.iter().fold(print, |print, schedule| print.schedule(schedule)).end()
}

fn alias(row: &Alias) -> [u8; 32] {
    let print = Fingerprint::new(1).text(&row.seller).text(&row.name).text(&row.sku).pairs(&row.select);
    print.span(&row.valid).span(&row.recorded).number(row.layer as i128).end()
}

fn modifier(row: &Modifier) -> [u8; 32] {
    let print = Fingerprint::new(2).text(&row.id).text(&row.seller).text(&row.sku).pairs(&row.select).region(&row.region);
    let print = print.texts(row.meters.iter()).texts(row.excludes.iter()).decimal(row.factor).number(i128::from(row.order));
    print.span(&row.valid).span(&row.recorded).number(row.layer as i128).end()
}

fn model(row: &Model) -> [u8; 32] {
    let count = |count: Option<u64>| count.map_or(i128::MAX, i128::from);
    let print = Fingerprint::new(3).text(&row.seller).text(&row.sku).text(&row.mode).text(&row.facts.tokenizer);
    let print = print.number(count(row.facts.input_tokens_max)).number(count(row.facts.output_tokens_max));
    let print = print.number(i128::from(row.facts.cache_tokens_min)).number(i128::from(row.facts.decode_tokens_per_second));
    print.number(row.layer as i128).end()
}

fn semantics(row: &Semantics) -> [u8; 32] {
    let flags = [
        row.input_includes_cache_read,
        row.input_includes_cache_write,
        row.output_includes_reasoning,
        row.automatic_cache_writes,
        row.prompt_again_after_tools,
    ];
    let print = Fingerprint::new(4).text(&row.seller).number(row.layer as i128);
    flags.iter().fold(print, |print, flag| print.number(i128::from(*flag))).end()
}

fn allowance(row: &Allowance) -> [u8; 32] {
    let print = Fingerprint::new(5).text(&row.id).text(&row.seller).text(&row.plan).text(&row.sku).number(row.every as i128);
    let print = match &row.grant {
        Grant::Free { meter, attrs, units } => print.number(0).text(meter.name()).pairs(attrs).number(i128::from(*units)),
        Grant::Pool { per_seat } => print.number(1).number(i128::from(per_seat.get())),
        Grant::Minimum { floor } => print.number(2).number(i128::from(floor.get())),
    };
    print.span(&row.valid).span(&row.recorded).number(row.price_kind as i128).number(row.layer as i128).end()
}
