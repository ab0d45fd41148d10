//! What a request would truly cost if it were sent as it is: the measure of early refusals.

use super::ask::{Dialect, Reject};
use super::exchange;
use super::plan;
use super::route::route;
use crate::biller::{Biller, Usage};
use crate::rng::Rng;
use crate::script::Turn;
use http::Method;
use serde_json::Value;

/// The usage that the provider would bill for a `POST` of this body, caches left out, and its price; `None` as the price when
/// the model has no card, `None` at all when the provider would refuse the request. `seed` matters only without a directive.
pub fn quote(biller: &Biller, seed: u64, path: &str, body: &Value) -> Option<(Usage, Option<i128>)> {
    let path = path.split('?').next().unwrap_or(path);
    let (dialect, operation) = route(&Method::POST, path, Dialect::OpenAi)?;
    let ask = exchange::read(&operation, dialect, body).map_err(|_: Reject| ()).ok()?;
    let turn = ask.turn().0.unwrap_or_else(Turn::default);
    let usage = Usage { input: ask.prompt_tokens(), ..Usage::default() };
    let answer = plan::answer(&ask, &turn, usage, &mut Rng::new(seed));
    let bill = biller.bill(&ask.model, &answer.usage);
    Some((answer.usage, bill.nanos))
}
