//! The visible list: every stage of a call, in order. One task per call runs it from the request's head to its settlement,
//! so that a client that leaves ends a wait or a stream but never a settlement.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialects::{Counting, Dialect, Operation, Request, Route, UsageReading};
use futures_util::FutureExt;
use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use ledger::{Attributes, RunId};
use pricing::{Ask, PriceBook};
use store::{CallId, RefusedCall};
use tokio::time::Instant;

use crate::Gateway;
use crate::admit::{Admission, Admitted, Attempt};
use crate::body::{Body, Bounds, RequestBody};
use crate::call::Call;
use crate::choose::{self, Chain};
use crate::client::Client;
use crate::denied::{Denied, Step};
use crate::estimate::{Need, Target, Unbounded};
use crate::forward::{NoAnswer, Sent, Waits};
use crate::history::Whose;
use crate::limiter::Seat;
use crate::meter::{Ceiling, End, Manner, Metered, Relay, Unsent};
use crate::metrics::{CallLabels, Ended};
use crate::settings::Settings;
use crate::settle::{Basis, Verdict};
use crate::shape::Pass;
use crate::stored::Stored;
use crate::upstream::Upstreams;
use crate::{admit, authenticate, count, estimate, forward, identify, incoming, meter, names, refusal, response, settle, shape};

/// The longest rest between two attempts at one provider.
const REST_MAX: Duration = Duration::from_secs(10);

/// What a call is decided under, from its beginning to its end.
struct Stage<'a> {
    gateway: &'a Gateway,
    settings: Arc<Settings>,
    prices: Arc<PriceBook>,
    upstreams: Upstreams,
}

/// What is known of a call that may yet be refused.
struct Known {
    id: CallId,
    dialect: Dialect,
    is_codex: bool,
    /// Set once somebody known or passing through asks for something that costs.
    refusable: Option<Refusable>,
}

struct Refusable {
    operation: Operation,
    model: String,
    provider: String,
    attributes: Arc<Attributes>,
    run: Option<RunId>,
}

/// Runs one call to its end.
pub(crate) async fn run(gateway: Gateway, request: http::Request<RequestBody>, mut client: Client) {
    let (head, body) = request.into_parts();
    let mut known =
        Known { id: CallId(gateway.inner.books.new_id()), dialect: incoming::likely_dialect(&head), is_codex: false, refusable: None };
    let stage = Stage { gateway: &gateway, settings: gateway.settings(), prices: gateway.prices(), upstreams: gateway.upstreams() };
    if let Err(denied) = stage.serve(head, body, &mut known, &mut client).await {
        stage.record_refusal(&known, &denied);
        client.answer(response::denied(known.dialect, known.is_codex, Some(known.id), &denied));
    }
}

impl Stage<'_> {
    /// The stages, in order.
    async fn serve(&self, head: Parts, body: RequestBody, known: &mut Known, client: &mut Client) -> Step<()> {
        let started = Instant::now();
        let at = self.gateway.inner.books.now();
        let route = incoming::route(&head)?;
        known.dialect = route.dialect;
        if route.operation == Operation::Probe {
            client.answer(Response::new(Body::empty()));
            return Ok(());
        }
        let caller = authenticate::authenticate(&self.gateway.inner.books, self.settings.authentication, &route, &head.headers, at)?;
        let body = tokio::select! {
            biased;
            body = incoming::body(&head.headers, &route, body, &self.settings, &self.gateway.inner.questions) => body?,
            () = self.gateway.inner.in_flight.stopped() => return Err(Denied::stopping()),
        };
        let body_took = started.elapsed();
        let request = read(&route, &body, &self.settings, &self.gateway.inner.stored, &head.headers)?;
        let rules = self.settings.rules.as_deref();
        let identity = identify::identify(&self.gateway.inner.books, &caller, &head.headers, &request, rules, at)?;
        known.is_codex = identity.is_codex;
        let (id, deadline) = (known.id, started + self.settings.timeouts.total);
        let (method, headers) = (head.method, head.headers);
        let call = Call { id, at, started, deadline, method, route, headers, body, body_took, request, caller, identity };
        self.check_model(&call)?;
        if self.is_free(&call)? {
            return self.pass_free(&call, client).await;
        }
        known.refusable = Some(Refusable::of(&call));
        identify::require(rules, &call.caller, &call.identity)?;
        let seat = self.seat(&call)?;
        self.attempts(&call, known, seat.as_ref(), client).await
    }

    /// Whether the call costs nothing where it would go to, whatever budget it meets.
    fn is_free(&self, call: &Call) -> Step<bool> {
        if call.route.operation != Operation::Moderations {
            return Ok(call.route.operation.is_free());
        }
        let provider = choose::provider(&self.settings, call.route.dialect, Some(&call.request.model))?;
        let target = estimate::target(&self.prices, provider, &call.request, call.at);
        Ok(call.request.is_free(&call.route, &target.query.seller, &target.model_sent))
    }

    /// Tries providers in order until one answers; each attempt has its own hold and its own record.
    async fn attempts(&self, call: &Call, known: &mut Known, seat: Option<&Seat>, client: &mut Client) -> Step<()> {
        let model = Some(call.request.model.as_str());
        let first = choose::provider(&self.settings, call.route.dialect, model)?;
        let own = !call.caller.is_known();
        let chain = Chain::of(&self.settings, first, own).providers;
        for (index, provider) in chain.iter().enumerate() {
            let pass = shape::pass(call, provider, &self.settings, self.run_key(call, provider))?;
            let target = estimate::target(&self.prices, provider, &call.request, call.at);
            let attributes = Arc::new(with_facts(&call.identity.attributes, &target));
            if let Some(refusable) = &mut known.refusable {
                provider.name.clone_into(&mut refusable.provider);
                refusable.attributes = Arc::clone(&attributes);
            }
            let (target, need) = self.need(call, target, pass.covered, &attributes).await?;
            let (target, need) = self.tighten(call, target, need, &pass, &attributes, client).await;
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            let attempt = Attempt { number, target: &target, need, attributes, covered: pass.covered };
            let Some(admitted) = self.admit(call, &attempt, known, client).await? else { return Ok(()) };
            let dispatched = Instant::now();
            self.gateway.inner.metrics.added(call.started.elapsed().saturating_sub(call.body_took).saturating_sub(admitted.waited));
            let mut metered = self.exchange(call, &target, &admitted, &pass, dispatched, client).await?;
            metered.complete_by(&call.request, &target.model_sent);
            let verdict = self.settle(call, &target, &admitted, &metered, seat).await;
            let more = chain.get(index + 1);
            match more.filter(|_| may_try_again(&metered)) {
                Some(next) if self.rest(index, next.name == provider.name, &metered, call, client).await => {}
                _ => {
                    // A client that doesn't read can't keep a settled call alive.
                    let telling = self.respond(call, &pass, &admitted, &metered, &verdict, client);
                    let _ = tokio::time::timeout(self.settings.timeouts.stream_idle, telling).await;
                    return Ok(());
                }
            }
        }
        Err(Denied::new(StatusCode::BAD_GATEWAY, "no_attempt", "no provider was tried"))
    }

    /// What to hold, by the bound; or the policy for calls that have none.
    async fn need<'t>(&self, call: &Call, mut target: Target<'t>, covered: bool, attributes: &Attributes) -> Step<(Target<'t>, Need)> {
        let thinking = call.request.ask.thinking_budget;
        let why = match target.bound.as_ref().map_err(Clone::clone).and_then(|bound| estimate::need(bound, thinking, &self.settings)) {
            Ok(need) => return Ok((target, need)),
            Err(why) => why,
        };
        // What a subscription covers is billed nothing, whatever its list value.
        if covered {
            return Ok((Target { bound: Err(why), ..target }, Need::NOTHING));
        }
        let unbounded = Unbounded { attributes, run: call.identity.run_id(), query: &target.query, request: &call.request, why: &why };
        match estimate::without_bound(&self.gateway.inner.books, &self.settings, &self.prices, unbounded).await? {
            Some((query, bound)) => {
                let need = estimate::need(&bound, thinking, &self.settings);
                target.query = query;
                target.bound = Ok(bound);
                need.map(|need| (target, need)).map_err(|why| {
                    let (code, message) = estimate::explain(&why);
                    Denied::payment_required(code, message)
                })
            }
            None => Ok((Target { bound: Err(why), ..target }, Need::NOTHING)),
        }
    }

    /// Counts the input exactly, by the model's vocabulary or else by the provider, where the cheap bound keeps the call out.
    async fn tighten<'t>(
        &self,
        call: &Call,
        target: Target<'t>,
        need: Need,
        pass: &Pass,
        attributes: &Attributes,
        client: &mut Client,
    ) -> (Target<'t>, Need) {
        if pass.covered || !count::can_help(call, &target) {
            return (target, need);
        }
        let Ok(views) = self.gateway.inner.books.matching(attributes.clone(), call.identity.run_id(), need.min).await else {
            return (target, need);
        };
        let with_ask = |ask: &Ask| target.with_ask(&self.prices, ask, &self.settings);
        let least = with_ask(&count::least_ask(&call.request.ask));
        if count::fits(&views) || !least.is_some_and(|(_, need)| count::could_fit(&views, &need)) {
            return (target, need);
        }
        let counted = match count::by_vocabulary(&self.prices, &target, &call.route, &call.request, &call.body).await {
            Some(ask) => Some(ask),
            None => self.count(call, &target, pass, client).await.map(|tokens| call.request.ask_with_count(tokens)),
        };
        let Some(ask) = counted else { return (target, need) };
        match with_ask(&ask).filter(|(_, exact)| exact.min < need.min) {
            Some((bound, exact)) => (target.counted(bound, &ask), exact),
            None => (target, need),
        }
    }

    /// One free question to the provider; no answer, or none in time, leaves the bound as it is.
    async fn count(&self, call: &Call, target: &Target<'_>, pass: &Pass, client: &mut Client) -> Option<u64> {
        let question = count::request(call, target, pass)?;
        let mut waits = self.waits(call);
        waits.deadline = waits.until(count::PATIENCE);
        let Sent::Head(answer) = forward::forward(&self.upstreams, question, &mut waits, client).await else { return None };
        let (asked, bounds) = (Instant::now(), self.bounds(count::ANSWER_BYTES_MAX, &waits));
        let metered = meter::collect(answer, (Operation::CountTokens, Counting::default()), bounds, asked, &mut waits, client).await;
        metered.answered().filter(StatusCode::is_success)?;
        dialects::read_count(call.route.dialect, &metered.body)
    }

    /// Holds the money; `None` when the client left meanwhile.
    async fn admit(&self, call: &Call, attempt: &Attempt<'_>, known: &Known, client: &mut Client) -> Step<Option<Box<Admitted>>> {
        let books = &self.gateway.inner.books;
        let admission = tokio::select! {
            biased;
            admission = admit::admit(books, &self.settings, self.prices.version(), call, attempt, client) => admission?,
            () = self.gateway.inner.in_flight.stopped() => return Err(Denied::stopping()),
        };
        match admission {
            Admission::Granted(admitted) => {
                self.gateway.inner.metrics.hold_waited(admitted.waited);
                Ok(Some(admitted))
            }
            Admission::Refused(refused, seq) => Err(refusal::document(books, &self.settings.reach, &refused, seq).await),
            Admission::Left => {
                self.record_refusal(
                    known,
                    &Denied::new(StatusCode::REQUEST_TIMEOUT, "client_left", "the client left while the call waited"),
                );
                Ok(None)
            }
        }
    }

    /// Shapes, forwards and meters one admitted attempt. Whatever happens, it ends with something to settle.
    async fn exchange(
        &self,
        call: &Call,
        target: &Target<'_>,
        admitted: &Admitted,
        pass: &Pass,
        dispatched: Instant,
        client: &mut Client,
    ) -> Step<Metered> {
        let upstream = match shape::shape(call, target, admitted, pass, &self.settings) {
            Ok(upstream) => upstream,
            Err(denied) => {
                let metered = Metered::without_answer(End::NotSent(Unsent::Unshaped), dispatched);
                self.settle(call, target, admitted, &metered, None).await;
                return Err(denied);
            }
        };
        let exchange = self.forward_and_meter(call, target, admitted, upstream, dispatched, client);
        match AssertUnwindSafe(exchange).catch_unwind().await {
            Ok(metered) => Ok(metered),
            Err(_panic) => {
                tracing::error!(call = %call.id, "a call panicked after it was sent; its hold is unresolved");
                let metered = Metered::without_answer(End::NoAnswer(NoAnswer::Stopped), dispatched);
                self.settle(call, target, admitted, &metered, None).await;
                Err(Denied::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something broke inside Mete; the log has the call's id"))
            }
        }
    }

    async fn forward_and_meter(
        &self,
        call: &Call,
        target: &Target<'_>,
        admitted: &Admitted,
        upstream: shape::Upstream,
        dispatched: Instant,
        client: &mut Client,
    ) -> Metered {
        if client.is_gone() {
            return Metered::without_answer(End::NotSent(Unsent::ClientLeft), dispatched);
        }
        let mut waits = self.waits(call);
        let answer = match forward::forward(&self.upstreams, upstream, &mut waits, client).await {
            Sent::Head(answer) => answer,
            Sent::Unreachable(why) => {
                tracing::warn!(provider = target.provider.name, why, "no connection to a provider");
                return Metered::without_answer(End::NotSent(Unsent::Unreachable), dispatched);
            }
            Sent::NoAnswer(why) => return Metered::without_answer(End::NoAnswer(why), dispatched),
            Sent::HeadTooLarge => return Metered::without_answer(End::Unreadable("its head is too large"), dispatched),
            Sent::ClientLeft => return Metered::without_answer(End::ClientLeft, dispatched),
        };
        self.gateway.inner.metrics.first_byte(dispatched.elapsed());
        let operation = call.route.operation;
        let manner = meter::manner(&answer, operation);
        let counting = Counting::from(&*self.prices.semantics(&target.query.seller));
        if manner == Manner::Whole {
            let bounds = self.bounds(self.settings.limits.answer_bytes_max, &waits);
            return meter::collect(answer, (operation, counting), bounds, dispatched, &mut waits, client).await;
        }
        let mut begun = response::head(answer.status(), answer.headers());
        response::with_admission(&mut begun, call.id, admitted, call.request.ask.output_ceiling);
        client.begin(begun);
        let choices = call.request.ask.choices.max(1);
        let ceiling = admitted.ceiling.map(|ceiling| Ceiling { tokens: ceiling.saturating_mul(choices) });
        let relay = Relay { operation, counting, manner, strip_usage: shape::asks_for_usage(call, target.provider), ceiling, dispatched };
        meter::relay(answer, relay, &mut waits, client).await
    }

    /// Decides the cost and posts it. A settlement that the books can't take at once is tried again until they can.
    async fn settle(&self, call: &Call, target: &Target<'_>, admitted: &Admitted, metered: &Metered, seat: Option<&Seat>) -> Verdict {
        let (granted, hold) = (admitted.grant.granted, admitted.grant.hold);
        let basis = Basis {
            prices: &self.prices,
            query: &target.query,
            bound: target.bound.as_ref().ok(),
            granted,
            image_tool: target.image_tool.as_ref(),
            cost_from: target.provider.cost_from,
            zero_usage: target.provider.zero_usage,
        };
        let shadowed = admitted.grant.shadowed.iter().map(refusal::would_refuse);
        let verdict = settle::verdict(&basis, metered).with_flags(shadowed);
        let (at, total) = (self.gateway.inner.books.now(), call.started.elapsed());
        let end = || settle::end((hold, at), metered, &verdict, total);
        if let Err(error) = self.gateway.inner.books.finish(end()).await {
            tracing::error!(%error, call = %call.id, "failed to settle; trying again");
            self.gateway.inner.metrics.settle_failed();
            tokio::spawn(settle::insist(self.gateway.clone(), end()));
        }
        let over = verdict.overage(granted);
        if verdict.priced && !over.is_zero() {
            tracing::warn!(call = %call.id, provider = %target.provider.name, model = %target.model_sent, %over, "a call cost more than its hold");
        }
        let tokens = settle::tokens(metered);
        if let Some(seat) = seat {
            seat.used(tokens.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count)));
        }
        if let UsageReading::Reported(usage) = &metered.reading.usage {
            let output = usage.total(&pricing::Meter::OutputTokens).saturating_add(usage.total(&pricing::Meter::ReasoningTokens));
            let input = usage.prompt_tokens();
            let read = input.saturating_add(usage.total(&pricing::Meter::EmbeddingTokens));
            let identity = &call.identity;
            let whose =
                Whose { seller: &target.query.seller, model: &target.model_sent, attributes: &identity.attributes, run: identity.run_id() };
            self.gateway.inner.history.learn(&whose, read, estimate::input_bytes_max(&call.request.ask), output);
            if let Some(response) = &metered.reading.response_id {
                self.gateway.inner.stored.remember(response, input.saturating_add(output));
            }
        }
        self.gateway.inner.metrics.ended(&Ended {
            labels: CallLabels {
                dialect: call.route.dialect.name(),
                provider: target.provider.name.clone(),
                outcome: names::outcome(&verdict.outcome),
                status: metered.status.map_or(0, |status| status.as_u16()),
            },
            tokens: &tokens,
            cost: verdict.cost(),
            overage: verdict.overage(granted),
            covered: admitted.covered,
            priced: verdict.priced,
        });
        verdict
    }

    /// Gives the client its answer, or the end of its stream.
    async fn respond(&self, call: &Call, pass: &Pass, admitted: &Admitted, metered: &Metered, verdict: &Verdict, client: &mut Client) {
        if metered.end == End::ClientLeft {
            return;
        }
        match (metered.manner, metered.answered()) {
            (Manner::Whole, Some(status)) => {
                let mut head = response::head(status, &metered.headers);
                response::with_admission(&mut head, call.id, admitted, call.request.ask.output_ceiling);
                response::with_cost(&mut head, admitted, verdict);
                let body = response::scrub(status, metered.body.clone(), pass.secret());
                client.answer(head.map(|()| body.into()));
            }
            (Manner::Whole, None) => client.answer(response::denied(call.route.dialect, false, Some(call.id), &failure(metered))),
            (Manner::Events, Some(_)) => {}
            (Manner::Events, None) => {
                let event = response::stream_error(call.route.dialect, call.route.operation, &failure(metered).denial);
                let _ = client.send(event).await;
            }
            (Manner::Document | Manner::Sound, Some(_)) => {}
            (Manner::Document | Manner::Sound, None) => client.abort().await,
        }
        if metered.manner == Manner::Events && call.wants_trailer() && verdict.is_settled() {
            let _ = client.send(response::trailer(call.id, admitted.covered, verdict)).await;
        }
    }

    /// Waits before the next attempt at the same provider; another provider is tried at once. Tells whether to go on.
    async fn rest(&self, failed: usize, same: bool, metered: &Metered, call: &Call, client: &mut Client) -> bool {
        if !same {
            return Instant::now() < call.deadline;
        }
        let asked = asked_rest(&metered.headers);
        // A provider that wants to be left alone for longer is the client's to wait for.
        if asked.is_some_and(|asked| asked > REST_MAX) {
            return false;
        }
        let doubling = Duration::from_millis(100).saturating_mul(1 << failed.min(6));
        let until = Instant::now() + asked.unwrap_or(doubling).max(doubling);
        if until >= call.deadline {
            return false;
        }
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(until) => true,
            () = client.left() => false,
        }
    }

    /// Forwards what costs nothing: model lists and token counts. No hold, no limit, no record.
    async fn pass_free(&self, call: &Call, client: &mut Client) -> Step<()> {
        let names_model = matches!(call.route.operation, Operation::CountTokens | Operation::Moderations);
        let named = Some(call.request.model.as_str()).filter(|model| !model.is_empty() && names_model);
        let provider = choose::provider(&self.settings, call.route.dialect, named)?;
        let pass = shape::pass(call, provider, &self.settings, self.run_key(call, provider))?;
        let target = estimate::target(&self.prices, provider, &call.request, call.at);
        let upstream = shape::shape_free(call, &target, &pass)?;
        let mut waits = self.waits(call);
        let dispatched = Instant::now();
        let metered = match forward::forward(&self.upstreams, upstream, &mut waits, client).await {
            Sent::Head(answer) => {
                let bounds = self.bounds(self.settings.limits.answer_bytes_max, &waits);
                meter::collect(answer, (call.route.operation, Counting::default()), bounds, dispatched, &mut waits, client).await
            }
            Sent::Unreachable(_) => Metered::without_answer(End::NotSent(Unsent::Unreachable), dispatched),
            Sent::NoAnswer(why) => Metered::without_answer(End::NoAnswer(why), dispatched),
            Sent::HeadTooLarge => Metered::without_answer(End::Unreadable("its head is too large"), dispatched),
            Sent::ClientLeft => return Ok(()),
        };
        let status = metered.answered().ok_or_else(|| failure(&metered))?;
        let body = response::scrub(status, metered.body.clone(), pass.secret());
        client.answer(response::head(status, &metered.headers).map(|()| body.into()));
        Ok(())
    }

    fn waits(&self, call: &Call) -> Waits<'_> {
        Waits { timeouts: &self.settings.timeouts, deadline: call.deadline, cut: self.gateway.inner.in_flight.cutting() }
    }

    /// The bounds of an answer that is collected.
    fn bounds(&self, bytes_max: usize, waits: &Waits<'_>) -> Bounds<'_> {
        let (room, room_bytes) = (&self.gateway.inner.answers, self.settings.limits.bodies_bytes_max);
        Bounds { bytes_max, room, room_bytes, idle: waits.timeouts.stream_idle, deadline: waits.deadline }
    }

    /// A credential that `mete run` gave for this run or one that it was started in.
    fn run_key(&self, call: &Call, provider: &crate::ProviderSettings) -> Option<crate::Secret> {
        self.gateway.run_credential(call.identity.run_id()?, provider)
    }

    fn check_model(&self, call: &Call) -> Step<()> {
        let Some(key) = call.caller.key() else { return Ok(()) };
        let named = call.route.operation != Operation::Models;
        if named && !choose::lists_model(&key.models, &call.request.model) {
            let message = format!(
                "this key may not use model `{}`; its models are {}",
                crate::denied::echo(&call.request.model),
                key.models.join(", ")
            );
            return Err(Denied::forbidden("model_not_allowed", message));
        }
        Ok(())
    }

    fn seat(&self, call: &Call) -> Step<Option<Seat>> {
        let Some(key) = call.caller.key() else { return Ok(None) };
        let output = call.request.ask.output_ceiling.unwrap_or(self.settings.floor_output_tokens).min(self.settings.floor_output_tokens);
        let tokens = call.request.ask.input_tokens.saturating_add(output);
        self.gateway.inner.limiter.enter(key, tokens).map(Some)
    }

    fn record_refusal(&self, known: &Known, denied: &Denied) {
        self.gateway.inner.metrics.refused(&denied.denial.code);
        let Some(refused) = &known.refusable else { return };
        self.gateway.inner.books.record_refusal(RefusedCall {
            call: known.id,
            at: self.gateway.inner.books.now(),
            dialect: known.dialect.name().to_owned(),
            operation: names::operation(refused.operation).to_owned(),
            model: refused.model.clone(),
            provider: refused.provider.clone(),
            attributes: Arc::clone(&refused.attributes),
            run: refused.run,
            code: denied.denial.code.clone(),
            details: serde_json::Value::Object(denied.denial.details.clone()),
        });
    }
}

impl Refusable {
    fn of(call: &Call) -> Self {
        Self {
            operation: call.route.operation,
            model: call.request.model.clone(),
            provider: String::new(),
            attributes: Arc::clone(&call.identity.attributes),
            run: call.identity.run_id(),
        }
    }
}

/// Reads the body of an operation that has one.
fn read(route: &Route, body: &Bytes, settings: &Settings, stored: &Stored, headers: &HeaderMap) -> Step<Request> {
    if route.operation == Operation::Models {
        return Ok(Request::of(route.model.clone().unwrap_or_default()));
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let hints = dialects::Hints { anthropic_beta: text("anthropic-beta"), content_type: text("content-type") };
    incoming::parse(route, body, settings, stored, hints)
}

/// The caller's attributes and the facts of the attempt, which always win.
pub(crate) fn with_facts(attributes: &Attributes, target: &Target<'_>) -> Attributes {
    let mut all = attributes.clone();
    let provider = target.provider;
    let facts = [("model", &target.model_sent), ("provider", &provider.name), ("seller", &provider.seller), ("region", &provider.region)];
    all.extend(facts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value.clone())));
    all
}

/// How long a provider wants to be left alone. A date, or a number beyond all sense, is longer than any rest.
fn asked_rest(headers: &HeaderMap) -> Option<Duration> {
    let said = headers.get(RETRY_AFTER)?;
    let seconds = said.to_str().ok().and_then(|text| text.trim().parse().ok());
    Some(seconds.map_or(Duration::MAX, Duration::from_secs))
}

/// Whether another attempt may help: nothing was sent, or the provider said that it is overloaded or broken.
fn may_try_again(metered: &Metered) -> bool {
    match (&metered.end, metered.status) {
        (End::NotSent(Unsent::Unreachable), _) => true,
        (End::Answered, Some(status)) => matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504 | 529),
        _ => false,
    }
}

/// Mete's own answer for an attempt that brought none to pass on.
fn failure(metered: &Metered) -> Box<Denied> {
    let bad_gateway = |code: &'static str, message: &str| Denied::new(StatusCode::BAD_GATEWAY, code, message);
    match &metered.end {
        End::NotSent(_) => bad_gateway("provider_unreachable", "the provider can't be reached; nothing was sent and nothing is charged"),
        End::NoAnswer(_) => {
            let message = "the provider gave no answer; whether it charges for the call is unknown, so its hold stays counted";
            Denied::new(StatusCode::GATEWAY_TIMEOUT, "no_answer", message)
        }
        End::Cut(why) | End::Unreadable(why) => bad_gateway("answer_cut", &format!("the answer was cut: {why}")),
        End::Answered | End::ClientLeft => {
            bad_gateway("provider_redirect", "the provider answered with a redirect, which Mete never follows; mend its base_url")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_left_alone_for_as_long_as_it_says_also_where_that_is_a_date_or_absurd() {
        for (said, rest) in [
            ("2", Some(Duration::from_secs(2))),
            ("0", Some(Duration::ZERO)),
            ("99999999999999999999999", Some(Duration::MAX)),
            ("-1", Some(Duration::MAX)),
            ("Sun, 06 Nov 2094 08:49:37 GMT", Some(Duration::MAX)),
            ("soon", Some(Duration::MAX)),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, http::HeaderValue::from_static(said))]);
            assert_eq!(asked_rest(&headers), rest, "{said}");
        }
        assert_eq!(asked_rest(&HeaderMap::new()), None);
    }
}
