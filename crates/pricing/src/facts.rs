//! What the book knows beside prices: facts of models, what usage includes, what else a seller sells.

use std::borrow::Cow;
use std::cmp::Reverse;

use jiff::Timestamp;
use money::Rate;

use crate::resolve::Scope;
use crate::{Attrs, Meter, Model, ModelFacts, PriceBook, PriceQuery, Rule, Semantics};

impl PriceBook {
    /// Facts of the model behind a query, with conservative defaults where they are unknown.
    #[must_use]
    pub fn model_facts(&self, query: &PriceQuery) -> ModelFacts {
        self.facts_in(Scope::new(self, query, None).as_ref())
    }

    /// The same of a query whose names are resolved; `None` where they stand for nothing known.
    pub(crate) fn facts_in(&self, scope: Option<&Scope<'_>>) -> ModelFacts {
        let mut facts = scope.and_then(Scope::facts).cloned().unwrap_or_default();
        if facts.decode_tokens_per_second == 0 {
            facts.decode_tokens_per_second = ModelFacts::DECODE_TOKENS_PER_SECOND;
        }
        let is_charged = |rule: &Rule| rule.meter == Meter::CacheWriteTokens && rule.price.rates().any(|rate| !rate.is_zero());
        facts.cache_writes_priced = scope.is_some_and(|scope| scope.rules().any(is_charged));
        facts
    }

    /// What a seller's usage includes; the default where nothing is known of it.
    #[must_use]
    pub fn semantics(&self, seller: &str) -> Cow<'_, Semantics> {
        let shelves = &self.of(seller).shelves;
        let known = shelves.by_seller.get(seller).and_then(|shelf| shelf.semantics);
        match known.and_then(|index| shelves.rows.semantics.get(index)) {
            Some(row) => Cow::Borrowed(row),
            None => Cow::Owned(Semantics { seller: seller.to_owned(), ..Semantics::default() }),
        }
    }

    /// Everything that is sold, as (seller, sku) in order.
    pub fn models(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = |sku: &&String| sku.as_str() != Rule::ANY_SKU;
        self.whole()
            .shelves
            .by_seller
            .iter()
            .flat_map(move |(seller, shelf)| shelf.skus.keys().filter(named).map(|sku| (seller.as_str(), sku.as_str())))
    }

    /// The facts row of a sku, the seller's own before the general one.
    #[must_use]
    pub fn model(&self, seller: &str, sku: &str) -> Option<&Model> {
        let shelves = &self.of(seller).shelves;
        let own = shelves.by_seller.get(seller).and_then(|shelf| shelf.models.get(sku));
        shelves.rows.models.get(*own.or_else(|| shelves.models.get(sku))?)
    }

    /// The sku of a seller whose tokens are dearest at a time: what an unknown model is priced as when a policy says so.
    /// Dearest by the sum of its input and output rates; the first by name among equals.
    #[must_use]
    pub fn dearest_of(&self, seller: &str, at: Timestamp) -> Option<String> {
        let shelf = self.of(seller).shelves.by_seller.get(seller)?;
        let priced = shelf.skus.keys().filter(|sku| sku.as_str() != Rule::ANY_SKU).filter_map(|sku| {
            let (input, output) = self.token_rates(&PriceQuery::new(seller, sku, at))?;
            Some((input.times(1)?.checked_add(output.times(1)?)?, sku))
        });
        priced.max_by_key(|(sum, sku)| (*sum, Reverse(*sku))).map(|(_, sku)| sku.clone())
    }

    /// Cheaper skus of the same seller and mode whose window and output are known to be no smaller than the query's
    /// model needs, dearest first: neither input nor output may cost more, and one must cost less.
    #[must_use]
    pub fn alternatives(&self, query: &PriceQuery, prompt_tokens: u64, output_tokens: u64) -> Vec<String> {
        let (Some(own), Some((input, output))) = (self.sku(query), self.token_rates(query)) else { return Vec::new() };
        let Some(shelf) = self.of(&query.seller).shelves.by_seller.get(&query.seller) else { return Vec::new() };
        let mode = self.model(&query.seller, &own).map(|model| model.mode.as_str());
        let mut cheaper: Vec<(Rate, Rate, &String)> = Vec::new();
        for sku in shelf.skus.keys().filter(|sku| **sku != own) {
            let Some(model) = self.model(&query.seller, sku).filter(|model| Some(model.mode.as_str()) == mode) else { continue };
            let fits = model.facts.input_tokens_max.is_some_and(|max| max >= prompt_tokens)
                && model.facts.output_tokens_max.is_some_and(|max| max >= output_tokens);
            let rates = self.token_rates(&PriceQuery { model: sku.clone(), ..query.clone() });
            match rates {
                Some((less_in, less_out)) if fits && less_in <= input && less_out <= output && (less_in, less_out) != (input, output) => {
                    cheaper.push((less_out, less_in, sku))
                }
                _ => {}
            }
        }
        cheaper.sort_by(|a, b| b.cmp(a));
        cheaper.into_iter().map(|(_, _, sku)| sku.clone()).collect()
    }

    /// The rates of a fresh input token and of an output token in the base band.
    fn token_rates(&self, query: &PriceQuery) -> Option<(Rate, Rate)> {
        let scope = Scope::new(self, query, None)?;
        let rate = |meter: Meter| scope.best(&meter, &Attrs::new())?.at(0).map(|(rate, _, _)| rate);
        Some((rate(Meter::InputTokens)?, rate(Meter::OutputTokens)?))
    }
}
