//! A request: read once, checked, bounded, and shaped from the bytes that were checked.

use std::collections::BTreeMap;

use pricing::Ask;

use crate::fields::clip;
use crate::splices::Splices;

/// Most attributes that are taken from one request.
pub(crate) const ATTRIBUTES_MAX: usize = 32;

/// What was asked, read from the body without copying prompts out of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The model as the client named it.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// What it may consume at most.
    pub ask: Ask,
    /// Attributes that select a price: `service_tier`, `speed`, …
    pub select: BTreeMap<String, String>,
    /// Names of the tools offered, client and server tools alike.
    pub tools_offered: Vec<String>,
    /// What the client says of itself in the body, by attribute name: `user`, `session`, `customer` …
    pub attributes: BTreeMap<String, String>,
    /// Bytes of each message block (system, tools, messages) as ranges of the body, in order; the store hashes them with a salt.
    pub blocks: Vec<core::ops::Range<usize>>,
    /// Whether the client itself asked for usage in the stream (`stream_options.include_usage`).
    pub wants_usage: bool,
    /// The provider's id of the earlier response that this one goes on from, where that is the only input outside the body.
    pub continues: Option<String>,
    /// Whether all of the input is in the body, so that the provider's own counter sees it.
    pub(crate) countable: bool,
    /// Where to splice; private to this crate.
    pub(crate) splices: Splices,
}

/// What the headers say that changes how a body is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints<'h> {
    /// The header `anthropic-beta` as it came. With `interleaved-thinking`, a thinking budget may exceed `max_tokens`
    /// (Anthropic's documentation of extended thinking); without, that is a contradiction.
    pub anthropic_beta: &'h str,
}

impl Request {
    /// A request of which only the model is known: one without a body, such as `GET /v1/models`.
    #[must_use]
    pub fn of(model: String) -> Self {
        Self {
            model,
            stream: false,
            ask: Ask { choices: 1, ..Ask::default() },
            select: BTreeMap::new(),
            tools_offered: Vec::new(),
            attributes: BTreeMap::new(),
            blocks: Vec::new(),
            wants_usage: false,
            continues: None,
            countable: false,
            splices: Splices::default(),
        }
    }

    /// Bounds every server tool whose uses the request leaves open, each to `uses`. The same number must then be sent as
    /// [`crate::Shape::tool_uses`], which writes it into the API's ceiling field; where the API has none, `uses` is an
    /// allowance, and more uses end as an overage.
    pub fn allow_tool_uses(&mut self, uses: u64) {
        self.ask.tools.iter_mut().for_each(|tool| tool.uses_max = tool.uses_max.or(Some(uses)));
    }

    /// Bounds the stored part of a request that [`Request::continues`] an earlier response by that response's own usage: what
    /// it read and wrote is all that it can have left behind.
    pub fn continue_from(&mut self, tokens: u64) {
        self.ask.input_tokens = self.ask.input_tokens.saturating_add(tokens);
        self.ask.hidden_input = false;
    }

    /// Whether [`Request::shape`] has a ceiling field of a server tool to fill in.
    #[must_use]
    pub fn has_open_tools(&self) -> bool {
        !self.splices.tool_uses.is_empty()
    }

    /// Bounds server-side compaction, which reads the prompt once more, stored parts included, and writes a summary of its
    /// own: a second reading, and a second ceiling of output.
    pub(crate) fn compacts(&mut self) {
        self.ask.extra_readings = 1;
        self.ask.choices = self.ask.choices.max(2);
        self.countable = false;
    }

    /// Sets an attribute unless it is known already; long values are cut.
    pub(crate) fn attribute(&mut self, name: &str, value: &str) {
        let known = self.attributes.len() < ATTRIBUTES_MAX;
        if known && !value.is_empty() && !self.attributes.contains_key(name) {
            self.attributes.insert(clip(name, 64), clip(value, 256));
        }
    }
}
