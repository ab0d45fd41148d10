//! What must be true of the money after any call, whatever its provider did.

use std::time::Duration;

use gateway::Settings;
use http::Method;
use store::CallStatus;

use crate::shapes::{Form, Shape};
use crate::support::{Answer, World};

/// What became of a call's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Money {
    /// Exactly what the provider bills.
    Exact,
    /// At least what the provider bills, at most the hold, and flagged as an estimate.
    Estimated,
    /// Nothing, and the provider bills nothing.
    Void,
    /// Still held, at least what the provider bills, and listed as unresolved.
    Unresolved,
    /// What the provider tells, part of it beyond the hold: at least what it bills, unless Mete had to cut it off, when what it
    /// made until it noticed isn't known.
    Overage,
    /// What the provider told, which is less than it bills; the record says that it looks too low.
    Told,
}

/// A call, judged.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub money: Result<Money, String>,
    /// What is wrong beside the money.
    pub wrong: Vec<String>,
}

/// Waits as short as this behaviour needs to show itself, and no shorter, so that a busy machine changes nothing.
pub fn patience(settings: &mut Settings, words: &str) {
    let is_any = |names: &[&str]| names.iter().any(|name| words.contains(name));
    let timeouts = &mut settings.timeouts;
    if is_any(&["silence", "half_head"]) {
        timeouts.first_byte = Duration::from_millis(400);
    }
    if is_any(&["stall", "black_hole", "slow"]) {
        timeouts.stream_idle = Duration::from_millis(500);
    }
    if is_any(&["endless_comments"]) {
        timeouts.total = Duration::from_millis(1_500);
    }
}

/// Makes the only faulty call of a world and judges it; then an honest one, which must be answered as if nothing had been.
pub async fn judge(world: &World, key: &str, shape: Shape, body: &str) -> Seen {
    let mut answer = ask(world, key, shape, body).await;
    // A document has no way to say that it isn't whole but to break off, which may overtake its head.
    if shape.form() == Form::Document && answer.status.as_u16() == 599 {
        answer.status = http::StatusCode::OK;
    }
    let mut seen = money_of(world, shape, &answer).await;
    let mut patient = (*world.gateway.settings()).clone();
    patient.timeouts.first_byte = crate::support::PATIENCE;
    patient.timeouts.stream_idle = crate::support::PATIENCE;
    patient.timeouts.total = crate::support::PATIENCE * 2;
    world.gateway.reload(std::sync::Arc::new(patient));
    if answer.body.contains("sk-gateway") {
        seen.wrong.push("the answer holds the gateway's own key".to_owned());
    }
    // An answer that comes after the one before was read is, on this wire, the answer to whatever is asked next: nothing tells them
    // apart when it arrives between the next request and its answer.
    if !body.contains("wire_two_answers_late")
        && let Some(wrong) = honest(world, key, shape).await
    {
        seen.wrong.push(wrong);
    }
    seen
}

/// Sends a call; an answer of status 0 is a connection that broke before any.
async fn ask(world: &World, key: &str, shape: Shape, body: &str) -> Answer {
    let request = world.request(Method::POST, shape.path, &[("x-api-key", key)], body);
    match world.client.request(request).await {
        Ok(response) => {
            let (head, body) = response.into_parts();
            let (body, broken) = crate::support::read(body).await;
            Answer { status: head.status, headers: head.headers, body, broken }
        }
        Err(error) => {
            let status = http::StatusCode::from_u16(599).unwrap();
            Answer { status, headers: http::HeaderMap::new(), body: format!("{error:?}"), broken: true }
        }
    }
}

/// The next call of the same client over the same connections.
async fn honest(world: &World, key: &str, shape: Shape) -> Option<String> {
    let (billed, spent) = (world.billed(), total(world).await);
    let body = shape.body("An honest one. [[sim output=9]]", 2_000).to_string();
    let answer = ask(world, key, shape, &body).await;
    if answer.status.as_u16() != 200 || answer.body.contains("FORGED") || answer.broken {
        return Some(format!("the next call got {} {}", answer.status, answer.body.chars().take(300).collect::<String>()));
    }
    settled(world).await;
    let (bill, cost) = (world.billed() - billed, total(world).await - spent);
    (bill != cost || bill <= 0).then(|| format!("the next call is billed {bill} and charged {cost}"))
}

/// All that is charged: spent and overage.
pub async fn total(world: &World) -> i64 {
    let account = world.account("all").await;
    account.spent.get() + account.overage.get()
}

pub async fn settled(world: &World) {
    world.quiet().await;
    world.until("the provider's bill is final", || world.provider.books().bill(0)["totals"]["received"] == 0).await;
}

/// Judges the money of the only call of a world.
pub async fn money_of(world: &World, shape: Shape, answer: &Answer) -> Seen {
    settled(world).await;
    let account = world.account("all").await;
    let calls = world.calls().await;
    let mut wrong = Vec::new();
    if calls.len() != 1 {
        wrong.push(format!("{} records of one call", calls.len()));
    }
    let call = calls.last().unwrap();
    let attempt = call.attempts.last().unwrap();
    let (billed, charged) = (world.billed(), account.spent.get() + account.overage.get());
    let flags = attempt.end.as_ref().map(|end| end.flags.clone()).unwrap_or_default();
    let lines: i64 = attempt.end.iter().flat_map(|end| &end.lines).map(|line| line.nanos).sum();
    if call.status == CallStatus::Settled && Some(lines) != attempt.cost.map(money::Nanos::get) {
        wrong.push(format!("lines sum to {lines}, the cost is {:?}", attempt.cost));
    }
    let is_unresolved = call.status == CallStatus::Unresolved;
    if account.held.is_zero() == is_unresolved || (is_unresolved && account.held != attempt.granted) {
        wrong.push(format!("{:?} is held of a {:?} call", account.held, call.status));
    }
    let is_low = flags.iter().any(|flag| flag.contains("looks too low"));
    let is_stopped = flags.iter().any(|flag| flag.contains("beyond its ceiling"));
    let money = match call.status {
        CallStatus::Voided if charged == 0 && billed == 0 => Ok(Money::Void),
        CallStatus::Unresolved if charged == 0 && billed <= attempt.granted.get() => Ok(Money::Unresolved),
        CallStatus::Settled if !account.overage.is_zero() && (charged >= billed || is_stopped) => Ok(Money::Overage),
        CallStatus::Settled if charged == billed && billed > 0 && !attempt.estimated => Ok(Money::Exact),
        CallStatus::Settled if charged >= billed && charged > 0 && charged <= attempt.granted.get() && attempt.estimated => {
            Ok(Money::Estimated)
        }
        CallStatus::Settled if charged < billed && is_low => Ok(Money::Told),
        _ => Err(format!(
            "billed {billed}, charged {charged}, hold {:?}, {:?}, estimated {}, {flags:?}",
            attempt.granted, call.status, attempt.estimated
        )),
    };
    let is_whole_looking = match shape.form() {
        Form::Events => {
            answer.body.contains("[DONE]") || answer.body.contains("message_stop") || answer.body.contains("response.completed")
        }
        _ => false,
    };
    let is_cut = attempt.end.as_ref().is_some_and(|end| end.status == "cut");
    if is_cut && is_whole_looking && !answer.body.contains("\"error\"") {
        wrong.push("a stream that was cut looks whole".to_owned());
    }
    if is_cut && shape.form() == Form::Document && answer.status.as_u16() == 200 && !answer.broken {
        wrong.push("a document that was cut ends like a whole one".to_owned());
    }
    Seen { status: answer.status.as_u16(), money, wrong }
}
