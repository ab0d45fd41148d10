//! Why two sources differ on a price, as far as the rows of all sources show it.
//!
//! A cause needs evidence: a dated row that held the value, a row of another tier, place, modality or meter that has it, an exact
//! factor, the digits. No model is known by name here. What nothing shows is unexplained.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use money::Rate;
use pricing::{Meter, Price, PriceKind, Rule};

use super::Item;
use super::amount::{Plain, base_rate, brief, current, day, flat, is_factor, is_near, is_rounded, is_same, is_same_ratio, plain};
use super::choose::{BySource, Groups, Said, Seen, lineage, retired_on};
use super::conflict::{Cause, is_told};
use super::evidence::Evidence;

/// A reading this much older than its rivals' is called old.
const OLD: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Request attributes that say where something is sold, not how.
const PLACES: [&str; 2] = ["route", "deployment"];

/// One item on which sources differ, with all that bears on it.
pub(super) struct Case<'a> {
    pub item: &'a Item,
    pub chosen: &'a Rule,
    /// What each source says of the item.
    pub sources: &'a BySource,
    /// The same of every item of the sku.
    pub groups: &'a Groups<'a>,
    pub seen: &'a Seen,
    /// Rows of the sku that aren't held to be true any more.
    pub past: &'a [&'a Rule],
    pub namesakes: &'a Namesakes,
    pub at: Timestamp,
}

type Found = Option<(Cause, String)>;

impl Case<'_> {
    /// Why `theirs`, the price of the source `name`, isn't the chosen one.
    pub fn cause(&self, name: &str, theirs: &Rule) -> (Cause, String) {
        self.unit(theirs)
            .or_else(|| self.promotion(name, theirs))
            .or_else(|| self.announcement(name, theirs))
            .or_else(|| self.limits(theirs))
            .or_else(|| self.retirement(name, theirs))
            .or_else(|| self.peak(theirs))
            .or_else(|| self.history(name, theirs))
            .or_else(|| self.bands(theirs))
            .or_else(|| self.sibling(theirs))
            .or_else(|| self.uplift(theirs))
            .or_else(|| self.digits(theirs))
            .or_else(|| self.other_field(name, theirs))
            .or_else(|| self.other_model(name, theirs))
            .or_else(|| self.whole_cut(name, theirs))
            .or_else(|| self.old_reading(name, theirs))
            .unwrap_or((Cause::Unexplained, String::new()))
    }

    /// The same price now, but only one side knows a later one.
    pub fn later(&self, name: &str, said: &Said) -> Found {
        if is_told(said) {
            return None;
        }
        let own = self.sources.get(&self.chosen.prov.source).map_or(&[][..], |said| said.rules.as_slice());
        let next = |rules: &[Rule]| {
            let coming = rules.iter().filter(|rule| rule.schedule.is_none() && rule.valid.from.is_some_and(|from| self.at < from));
            coming.min_by_key(|rule| rule.valid.from).map(|rule| (rule.valid.from, rule.price.clone()))
        };
        let (ours, theirs) = (next(own), next(&said.rules));
        let same = match (&ours, &theirs) {
            (Some(a), Some(b)) => a.0 == b.0 && is_same(&a.1, &b.1),
            (None, None) => true,
            _ => false,
        };
        if same {
            return None;
        }
        let told = |who: &str, next: Option<(Option<Timestamp>, Price)>| match next {
            Some((from, price)) => format!("{who} has {} from {}", brief(&price), from.map_or(String::new(), day)),
            None => format!("{who} has no later price"),
        };
        Some((Cause::FuturePrice, format!("{}; {}", told(&self.chosen.prov.source, ours), told(name, theirs))))
    }

    /// Zero, or the wrong power of ten.
    fn unit(&self, theirs: &Rule) -> Found {
        let (ours, rate) = (base_rate(&self.chosen.price), base_rate(&theirs.price));
        if ours.is_zero() != rate.is_zero() {
            return Some((Cause::UnknownAsZero, "one side says 0, which is how lists write a price that they don't know".to_owned()));
        }
        let factor =
            [1_000, 1_000_000].into_iter().find(|factor| is_factor(rate, ours, *factor, 1) || is_factor(ours, rate, *factor, 1))?;
        Some((Cause::WrongUnit, format!("exactly {factor} times as much: a price per thousand or million taken for one per unit")))
    }

    /// One side's price is a promotion, or ends, and the other has the price that comes after it or stands beside it.
    fn promotion(&self, name: &str, theirs: &Rule) -> Found {
        let ours = (self.chosen.prov.source.as_str(), self.chosen);
        for ((who, row), other) in [(ours, theirs), ((name, theirs), self.chosen)] {
            let end = row.valid.to.filter(|end| self.at < *end);
            let beside = self
                .rows_of(who)
                .any(|rule| is_same(&rule.price, &other.price) && (rule.valid.from == end || rule.valid.contains(self.at)));
            if row.price_kind == PriceKind::Promo || (end.is_some() && beside) {
                let until = end.map_or(String::new(), |end| format!(" until {}", day(end)));
                return Some((
                    Cause::Promo,
                    format!("{who} has {} as a price for a time{until}, the other side {}", brief(&row.price), brief(&other.price)),
                ));
            }
        }
        None
    }

    /// A price that one side had announced before it was to apply, and that those who looked after that day don't have.
    fn announcement(&self, name: &str, theirs: &Rule) -> Found {
        let ours = (self.chosen.prov.source.as_str(), self.chosen);
        for ((who, row), (other, rival)) in [((name, theirs), ours), (ours, (name, theirs))] {
            let (Some(day_due), Some(read), Some(looked)) = (row.valid.from, self.seen.get(who), self.seen.get(other)) else { continue };
            let before = self.rows_of(who).any(|rule| rule.valid.to == Some(day_due) && is_same(&rule.price, &rival.price));
            if before && *read < day_due && day_due <= *looked {
                let text = format!(
                    "{who} was read on {} and expects {} from {}; {other}, read on {}, still has {}",
                    day(*read),
                    brief(&row.price),
                    day(day_due),
                    day(*looked),
                    brief(&rival.price)
                );
                return Some((Cause::FutureNotHappened, text));
            }
        }
        None
    }

    /// One side's price is what another row has for peak hours.
    fn peak(&self, theirs: &Rule) -> Found {
        let mut peaks = self.all_rows().filter(|(_, rule)| rule.schedule.is_some() && rule.valid.contains(self.at));
        let (who, peak) = peaks.find(|(_, rule)| {
            let twice = |a: &Price, b: &Price| flat(a).zip(flat(b)).is_some_and(|(a, b)| is_factor(a, b, 2, 1));
            is_same(&rule.price, &theirs.price) || is_same(&rule.price, &self.chosen.price) || twice(&theirs.price, &self.chosen.price)
        })?;
        Some((Cause::OffPeak, format!("{who} has {} for some hours only", brief(&peak.price))))
    }

    /// The same prices with other limits between the bands.
    fn limits(&self, theirs: &Rule) -> Found {
        let (Price::Tiers { steps: ours, .. }, Price::Tiers { steps: others, .. }) = (&self.chosen.price, &theirs.price) else {
            return None;
        };
        let same = ours.len() == others.len() && ours.iter().zip(others).all(|(a, b)| is_factor(a.rate, b.rate, 1, 1));
        let (ours, theirs) = ours.iter().zip(others).find(|(a, b)| a.above != b.above)?;
        same.then(|| (Cause::Tier, format!("the same prices, above {} against above {} tokens", ours.above, theirs.above)))
    }

    /// One side knows that the id is retired, and what is billed for it since.
    fn retirement(&self, name: &str, theirs: &Rule) -> Found {
        let known = |rule: &Rule| retired_on(rule).filter(|day| *day <= self.at);
        let chosen = self.rows_of(&self.chosen.prov.source).find_map(known);
        let (who, on, rule, other) = match (chosen.or(known(self.chosen)), known(theirs)) {
            (Some(on), None) => (self.chosen.prov.source.as_str(), on, self.chosen, name),
            (None, Some(on)) => (name, on, theirs, self.chosen.prov.source.as_str()),
            _ => return None,
        };
        let successor = self.pair(who, rule).and_then(|pair| self.namesakes.of(self.item, &pair));
        let since = successor.map_or("what is answered since".to_owned(), |sku| format!("{sku}, which answers since"));
        let text =
            format!("{who} knows that the id was retired on {} and has the price of {since}; {other} still has the old one", day(on));
        Some((Cause::RetiredRedirect, text))
    }

    /// One side's price is one that a dated or withdrawn row held before, or one that is still to come.
    fn history(&self, name: &str, theirs: &Rule) -> Found {
        for (price, who) in [(&theirs.price, name), (&self.chosen.price, self.chosen.prov.source.as_str())] {
            let dated = self.all_rows().map(|(source, rule)| (source, rule, rule.valid.to));
            let is_own = |rule: &Rule| Item::of(rule) == *self.item;
            let withdrawn = self
                .past
                .iter()
                .filter(|rule| is_own(rule))
                .map(|rule| (rule.prov.source.as_str(), *rule, rule.valid.to.or(rule.recorded.to)));
            let mut over = dated.chain(withdrawn).filter(|(_, _, end)| end.is_some_and(|end| end <= self.at));
            if let Some((source, _, Some(end))) = over.find(|(_, rule, _)| is_same(&rule.price, price)) {
                return Some((Cause::Stale, format!("{who} has {}, which {source} had until {}", brief(price), day(end))));
            }
            let mut coming =
                self.all_rows().filter(|(_, rule)| rule.schedule.is_none() && rule.valid.from.is_some_and(|from| self.at < from));
            if let Some((source, rule)) = coming.find(|(_, rule)| is_same(&rule.price, price)) {
                let from = rule.valid.from.map_or(String::new(), day);
                return Some((Cause::FuturePrice, format!("{who} has {} already, which {source} has from {from}", brief(price))));
            }
        }
        None
    }

    /// One side has bands by prompt size, the other one of their prices.
    fn bands(&self, theirs: &Rule) -> Found {
        let is_part = |one: &Price, bands: &Price| {
            bands.rates().count() > 1 && flat(one).is_some_and(|rate| bands.rates().any(|band| is_factor(band, rate, 1, 1)))
        };
        let both_banded = self.chosen.price.rates().count() > 1 && theirs.price.rates().count() > 1;
        let same_base = is_factor(base_rate(&self.chosen.price), base_rate(&theirs.price), 1, 1);
        let found = is_part(&theirs.price, &self.chosen.price) || is_part(&self.chosen.price, &theirs.price) || (both_banded && same_base);
        found.then(|| (Cause::Tier, format!("{} against {}: bands by prompt size differ", brief(&self.chosen.price), brief(&theirs.price))))
    }

    /// The price of the same meter in another place, tier or modality.
    fn sibling(&self, theirs: &Rule) -> Found {
        let meters = self.groups.iter().filter(|(item, _)| item.meter == self.item.meter && **item != self.item);
        let mut best: Found = None;
        for (item, sources) in meters {
            for (source, rule) in sources.iter().flat_map(|(source, said)| said.rules.iter().map(move |rule| (source, rule))) {
                let whose = [(&theirs.price, "the other side's"), (&self.chosen.price, "the chosen")];
                // Only a source that has different prices for the two shows that one was taken for the other.
                let own = self.sources.get(source).and_then(|said| current(&said.rules, self.at));
                let tells = |price: &Price| {
                    rule.valid.contains(self.at) && is_same(&rule.price, price) && own.is_some_and(|own| !is_same(&own.price, price))
                };
                let Some((_, whose)) = whose.into_iter().find(|(price, _)| tells(price)) else { continue };
                let Some((cause, what)) = self.difference(item) else { continue };
                if best.as_ref().is_none_or(|(known, _)| cause < *known) {
                    best = Some((cause, format!("{whose} price is that of {what} in {source}")));
                }
            }
        }
        best
    }

    /// In what one thing another item of the same meter differs.
    fn difference(&self, item: &Item) -> Option<(Cause, String)> {
        let changed: Vec<(&String, &String)> =
            item.select.iter().filter(|(key, value)| self.item.select.get(*key) != Some(*value)).collect();
        let told = || changed.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ");
        let (same_attrs, same_select, same_region) =
            (item.attrs == self.item.attrs, item.select == self.item.select, item.region == self.item.region);
        match (same_attrs, same_select, same_region) {
            (true, true, false) => Some((Cause::Region, "another region".to_owned())),
            (true, false, _) if changed.iter().all(|(key, _)| PLACES.contains(&key.as_str())) => Some((Cause::Deployment, told())),
            (true, false, true) => Some((Cause::Tier, told())),
            (false, true, true) => {
                let modality = |item: &Item| item.attrs.get("modality").cloned().unwrap_or_else(|| "text".to_owned());
                (modality(item) != modality(self.item)).then(|| (Cause::Modality, format!("{} tokens", modality(item))))
            }
            _ => None,
        }
    }

    /// Exactly 1.1 times: what sellers take for a data zone or a regional endpoint.
    fn uplift(&self, theirs: &Rule) -> Found {
        let (ours, rate) = (base_rate(&self.chosen.price), base_rate(&theirs.price));
        let is_uplift = is_factor(rate, ours, 11, 10) || is_factor(ours, rate, 11, 10);
        is_uplift.then(|| (Cause::Region, "exactly 1.1 times, the uplift for a region or data zone".to_owned()))
    }

    fn digits(&self, theirs: &Rule) -> Found {
        let (ours, rate) = (flat(&self.chosen.price)?, flat(&theirs.price)?);
        let is_fewer = is_rounded(rate, ours) || is_rounded(ours, rate);
        let found = is_fewer.then_some("the same with fewer digits").or(is_near(rate, ours).then_some("the same within a thousandth"))?;
        Some((Cause::Rounding, found.to_owned()))
    }

    /// The price of another meter of the same place, on which both sides agree.
    fn other_field(&self, name: &str, theirs: &Rule) -> Found {
        let ours = self.chosen.prov.source.as_str();
        for (price, who, rival) in [(&theirs.price, name, ours), (&self.chosen.price, ours, name)] {
            for (item, sources) in self.beside() {
                let has = |source: &str| {
                    sources.get(source).and_then(|said| current(&said.rules, self.at)).is_some_and(|rule| is_same(&rule.price, price))
                };
                if has(who) && has(rival) {
                    let attrs: String = item.attrs.iter().map(|(key, value)| format!(" {key}={value}")).collect();
                    return Some((Cause::WrongField, format!("{who}'s {} is the price of {}{attrs}", brief(price), item.meter.name())));
                }
            }
        }
        None
    }

    /// The other items of the same place.
    fn beside(&self) -> impl Iterator<Item = (&Item, &BySource)> {
        let same_place = |item: &Item| item != self.item && item.select == self.item.select && item.region == self.item.region;
        self.groups.iter().filter(move |(item, _)| same_place(item)).map(|(item, sources)| (*item, sources))
    }

    /// Input and output of one side are those of another model of the same family, and the name is one that moves.
    fn other_model(&self, name: &str, theirs: &Rule) -> Found {
        if !self.item.sku.ends_with("-latest") {
            return None;
        }
        let ours = self.pair(&self.chosen.prov.source, self.chosen).and_then(|pair| self.namesakes.of(self.item, &pair));
        let others = self.pair(name, theirs).and_then(|pair| self.namesakes.of(self.item, &pair));
        let (who, sku) = match (ours, others) {
            (Some(sku), None) => (self.chosen.prov.source.as_str(), sku),
            (None, Some(sku)) => (name, sku),
            (Some(ours), Some(others)) if ours != others => (name, others),
            _ => return None,
        };
        Some((Cause::MovingAlias, format!("{who} has the prices of {sku}: the name stands for that model there")))
    }

    /// All prices of the model differ by one factor, and one side was read later: its price was changed as a whole.
    fn whole_cut(&self, name: &str, theirs: &Rule) -> Found {
        let ours = self.chosen.prov.source.as_str();
        let (read_ours, read_theirs) = (self.seen.get(ours)?, self.seen.get(name)?);
        let (own, other) = (base_rate(&self.chosen.price), base_rate(&theirs.price));
        let price = |sources: &BySource, who: &str| {
            sources.get(who).and_then(|said| current(&said.rules, self.at)).map(|rule| base_rate(&rule.price))
        };
        let pairs: Vec<(Rate, Rate)> =
            self.beside().filter_map(|(_, sources)| Some((price(sources, ours)?, price(sources, name)?))).collect();
        if pairs.is_empty() || read_ours == read_theirs || !pairs.iter().all(|(a, b)| is_same_ratio((own, other), (*a, *b))) {
            return None;
        }
        let (old, new) =
            if read_ours < read_theirs { ((ours, read_ours), (name, read_theirs)) } else { ((name, read_theirs), (ours, read_ours)) };
        let text = format!(
            "all {} prices differ by one factor; {} was read on {}, {} on {}",
            pairs.len() + 1,
            old.0,
            day(*old.1),
            new.0,
            day(*new.1)
        );
        Some((Cause::Stale, text))
    }

    /// A source's input and output price in the item's place; one of the two is `own`.
    fn pair(&self, source: &str, own: &Rule) -> Option<(Plain, Plain)> {
        let other = if self.item.meter == Meter::InputTokens { Meter::OutputTokens } else { Meter::InputTokens };
        let partner = Item { meter: other, ..self.item.clone() };
        let partner = current(&self.groups.get(&partner)?.get(source)?.rules, self.at)?;
        let (own, partner) = (plain(&own.price), plain(&partner.price));
        Some(if self.item.meter == Meter::InputTokens { (own, partner) } else { (partner, own) })
    }

    /// Nobody who was read since has that price any more.
    fn old_reading(&self, name: &str, theirs: &Rule) -> Found {
        let ours = self.chosen.prov.source.as_str();
        for (who, price, rival) in [(name, &theirs.price, &self.chosen.price), (ours, &self.chosen.price, &theirs.price)] {
            let Some(read) = self.seen.get(who) else { continue };
            let is_later = |source: &str| self.seen.get(source).is_some_and(|later| later.duration_since(*read) >= OLD);
            let later = self
                .sources
                .iter()
                .filter(|(source, _)| is_later(source))
                .filter_map(|(source, said)| Some((source, current(&said.rules, self.at)?)));
            let later: Vec<(&String, &Rule)> = later.collect();
            let lineages: BTreeSet<&str> = later.iter().map(|(source, _)| lineage(source, &self.item.seller)).collect();
            // One later reader is enough when it cites the same page of the seller.
            let own = self.rows_of(who).find_map(host);
            let reread = own.is_some() && later.iter().any(|(_, rule)| host(rule) == own);
            if (lineages.len() >= 2 || reread) && later.iter().all(|(_, rule)| is_same(&rule.price, rival)) {
                let names: Vec<&str> = later.iter().map(|(source, _)| source.as_str()).collect();
                let (ours, theirs) = (brief(price), brief(rival));
                let text = format!("{who} has {ours} and was read on {}; {}, read since, has {theirs}", day(*read), names.join(" and "));
                return Some((Cause::Stale, text));
            }
        }
        None
    }

    fn rows_of(&self, source: &str) -> impl Iterator<Item = &Rule> {
        self.sources.get(source).into_iter().flat_map(|said| &said.rules)
    }

    fn all_rows(&self) -> impl Iterator<Item = (&str, &Rule)> {
        self.sources.iter().flat_map(|(source, said)| said.rules.iter().map(move |rule| (source.as_str(), rule)))
    }
}

/// The host of the page that a row cites.
fn host(rule: &Rule) -> Option<&str> {
    rule.prov.url.split_once("://")?.1.split('/').next().filter(|host| !host.is_empty())
}

/// Which skus of a seller have a pair of prices.
pub(super) struct Namesakes {
    skus: BTreeMap<(String, Plain, Plain), BTreeSet<String>>,
}

impl Namesakes {
    /// The pairs that anyone has for an ordinary call.
    pub fn new(evidence: &Evidence<'_>, at: Timestamp) -> Self {
        let mut skus: BTreeMap<(String, Plain, Plain), BTreeSet<String>> = BTreeMap::new();
        for unit in &evidence.units {
            let Some((Item { seller, sku, .. }, _)) = unit.first() else { continue };
            let all = unit.iter().flat_map(|(_, rows)| rows.base.iter().chain(rows.said.values().flatten()));
            let rows = all.filter(|rule| rule.recorded.to.is_none() && rule.valid.contains(at));
            let plain_rows: Vec<(&Rule, Plain)> =
                rows.filter(|rule| rule.attrs.is_empty()).map(|rule| (*rule, plain(&rule.price))).collect();
            let of = |meter: &Meter| plain_rows.iter().filter(|(rule, _)| rule.meter == *meter).collect::<Vec<_>>();
            let outputs = of(&Meter::OutputTokens);
            for (input, price) in of(&Meter::InputTokens) {
                for (_, other) in
                    outputs.iter().filter(|(output, _)| output.select == input.select && output.prov.source == input.prov.source)
                {
                    skus.entry((seller.clone(), price.clone(), other.clone())).or_default().insert(sku.clone());
                }
            }
        }
        Self { skus }
    }

    /// Another sku of the item's seller and family that has the pair, unless several have it, which shows nothing.
    fn of(&self, item: &Item, pair: &(Plain, Plain)) -> Option<&str> {
        let family = |sku: &str| sku.split('-').next().map(str::to_owned);
        let known = self.skus.get(&(item.seller.clone(), pair.0.clone(), pair.1.clone()))?;
        let mut others = known.iter().filter(|sku| **sku != item.sku && family(sku) == family(&item.sku));
        others.next().filter(|_| known.len() <= 3).map(String::as_str)
    }
}
