//! What is asked of the price book, from the query of a request.

use std::collections::BTreeSet;

use jiff::Timestamp;
use pricing::{PriceBook, PriceQuery};

use super::super::error::ApiError;
use super::super::input::Query;
use crate::config::budgets::short;

/// Reads `model`, `seller`, `region`, `tier`, `select`, `at` and `as_of`. What isn't said is as it is now.
pub(super) fn read(book: &PriceBook, mut query: Query) -> Result<PriceQuery, ApiError> {
    let model = query.one("model")?.ok_or_else(|| ApiError::invalid("model is needed"))?;
    let now = Timestamp::now();
    let mut question = PriceQuery::new("", &model, query.instant("at")?.unwrap_or(now));
    question.as_of = query.instant("as_of")?.unwrap_or(now);
    question.region = query.one("region")?.unwrap_or_default();
    question.select = query.pairs("select")?;
    if let Some(tier) = query.one("tier")? {
        question.select.insert("service_tier".to_owned(), tier);
    }
    let seller = query.one("seller")?;
    query.end()?;
    question.seller = seller.or_else(|| vendor(book, &question)).unwrap_or_default();
    Ok(question)
}

/// What to do about a model that nothing is known of.
pub(super) fn unknown(question: &PriceQuery) -> ApiError {
    if let Some(machine) = dialects::resources::find(&question.model).first() {
        let name = &machine.sku;
        return ApiError::not_found(format!(
            "`{name}` is a machine of {}, sold by the hour; see `mete prices show {name}`",
            machine.seller
        ));
    }
    let (model, seller) = (short(&question.model), if question.seller.is_empty() { "SELLER" } else { &question.seller });
    ApiError::not_found(format!(
        "no price is known for `{model}`; set one with `mete prices set {seller}/{model} --input USD --output USD`"
    ))
}

/// Who sells a model, where nobody is named: the maker itself before others.
fn vendor(book: &PriceBook, question: &PriceQuery) -> Option<String> {
    let sellers: BTreeSet<&str> = book.models().map(|(seller, _)| seller).collect();
    let sells = |seller: &&str| {
        let query = PriceQuery { seller: (*seller).to_owned(), ..question.clone() };
        let sku = book.sku(&query)?;
        Some((sku.split('/').next() == Some(*seller), (*seller).to_owned()))
    };
    let known: Vec<(bool, String)> = sellers.iter().filter_map(sells).collect();
    known.iter().find(|(own, _)| *own).or(known.first()).map(|(_, seller)| seller.clone())
}
