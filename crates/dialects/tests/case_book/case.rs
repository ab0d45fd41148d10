//! [`Case`]: what a provider sent, whose prices hold, and what it must come to.

use std::collections::BTreeMap;

use dialects::{
    Counting, Implied, Operation, Reading, Request, StreamReader, UsageReading, parse_request, price_book, read_response_as, route,
};
use pricing::{Cost, PriceBook, PriceQuery, Rows, Usage};
use serde_json::{Value, json};

use crate::wire::{self, Wire};

/// When calls are made unless a case says otherwise: a Monday, off-peak everywhere.
const NOON: &str = "2026-11-23T12:00:00Z";

/// The rows of the cards.
pub fn rows() -> Rows {
    price_book::read(include_str!("cards.jsonl")).unwrap()
}

/// The cards as a book.
pub fn cards() -> PriceBook {
    PriceBook::from_rows(rows()).unwrap()
}

/// What a case does: settle an answer, or hold for a request.
#[derive(Clone, Debug)]
enum What {
    Settle { operation: Operation, wires: Vec<Wire> },
    Hold,
}

/// One row of the case book.
#[derive(Clone, Debug)]
pub struct Case {
    /// The number in the case book, and what it shows.
    pub name: String,
    what: What,
    seller: String,
    model: String,
    region: String,
    select: BTreeMap<String, String>,
    /// Path and body of the request.
    request: Option<(String, String)>,
    at: String,
    as_of: Option<String>,
    expected: String,
}

impl Case {
    fn new(name: &str, what: What, model: &str) -> Self {
        Self {
            name: name.to_owned(),
            what,
            seller: model.split('/').next().unwrap().to_owned(),
            model: model.to_owned(),
            region: String::new(),
            select: BTreeMap::new(),
            request: None,
            at: NOON.to_owned(),
            as_of: None,
            expected: String::new(),
        }
    }

    /// An answer of `operation` with a usage object.
    pub fn usage(name: &str, operation: Operation, model: &str, usage: Value) -> Self {
        Self::answer(name, operation, model, usage, json!({}))
    }

    /// An answer of `operation` with a usage object and other members.
    pub fn answer(name: &str, operation: Operation, model: &str, usage: Value, head: Value) -> Self {
        let wires = match operation {
            Operation::Chat => wire::chat(&usage, &head),
            Operation::Responses => wire::responses(&usage, &head),
            Operation::Messages => wire::messages(&usage, &head),
            Operation::StreamGenerate => wire::generate(&usage, &head),
            Operation::Images | Operation::ImageEdits => wire::images(operation, &usage, &head),
            Operation::Transcriptions => wire::transcript(&usage, &head),
            Operation::Speech => wire::speech(&usage),
            Operation::GeminiEmbed => wire::plain(&json!({"embedding": {"values": [0.5]}, "usageMetadata": usage})),
            _ => wire::plain(&json!({"object": "list", "model": "served", "data": [{"embedding": [0.25, -1e-3]}], "usage": usage})),
        };
        Self::new(name, What::Settle { operation, wires }, model)
    }

    /// A stream as it came.
    pub fn stream(name: &str, operation: Operation, model: &str, text: &str) -> Self {
        let wires = vec![Wire { form: "stream", stream: true, bytes: text.as_bytes().to_vec() }];
        Self::new(name, What::Settle { operation, wires }, model)
    }

    /// What a request holds whose input bound is so many tokens: `{text}` in the body becomes as much text as that needs.
    pub fn hold(name: &str, model: &str, path: &str, body: &str, input_tokens: u64) -> Self {
        let case = |text: &str| {
            let request = Some((path.to_owned(), body.replace("{text}", text)));
            Self { request, ..Self::new(name, What::Hold, model) }
        };
        let empty = case("").request().unwrap().ask.input_tokens;
        let text = "x".repeat(input_tokens.saturating_sub(empty) as usize);
        let filled = case(&text);
        let tokens = filled.request().unwrap().ask.input_tokens;
        assert!(input_tokens == 0 || tokens == input_tokens, "{name}: {tokens} tokens, not {input_tokens}; the empty body has {empty}");
        filled
    }

    pub fn named(mut self, seller: &str, model: &str) -> Self {
        (self.seller, self.model) = (seller.to_owned(), model.to_owned());
        self
    }

    pub fn region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }

    /// An attribute that the provider's config names.
    pub fn select(mut self, name: &str, value: &str) -> Self {
        self.select.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The request that the answer is for.
    pub fn asked(mut self, path: &str, body: &str) -> Self {
        self.request = Some((path.to_owned(), body.to_owned()));
        self
    }

    pub fn at(mut self, time: &str) -> Self {
        time.clone_into(&mut self.at);
        self
    }

    /// As the book knew it at another time.
    pub fn known_at(mut self, time: &str) -> Self {
        self.as_of = Some(time.to_owned());
        self
    }

    /// The outcome: nano-dollars, `unpriced …`, `refused …`, `missing …` or `no bound …`.
    pub fn is(mut self, expected: &str) -> Self {
        expected.replace('_', "").clone_into(&mut self.expected);
        self
    }

    /// Whose prices hold.
    pub fn seller(&self) -> &str {
        &self.seller
    }

    /// What is wrong with it under a book; empty when it is right.
    pub fn failures(&self, book: &PriceBook) -> Vec<String> {
        let outcomes = match &self.what {
            What::Hold => vec![("hold", self.held(book))],
            What::Settle { operation, wires } => wires.iter().map(|wire| (wire.form, self.settled(book, *operation, wire))).collect(),
        };
        let wrong = outcomes.into_iter().filter(|(_, outcome)| outcome.replace('_', "") != self.expected);
        wrong.map(|(form, outcome)| format!("  {} ({form}): {outcome}, not {}", self.name, self.expected)).collect()
    }

    fn request(&self) -> Option<Request> {
        let (path, body) = self.request.as_ref()?;
        let route = route("POST", path, false, false).unwrap();
        Some(parse_request(&route, body.as_bytes()).unwrap_or_else(|bad| panic!("{}: {bad:?}", self.name)))
    }

    fn query(&self) -> PriceQuery {
        let at = self.at.parse().unwrap();
        let mut query = PriceQuery::new(&self.seller, &self.model, at).in_region(&self.region);
        query.as_of = self.as_of.as_ref().map_or(at, |time| time.parse().unwrap());
        query.select = self.select.clone();
        query.select.extend(self.request().map(|request| request.select).unwrap_or_default());
        query
    }

    fn held(&self, book: &PriceBook) -> String {
        let ask = self.request().unwrap().ask;
        match book.bound(&self.query(), &ask) {
            Ok(bound) => bound.hold(bound.ceiling_wanted).unwrap().get().to_string(),
            Err(pricing::Unboundable::Unpriced(unpriced)) => format!("unpriced: {unpriced}"),
            Err(pricing::Unboundable::NoBound { what }) => format!("no bound: {what}"),
            Err(pricing::Unboundable::TooLarge) => "too large".to_owned(),
        }
    }

    /// What the answer states of its tier and region wins over what was asked, and what it doesn't count is what the request
    /// said, as in settlement.
    fn settled(&self, book: &PriceBook, operation: Operation, wire: &Wire) -> String {
        let mut reading = read(operation, Counting::from(&*book.semantics(&self.seller)), wire);
        if let (UsageReading::Missing, Some(request)) = (&reading.usage, self.request())
            && let Some(Implied::Exact(usage)) = request.implied(&request.model, &reading, None)
        {
            reading.usage = UsageReading::Reported(usage);
        }
        let mut query = self.query();
        query.select.extend(reading.select.clone());
        match &reading.usage {
            UsageReading::Reported(usage) => cost(book, &query, usage),
            UsageReading::Refused { why } => format!("refused: {why}"),
            UsageReading::Missing => match &reading.partial {
                Some(usage) => format!("missing, partly {}", cost(book, &query, usage)),
                None => "missing".to_owned(),
            },
        }
    }
}

/// Reads what a provider sent; a stream comes in pieces that cut it anywhere.
pub fn read(operation: Operation, counting: Counting, wire: &Wire) -> Reading {
    if !wire.stream {
        return read_response_as(operation, counting, &wire.bytes);
    }
    let mut reader = StreamReader::new(operation, false).counting(counting);
    for piece in wire.bytes.chunks(61) {
        reader.push(bytes::Bytes::copy_from_slice(piece)).unwrap();
    }
    reader.finish().1
}

fn cost(book: &PriceBook, query: &PriceQuery, usage: &Usage) -> String {
    match book.cost(query, usage) {
        Cost::Unpriced(unpriced) => format!("unpriced: {unpriced}"),
        Cost::Priced(priced) => {
            let sum: i64 = priced.lines.iter().map(|line| line.nanos.get()).sum();
            assert_eq!(sum, priced.total.get(), "lines sum to the row");
            assert!(priced.lines.iter().all(|line| !line.rule.is_empty()) && priced.book == book.version(), "a row names rule and book");
            priced.total.get().to_string()
        }
    }
}
