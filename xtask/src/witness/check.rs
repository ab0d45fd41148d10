//! One case, the product's way and the provider's way.

use std::fmt::{self, Write as _};

use dialects::{Counting, Hints, Reading, Request, Route, Shape, StreamReader, UsageReading, parse_request_with, read_response_as, route};
use jiff::Timestamp;
use money::Nanos;
use pricing::{Bound, Cost, PriceBook, PriceQuery};
use simulator::witness::{Case, Choices, Operation, Served, cells, draw};

/// Above so many tokens of one answer a count is taken for an error.
const PLAUSIBLE_TOKENS: u64 = 10_000_000;

/// What a case showed.
#[derive(Debug, Default)]
pub struct Seen {
    pub cells: Vec<String>,
    pub answers: u64,
    pub bounds: u64,
    /// Bill ÷ hold in millionths.
    pub fullness: u64,
}

/// A case that isn't as it must be.
#[derive(Debug)]
pub struct Failure {
    /// Which promise broke; a smaller case must break the same.
    pub kind: &'static str,
    /// The whole story.
    pub story: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.kind, self.story)
    }
}

/// Checks one case.
pub fn case(book: &PriceBook, choices: &mut Choices) -> Result<Seen, Failure> {
    let mut case = draw(choices);
    let fail = |kind, case: &Case, what: String| Failure { kind, story: format!("{}{what}", told(case)) };
    let (route, mut request) = read(&case).map_err(|what| fail("a good request is refused", &case, what))?;
    request.allow_tool_uses(case.tool_uses);
    let query = query(&case, &request);
    let bound = book.bound(&query, &request.ask).map_err(|error| fail("a known request has no bound", &case, format!("{error:?}")))?;
    let granted = grant(&bound, choices);
    let forwarded = shaped(&case, &request, &bound, granted);
    let served = case.serve(&forwarded, choices).map_err(|what| fail("the forwarded bytes are no request", &case, what))?;
    let bill = served.bill.nanos.ok_or_else(|| fail("the biller has no card", &case, String::new()))?;
    let mut seen = Seen { cells: cells(&case, &served.usage), ..Seen::default() };
    let counting = Counting::from(&*book.semantics(case.offer.seller));
    for (kind, reading) in answers(&case, &request, (&route, counting), &served) {
        // Counts that can't be true are refused as usage, and the hold stays, which must then be enough.
        if matches!(reading.usage, UsageReading::Refused { .. }) && served.usage.prompt() > PLAUSIBLE_TOKENS {
            seen.cells.push(format!("{} beyond 10,000,000", case.offer.operation.name()));
            continue;
        }
        let at_the_end = PriceQuery { at: Timestamp::from_second(case.ended).unwrap_or_default(), ..query.clone() };
        let cost = cost(book, &at_the_end, &reading)
            .map_err(|what| fail("an answer has no cost", &case, format!("{kind}: {what}\n{}", billed(&served))))?;
        if i128::from(cost.0.get()) != bill {
            let what = format!("{kind}: our cost is {}, the bill {bill} n$\n{}{}", cost.0.get(), billed(&served), cost.1);
            return Err(fail("our cost isn't the bill", &case, what));
        }
        seen.answers += 1;
        seen.cells.push(format!("{} {kind}", case.offer.operation.name()));
    }
    let mut bounds = vec![("by bytes", bound, &request.ask)];
    let counted = request.ask_with_count(case.prompt_tokens - case.prompt_tokens / 26);
    if request.count_request(&route, &forwarded, case.offer.model).is_some() {
        let bound = book.bound(&query, &counted).map_err(|error| fail("a counted request has no bound", &case, format!("{error:?}")))?;
        bounds.push(("by count", bound, &counted));
        seen.cells.push(format!("{} counted", case.offer.operation.name()));
    }
    for (stage, bound, ask) in &bounds {
        let hold = bound.hold(granted).map_or(i128::MAX, |hold| i128::from(hold.get()));
        if bill > hold {
            let what =
                format!("{stage}: the bill is {bill} n$, the hold for {granted} tokens {hold} n$\n{}{bound:#?}\n{ask:#?}", billed(&served));
            return Err(fail("the bill is beyond the bound", &case, what));
        }
        seen.bounds += 1;
        seen.fullness = seen.fullness.max(u64::try_from(bill * 1_000_000 / hold.max(1)).unwrap_or(0));
    }
    Ok(seen)
}

fn read(case: &Case) -> Result<(Route, Request), String> {
    let route = route("POST", &case.path, case.offer.operation == Operation::Messages, false).map_err(|error| format!("{error:?}"))?;
    let request = parse_request_with(&route, &case.body, Hints { anthropic_beta: case.beta, ..Hints::default() })
        .map_err(|error| format!("{error:?}"))?;
    Ok((route, request))
}

/// The question for the price book, as the gateway asks it: what the request says is more specific than the config.
fn query(case: &Case, request: &Request) -> PriceQuery {
    let at = Timestamp::from_second(case.at).unwrap_or_default();
    let config = case.offer.select.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut query = PriceQuery::new(case.offer.seller, case.offer.model, at).in_region(case.offer.region);
    query.select = config.chain(request.select.clone()).collect();
    query
}

/// A ceiling between one token and what was asked for.
fn grant(bound: &Bound, choices: &mut Choices) -> u64 {
    match choices.below(3) {
        0 => bound.ceiling_wanted,
        1 => 1 + choices.below(bound.ceiling_wanted),
        _ => bound.ceiling_wanted.min(4_096),
    }
}

fn shaped(case: &Case, request: &Request, bound: &Bound, granted: u64) -> Vec<u8> {
    let shape = Shape {
        ceiling: bound.output.map(|_| granted),
        model: None,
        include_usage: request.stream && !request.wants_usage,
        tool_uses: request.has_open_tools().then_some(case.tool_uses),
    };
    request.shape(&case.body, &shape)
}

fn answers(case: &Case, request: &Request, (route, counting): (&Route, Counting), served: &Served) -> Vec<(&'static str, Reading)> {
    let mut answers = vec![("whole", read_response_as(route.operation, counting, &served.whole))];
    if !served.stream.is_empty() {
        let operation = match route.operation {
            dialects::Operation::Generate => dialects::Operation::StreamGenerate,
            other => other,
        };
        let mut reader = StreamReader::new(operation, case.offer.operation == Operation::Chat && !request.wants_usage).counting(counting);
        for piece in served.stream.chunks(1_000) {
            if reader.push(bytes::Bytes::copy_from_slice(piece)).is_err() {
                break;
            }
        }
        answers.push(("stream", reader.finish().1));
    }
    answers
}

fn cost(book: &PriceBook, query: &PriceQuery, reading: &Reading) -> Result<(Nanos, String), String> {
    let usage = match &reading.usage {
        UsageReading::Reported(usage) => usage,
        other => return Err(format!("{other:?}")),
    };
    let mut served = query.clone();
    served.select.extend(reading.select.clone());
    match book.cost(&served, usage) {
        Cost::Unpriced(unpriced) => Err(unpriced.to_string()),
        Cost::Priced(priced) => {
            let line =
                |text: String, line: &pricing::CostLine| text + &format!("  ours {} × {:?}: {}\n", line.quantity, line.rate, line.rule);
            Ok((priced.total, priced.lines.iter().fold(String::new(), line)))
        }
    }
}

/// The request, as a person can send it again.
fn told(case: &Case) -> String {
    let body = String::from_utf8_lossy(&case.body);
    let (shown, rest) = (body.chars().take(2_000).collect::<String>(), case.body.len().saturating_sub(2_000));
    let at = Timestamp::from_second(case.at).unwrap_or_default();
    let offer = case.offer;
    format!(
        "{} at {} {:?} {:?}, {at}\nPOST {} {}\n{shown}{}\nprompt tokens {}\n",
        offer.model,
        offer.seller,
        offer.region,
        offer.select,
        case.path,
        case.beta,
        if rest > 0 { format!(" … and {rest} bytes") } else { String::new() },
        case.prompt_tokens
    )
}

fn billed(served: &Served) -> String {
    let mut text = format!("used {:?}\n", served.usage);
    for line in &served.bill.lines {
        let _ = writeln!(
            text,
            "  theirs {} {} × {} n$ for {} × {}/1000",
            line.meter, line.quantity, line.rate_nanos, line.per, line.factor_thousandths
        );
    }
    text
}
