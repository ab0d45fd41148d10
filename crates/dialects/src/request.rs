//! A request: read once, checked, bounded, and shaped from the bytes that were checked.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pricing::Ask;

use crate::fields::clip;
use crate::splices::Splices;
use crate::work::{ImageTool, Implied, Work};
use crate::{Operation, Reading, Route};

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
    /// A tool that makes images by a model of its own, billed beside the call's.
    pub image_tool: Option<ImageTool>,
    /// Whether all of the input is in the body, so that the provider's own counter sees it.
    pub(crate) countable: bool,
    /// What is to be made, where that isn't a conversation.
    pub(crate) work: Option<Work>,
    /// Tokens of what is stored at the provider and read again; `None` while they are unknown.
    pub(crate) carried: Option<u64>,
    /// Tokens that images cost more at a model of another name.
    pub(crate) renamed: u64,
    /// Where to splice; private to this crate.
    pub(crate) splices: Splices,
}

/// What the headers say that changes how a body is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints<'h> {
    /// The header `anthropic-beta` as it came. With `interleaved-thinking`, a thinking budget may exceed `max_tokens`
    /// (Anthropic's documentation of extended thinking); without, that is a contradiction.
    pub anthropic_beta: &'h str,
    /// The header `content-type` as it came, which names a form's boundary. Empty is JSON.
    pub content_type: &'h str,
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
            image_tool: None,
            countable: false,
            work: None,
            carried: Some(0),
            renamed: 0,
            splices: Splices::default(),
        }
    }

    /// Sets what is to be made, bounded for the model that the request names.
    pub(crate) fn works(&mut self, work: Work) {
        work.bound(&self.model, &mut self.ask);
        self.work = Some(work);
    }

    /// What the request may consume when it is sent to `model`, which the config may have renamed.
    #[must_use]
    pub fn ask_for(&self, model: &str) -> Cow<'_, Ask> {
        if model == self.model {
            return Cow::Borrowed(&self.ask);
        }
        let Some(work) = &self.work else {
            let input_tokens = self.ask.input_tokens.saturating_add(self.renamed);
            return Cow::Owned(Ask { input_tokens, ..self.ask.clone() });
        };
        let mut ask = Ask { choices: 1, ..Ask::default() };
        work.bound(model, &mut ask);
        Cow::Owned(ask)
    }

    /// What a good answer that states no usage is billed for, as far as the request and what came of the answer say.
    /// `cut_after_ms` is set when it broke off.
    #[must_use]
    pub fn implied(&self, model: &str, reading: &Reading, cut_after_ms: Option<u64>) -> Option<Implied> {
        self.work.as_ref()?.implied(model, reading, cut_after_ms)
    }

    /// Whether the usage of an answer that broke off covers only a part of what was being made.
    #[must_use]
    pub fn lacks(&self, reading: &Reading) -> bool {
        self.work.as_ref().is_some_and(|work| work.lacks(reading))
    }

    /// The ceiling to send where none is granted, because the body names none and servers differ in what they do then.
    #[must_use]
    pub const fn ceiling_usual(&self) -> Option<u64> {
        self.splices.ceiling_usual
    }

    /// Whether images, speech or a transcript are to be made, which no chat model can do instead.
    #[must_use]
    pub const fn makes_media(&self) -> bool {
        self.work.is_some()
    }

    /// Whether the call costs nothing at this seller: moderation by OpenAI's own models, by OpenAI's reference. Whatever is
    /// free on every path is [`Operation::is_free`].
    #[must_use]
    pub fn is_free(&self, route: &Route, seller: &str, model: &str) -> bool {
        let is_own = ["omni-moderation-", "text-moderation-"].iter().any(|start| model.starts_with(start));
        route.operation.is_free() || route.operation == Operation::Moderations && seller == "openai" && is_own
    }

    /// Bounds every server tool whose uses the request leaves open, each to `uses`. The same number must then be sent as
    /// [`crate::Shape::tool_uses`], which writes it into the API's ceiling field; where the API has none, `uses` is an
    /// allowance, and more uses end as an overage.
    pub fn allow_tool_uses(&mut self, uses: u64) {
        self.ask.tools.iter_mut().for_each(|tool| tool.uses_max = tool.uses_max.or(Some(uses)));
        if let Some(tool) = &mut self.image_tool {
            tool.uses_max = tool.uses_max.or(Some(uses));
        }
    }

    /// Bounds the stored part of a request that [`Request::continues`] an earlier response by that response's own usage: what
    /// it read and wrote is all that it can have left behind.
    pub fn continue_from(&mut self, tokens: u64) {
        self.ask.input_tokens = self.ask.input_tokens.saturating_add(tokens);
        self.ask.hidden_input = false;
        self.carried = Some(tokens);
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
