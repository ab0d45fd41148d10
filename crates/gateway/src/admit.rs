//! Stage 4, may it: a hold over every matching budget, on disk before anything is sent.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ledger::{Attributes, Grant, HoldAsk, HoldId, Refusal};
use store::{AttemptStart, Books, HoldAnswer, HoldRequest, hash_block};
use tokio::time::Instant;

use crate::call::Call;
use crate::client::Client;
use crate::denied::{Denied, Step};
use crate::estimate::{Need, Target};
use crate::settings::Settings;

/// A granted hold and what it means for the request.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    pub(crate) grant: Grant,
    /// The ceiling that the hold pays for; `None` where nothing is generated, no price is known or no limit applies.
    pub(crate) ceiling: Option<u64>,
    /// The ceiling to write into the request, when it isn't what the client wrote itself.
    pub(crate) ceiling_sent: Option<u64>,
    pub(crate) covered: bool,
    pub(crate) waited: Duration,
}

/// What an attempt asks for.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) number: u32,
    pub(crate) target: &'a Target<'a>,
    pub(crate) need: Need,
    pub(crate) attributes: Arc<Attributes>,
    pub(crate) covered: bool,
}

/// What the ledger said.
pub(crate) enum Admission {
    Granted(Box<Admitted>),
    Refused(Box<Refusal>, u64),
    /// The client left while the call waited; the wait is cancelled.
    Left,
}

/// Asks for the hold.
pub(crate) async fn admit(
    books: &Books,
    settings: &Settings,
    prices: &str,
    call: &Call,
    attempt: &Attempt<'_>,
    client: &mut Client,
) -> Step<Admission> {
    let at = books.now();
    let hold = HoldId(books.new_id());
    let ask = HoldAsk {
        id: hold,
        attributes: Arc::clone(&attempt.attributes),
        run: call.identity.run_id(),
        min: attempt.need.min,
        want: attempt.need.want,
        covered: attempt.covered,
        assume_after: assume_after(settings),
    };
    let start = start(books, settings, prices, call, attempt, hold, at);
    let asked = Instant::now();
    let answer = tokio::select! {
        biased;
        answer = books.hold(HoldRequest { ask, start, wait: wait(settings, call, asked) }) => answer,
        () = client.left() => return Ok(Admission::Left),
    };
    match answer.map_err(|error| unavailable(&error))? {
        HoldAnswer::Granted(grant) => {
            let admitted = granted(attempt, call, grant, asked.elapsed());
            if let Some(ceiling) = admitted.ceiling {
                books.note_ceiling(hold, ceiling);
            }
            Ok(Admission::Granted(Box::new(admitted)))
        }
        HoldAnswer::Refused(refusal, seq) => Ok(Admission::Refused(refusal, seq)),
        HoldAnswer::Duplicate(first) => {
            let message = format!(
                "this idempotency key was used before, by call {first}; its answer isn't kept, so send another key for another call"
            );
            Err(Denied::new(http::StatusCode::CONFLICT, "duplicate_call", message).with("first_call_id", first.to_string()))
        }
    }
}

fn unavailable(error: &store::BooksError) -> Box<Denied> {
    tracing::error!(%error, "failed to hold; nothing was sent");
    Denied::ledger_unavailable()
}

/// How long the call may wait for money: its wait, but at most half of the time that it has left. A call that is granted at its
/// deadline would be sent only to be given up, its cost unknown.
fn wait(settings: &Settings, call: &Call, now: Instant) -> Duration {
    settings.wait.min(call.deadline.saturating_duration_since(now) / 2)
}

/// After the provider's deadline and a grace nobody can learn the outcome by waiting.
fn assume_after(settings: &Settings) -> SignedDuration {
    let after = settings.timeouts.total.saturating_add(settings.timeouts.assume_grace);
    SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX)
}

fn granted(attempt: &Attempt<'_>, call: &Call, grant: Grant, waited: Duration) -> Admitted {
    let asked = call.request.ask.output_ceiling;
    // Without a limit there is nothing to enforce, so the request stays as the client wrote it.
    let bound = attempt.target.bound.as_ref().ok().filter(|_| call.request.ask.generates && grant.tightest.is_some());
    let ceiling = bound.map(|bound| bound.ceiling_within(grant.granted));
    // Plan backends refuse fields that their own clients don't send, so a covered call only gets a ceiling lowered.
    let ceiling_sent = ceiling.filter(|ceiling| asked != Some(*ceiling) && !(attempt.covered && asked.is_none()));
    Admitted { grant, ceiling, ceiling_sent, covered: attempt.covered, waited }
}

fn start(
    books: &Books,
    settings: &Settings,
    prices: &str,
    call: &Call,
    attempt: &Attempt<'_>,
    hold: HoldId,
    at: Timestamp,
) -> AttemptStart {
    let salt = books.salt();
    let blocks = call.request.blocks.iter().filter_map(|range| call.body.get(range.clone()));
    AttemptStart {
        call: call.id,
        attempt: attempt.number,
        hold,
        at,
        dialect: call.route.dialect.name().to_owned(),
        operation: crate::names::operation(call.route.operation).to_owned(),
        provider: attempt.target.provider.name.clone(),
        seller: attempt.target.provider.seller.clone(),
        model_asked: call.request.model.clone(),
        model_sent: attempt.target.model_sent.clone(),
        attributes: Arc::clone(&attempt.attributes),
        run: call.identity.run_id(),
        stream: call.request.stream,
        ceiling_asked: call.request.ask.output_ceiling,
        ceiling_granted: None,
        input_tokens_max: attempt.target.input_tokens_max,
        input_bytes_max: crate::estimate::input_bytes_max(&call.request.ask),
        covered: attempt.covered,
        tools_offered: call.request.tools_offered.clone(),
        block_hashes: blocks.map(|block| hash_block(&salt, block)).collect(),
        price_book: prices.to_owned(),
        config: settings.version.clone(),
        idempotency_key: call.idempotency_key(),
    }
}
