//! The table of faults, and what each must come to.

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::check::{Money, judge, patience};
use crate::proof::{Lane, Proof, lane, only};
use crate::shapes::{Form, SHAPES, Shape};
use crate::support::World;
use Money::{Estimated, Exact, Overage, Told, Unresolved, Void};

/// What a fault must come to: the client's status and the money.
type Outcome = (u16, Money);

/// One behaviour of a provider.
struct Row {
    /// Words of the directive.
    words: &'static str,
    /// Of a whole answer; `None` where it makes no sense.
    whole: Option<Outcome>,
    /// Of server-sent events.
    events: Option<Outcome>,
    /// Shapes in which it comes out otherwise, with the reason beside the row, and how.
    but: (&'static [&'static str], Option<Outcome>),
}

const fn both(words: &'static str, status: u16, money: Money) -> Row {
    Row { words, whole: Some((status, money)), events: Some((status, money)), but: NONE }
}

const fn each(words: &'static str, whole: Outcome, events: Outcome) -> Row {
    Row { words, whole: Some(whole), events: Some(events), but: NONE }
}

const fn events(words: &'static str, status: u16, money: Money) -> Row {
    Row { words, whole: None, events: Some((status, money)), but: NONE }
}

const fn whole(words: &'static str, status: u16, money: Money) -> Row {
    Row { words, whole: Some((status, money)), events: None, but: NONE }
}

impl Row {
    const fn but(self, shapes: &'static [&'static str], outcome: Option<Outcome>) -> Self {
        Self { but: (shapes, outcome), ..self }
    }

    fn expected(&self, shape: Shape) -> Option<Outcome> {
        let (others, outcome) = self.but;
        if others.contains(&shape.name) {
            return outcome;
        }
        match shape.form() {
            Form::Whole => self.whole,
            Form::Events | Form::Document => self.events,
        }
    }
}

/// Vectors and images have no text.
const NO_TEXT: &[&str] = &["embeddings", "images"];
/// The other stream of Gemini has no events that could be changed.
const NO_EVENTS: &[&str] = &["gemini array"];
/// Streams whose last event is their end.
const NO_MARK: &[&str] = &["responses stream", "gemini stream", "gemini array"];
const NONE: (&[&str], Option<Outcome>) = (&[], None);

const ROWS: &[Row] = &[
    // F13 to F15: errors.
    both("fault=http_400", 400, Void),
    both("fault=http_401", 401, Void),
    both("fault=http_404", 404, Void),
    both("fault=http_429", 429, Void),
    both("fault=http_500", 500, Void),
    both("fault=http_503", 503, Void),
    both("fault=http_529", 529, Void),
    both("fault=plain_error", 500, Void),
    both("fault=html_error", 502, Void),
    both("fault=redirect", 502, Void),
    both("fault=error_500_with_usage", 500, Exact),
    both("fault=error_400_with_usage", 400, Exact),
    // F16, F17: silence.
    both("fault=silence", 504, Unresolved),
    each("fault=stall", (502, Estimated), (200, Estimated)),
    each("fault=wire_black_hole", (502, Estimated), (200, Estimated)),
    both("fault=wire_half_head", 504, Unresolved),
    each("fault=slow", (502, Estimated), (200, Estimated)),
    // F18, F19: broken off.
    both("fault=reset_before_head", 504, Unresolved),
    each("first_ms=200 fault=reset_after_head", (502, Estimated), (200, Estimated)),
    each("first_ms=200 fault=cut_mid_chunk", (502, Estimated), (200, Estimated)),
    each("first_ms=200 fault=cut_mid_character", (502, Estimated), (200, Estimated)),
    events("fault=reset_after_chunks_2", 200, Estimated),
    events("fault=error_event", 200, Estimated).but(NO_EVENTS, None),
    events("fault=no_done", 200, Exact),
    events("fault=no_terminal", 200, Estimated).but(NO_EVENTS, None),
    // Unusual streams.
    events("fault=duplicate_events", 200, Exact),
    events("fault=reordered", 200, Exact),
    events("fault=after_done", 200, Exact),
    events("fault=crlf", 200, Exact),
    events("fault=cr", 200, Exact),
    events("fault=bom", 200, Exact),
    events("fault=nul_bytes", 200, Exact),
    events("fault=injection", 200, Exact),
    each("fault=invalid_utf8", (200, Estimated), (200, Exact)).but(NO_TEXT, None),
    events("fault=comment_flood", 200, Exact),
    // Twenty thousand bytes of vectors one by one are a test of patience only.
    both("fault=byte_chunks", 200, Exact).but(&["embeddings"], None),
    // One event of responses and of Gemini may hold a whole answer, so that more bytes are taken.
    events("fault=huge_line", 200, Estimated).but(NO_MARK, Some((200, Exact))),
    events("fault=endless_line", 200, Estimated),
    events("fault=endless_content", 200, Estimated),
    events("fault=endless_comments", 200, Estimated),
    whole("fault=endless_json", 502, Estimated),
    // Bodies.
    both("fault=not_json", 200, Estimated).but(NO_EVENTS, None),
    whole("fault=gzip_bomb", 200, Estimated),
    both("fault=wire_gzip", 200, Estimated),
    // It only says that it is brotli; Mete reads what is there.
    both("fault=wire_brotli", 200, Exact),
    // F20, F21: usage that lies.
    both("fault=usage_missing", 200, Estimated),
    both("fault=usage_null", 200, Estimated),
    both("fault=usage_zero", 200, Estimated),
    // Without text there is nothing to hold a small count against.
    both("fault=usage_low", 200, Told).but(NO_TEXT, None),
    // Responses and images state parts, which then are larger than their whole: refused, and the hold is charged.
    both("fault=usage_high", 200, Overage).but(&["responses", "responses stream", "images"], Some((200, Estimated))),
    both("fault=usage_huge", 200, Estimated),
    both("fault=usage_negative", 200, Estimated),
    both("fault=usage_string", 200, Estimated),
    both("fault=usage_float", 200, Estimated),
    both("fault=usage_nan", 200, Estimated),
    events("fault=usage_twice", 200, Exact),
    events("fault=usage_shrinks", 200, Exact),
    events("fault=usage_late", 200, Exact),
    events("fault=usage_every_chunk", 200, Exact),
    events("fault=usage_with_choices", 200, Exact),
    // F23: another model, another tier.
    both("fault=other_model", 200, Exact),
    both("tier=priority", 200, Exact),
    // Framing.
    both("fault=early_hints", 200, Exact),
    both("fault=giant_headers", 502, Estimated),
    both("fault=wire_interim", 200, Exact),
    both("fault=wire_http10", 200, Exact),
    both("fault=wire_trailers", 200, Exact),
    both("fault=wire_two_answers", 200, Exact),
    both("fault=wire_two_answers_late", 200, Exact),
    // Seven bytes are a part of the last mark, or of the last event where there is no mark.
    each("fault=wire_length_short", (200, Estimated), (200, Exact)).but(NO_MARK, Some((200, Estimated))),
    each("fault=wire_length_long", (502, Estimated), (200, Exact)),
    each("fault=wire_length_absurd", (502, Estimated), (200, Exact)),
    both("fault=wire_two_lengths", 504, Unresolved),
    both("fault=wire_length_and_chunks", 200, Exact),
    each("first_ms=200 fault=wire_chunk_size_bad", (502, Estimated), (200, Estimated)),
    each("first_ms=200 fault=wire_chunk_size_huge", (502, Estimated), (200, Estimated)),
    each("fault=wire_chunks_unended", (502, Estimated), (200, Exact)),
    both("fault=wire_switching", 502, Estimated),
    both("first_ms=200 fault=wire_no_content", 204, Estimated).but(NO_EVENTS, None),
    both("fault=wire_not_modified", 502, Estimated),
    both("fault=wire_garbage", 504, Unresolved),
    both("fault=wire_status_odd", 504, Unresolved),
    both("fault=wire_header_nul", 504, Unresolved),
    both("fault=wire_header_broken", 504, Unresolved),
    both("fault=wire_header_flood", 502, Estimated),
    // The provider ignores the ceiling.
    both("output=3000 chunks=5 fault=ignores_ceiling", 200, Overage).but(NO_TEXT, None),
];

fn cases() -> Vec<(u64, &'static Row, Shape, Outcome)> {
    let all = ROWS.iter().flat_map(|row| SHAPES.iter().map(move |shape| (row, *shape)));
    let numbered = all.enumerate().map(|(at, (row, shape))| (at as u64, row, shape));
    numbered.filter_map(|(at, row, shape)| Some((at, row, shape, row.expected(shape)?))).collect()
}

/// Plays one case in a world of its own; gives what is wrong.
async fn play(row: &Row, shape: Shape, expected: Outcome) -> Result<(), String> {
    let world = World::with(|settings| patience(settings, row.words)).await;
    world.budget("all", "500").await;
    let key = world.key(|_| {}).await;
    let words = if row.words.contains("output=") { row.words.to_owned() } else { format!("output=50 chunks=5 {}", row.words) };
    let body = shape.body(&format!("Say something. [[sim {words} fault_times=1]]"), 2_000).to_string();
    let seen = judge(&world, &key, shape, &body).await;
    let found = seen.money.map(|money| (seen.status, money));
    if found != Ok(expected) || !seen.wrong.is_empty() {
        return Err(format!("{} / {}: expected {expected:?}, found {found:?} {} {:?}", shape.name, row.words, seen.status, seen.wrong));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_behaviour_in_every_language_ends_in_the_money_that_it_deserves() {
    let mut cases = cases();
    match (only(), lane()) {
        (Some(seed), _) => cases.retain(|(at, ..)| *at == seed),
        (None, Lane::Taste) => cases.retain(|(at, ..)| at % 7 == 0),
        _ => {}
    }
    let mut proof = Proof { title: "behaviours of a provider", ..Proof::default() };
    let played = stream::iter(cases).map(|(at, row, shape, expected)| async move {
        (at, expected, tokio::spawn(play(row, shape, expected)).await.unwrap_or_else(|panic| Err(panic.to_string())))
    });
    let mut played = played.buffer_unordered(24);
    let mut wrong = Vec::new();
    while let Some((at, (_, money), result)) = played.next().await {
        proof.add("calls with a fault", 1);
        proof.add("honest calls after them", 1);
        proof.saw(&format!("{money:?}").to_lowercase());
        if let Err(what) = result {
            wrong.push((at, what));
        }
    }
    wrong.sort();
    proof.add("behaviours", ROWS.len() as u64);
    proof.violations = wrong.len() as u64;
    proof.print();
    let told: Vec<String> = wrong.iter().map(|(at, what)| format!("{at}: {what}")).collect();
    assert!(wrong.is_empty(), "{} wrong; repeat one with cargo xtask prove --lane evil --seed N\n{}", wrong.len(), told.join("\n"));
}
