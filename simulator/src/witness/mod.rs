//! The witness: requests by chance, the use that a provider may legally make of them, and its bill.
//!
//! [`draw`] makes a request in a dialect's own bytes, for a model at a seller and a place. [`Case::serve`] takes the bytes that
//! were forwarded and answers as the provider may at worst: any part of the prompt fresh, read from a cache or written to
//! one, any output up to the ceiling that it reads in those bytes, any tier that could be served, any use of its own tools within
//! their ceilings. It gives the answer in the dialect's bytes, whole and streamed, and what it costs by the provider's own
//! cards. What a gateway made of the same bytes can then be held against it.

mod answer;
mod cells;
mod choices;
mod legal;
mod menu;
mod prompt;
mod request;

pub use cells::{EXPECTED, RARE, cells};
pub use choices::{Choices, shrink};
pub use menu::{OFFERS, Offer, Operation};

use crate::biller::{Bill, Biller, Terms, Usage};
use legal::Legal;
use std::collections::BTreeSet;
use std::sync::LazyLock;

static BILLER: LazyLock<Biller> = LazyLock::new(Biller::standard);

/// A request, and all that decides what it may legally be billed.
#[derive(Debug, Clone)]
pub struct Case {
    /// The model at a seller and a place.
    pub offer: &'static Offer,
    /// Seconds since 1970.
    pub at: i64,
    /// When the call ended, which is what sellers with busy hours and new prices bill by.
    pub ended: i64,
    /// The path that the request goes to.
    pub path: String,
    /// The header `anthropic-beta`; empty for none.
    pub beta: &'static str,
    /// The request's bytes.
    pub body: Vec<u8>,
    /// Uses that the operator allows a server tool without a ceiling.
    pub tool_uses: u64,
    /// Prompt tokens that the provider will count, before its own tools add to them.
    pub prompt_tokens: u64,
    /// What is remarkable about the case, for the cells.
    pub features: BTreeSet<&'static str>,
    terms: Terms,
    legal: Legal,
}

/// What a provider answered, and what it asks for it.
#[derive(Debug, Clone)]
pub struct Served {
    /// What was used.
    pub usage: Usage,
    /// What it costs.
    pub bill: Bill,
    /// The whole answer.
    pub whole: Vec<u8>,
    /// The same answer as a stream; empty where the operation has none.
    pub stream: Vec<u8>,
}

/// Times on both sides of every price change on the cards, in busy and quiet hours, at a weekend and on a holiday.
const TIMES: [&str; 15] = [
    "2026-11-23T12:00",
    "2026-11-23T02:00",
    "2026-11-22T02:00",
    "2026-10-01T02:00",
    "2026-11-23T03:59",
    "2026-11-23T04:00",
    "2026-11-23T00:30",
    "2026-08-20T23:59",
    "2026-08-21T00:00",
    "2026-08-16T15:59",
    "2026-08-16T16:00",
    "2026-10-28T23:59",
    "2026-10-29T00:00",
    "2026-11-30T23:59",
    "2026-12-01T00:00",
];

/// Draws a case.
#[must_use]
pub fn draw(choices: &mut Choices) -> Case {
    let offer: &'static Offer = choices.pick(&OFFERS[..]);
    let at = time(offer, choices);
    let mut case = Case {
        offer,
        at,
        ended: at,
        path: String::new(),
        beta: "",
        body: Vec::new(),
        tool_uses: 1 + choices.below(3),
        prompt_tokens: 0,
        features: BTreeSet::new(),
        terms: Terms { heading: offer.heading.clone(), at },
        legal: Legal::default(),
    };
    for (name, feature) in [("region", "regional"), ("place", "place"), ("batch", "batch"), ("project", "project"), ("copilot", "copilot")]
    {
        if offer.can(name) {
            case.features.insert(feature);
        }
    }
    if offer.can("dated") && choices.one_in(4) {
        case.ended = at + 60 * (1 + choices.below(59) as i64);
        case.terms.at = case.ended;
        case.features.insert("ended later");
    }
    request::write(&mut case, choices);
    case.count(choices);
    case
}

fn time(offer: &Offer, choices: &mut Choices) -> i64 {
    let seconds = |text: &str| crate::biller::seconds(text).unwrap_or_default();
    if !offer.can("dated") {
        return seconds(TIMES[0]);
    }
    let drawn: &&str = choices.pick(&TIMES);
    let at = seconds(drawn);
    let terms = Terms { heading: offer.heading.clone(), at };
    if BILLER.limits(offer.model, &terms).is_some() { at } else { seconds(TIMES[0]) }
}

impl Case {
    fn has(&mut self, feature: &'static str) {
        self.features.insert(feature);
    }

    /// Most prompt tokens and generated tokens of the model.
    fn limits(&self) -> (u64, u64) {
        BILLER.limits(self.offer.model, &self.terms).unwrap_or((200_000, 8_192))
    }

    /// Above how many prompt tokens the model takes its long rates.
    fn long_above(&self) -> Option<u64> {
        BILLER.long_above(self.offer.model, &self.terms)
    }

    /// Decides how many tokens the provider counts: any number up to the most that the bytes can be, often the most, and
    /// often beside the limit of the long rates.
    fn count(&mut self, choices: &mut Choices) {
        let (window, _) = self.limits();
        let most = if self.legal.hidden { window } else { self.legal.text.min(window) };
        let threshold = self.long_above().filter(|limit| *limit < most);
        self.legal.prompt = match (choices.below(4), threshold) {
            (0 | 1, Some(limit)) => limit - 1 + choices.below(3),
            (2, _) => 1 + choices.below(most),
            _ => most,
        };
        self.legal.heard = if self.legal.audio > 0 { choices.count(self.legal.audio) } else { 0 };
        self.legal.heard = self.legal.heard.min(window - self.legal.prompt);
        self.prompt_tokens = self.legal.prompt + self.legal.heard;
        if let Some(limit) = self.long_above() {
            match self.prompt_tokens.cmp(&limit) {
                std::cmp::Ordering::Equal => self.has("at the limit"),
                std::cmp::Ordering::Greater => self.has("long"),
                std::cmp::Ordering::Less => {}
            }
        }
    }

    /// Answers the bytes that were forwarded; an answer that no provider would give ends in an error.
    ///
    /// # Errors
    /// The forwarded bytes aren't JSON, or lack a ceiling that the provider needs.
    pub fn serve(&mut self, forwarded: &[u8], choices: &mut Choices) -> Result<Served, String> {
        let usage = legal::usage(self, forwarded, choices)?;
        let bill = BILLER.bill_under(self.offer.model, &usage, &self.terms);
        let (whole, stream) = answer::write(self, &usage, choices);
        Ok(Served { usage, bill, whole, stream })
    }
}
