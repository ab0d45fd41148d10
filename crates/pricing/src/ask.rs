//! [`Ask`], what a request may consume, read from it before it is sent.

use crate::Metered;

/// Upper bounds of what one attempt may consume. Every field is an upper bound; a reader that can't bound something
/// says so in its field rather than guess.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Text input tokens at most: messages, system, tools, schemas, template overhead.
    pub input_tokens: u64,
    /// Further input at most that is priced by other attributes (`modality` audio, image …).
    pub other_input: Vec<Metered>,
    /// The output ceiling of one choice as the client asked for it; `None` when absent.
    pub output_ceiling: Option<u64>,
    /// Whether the operation generates tokens at all (embeddings don't).
    pub generates: bool,
    /// Parallel choices (`n`, `candidateCount`, `best_of`); at least 1.
    pub choices: u64,
    /// Thinking budget inside the ceiling that the request itself sets; 0 when none.
    pub thinking_budget: u64,
    /// The dearest cache write that the request could cause.
    pub cache_write: Option<CacheWrite>,
    /// Service tiers that could be served (`standard`, `priority`, `flex` …), the dearest of which bounds the price.
    /// Empty means what the query's `select` names, else the seller's default. `auto` stands for every online tier that
    /// the seller sells for the model; any other tier without a price makes the request unpriced.
    pub service_tiers: Vec<String>,
    /// Modalities that the output may have (`text`, `audio`, `image`); empty means any that the model has a price for.
    pub output_modalities: Vec<String>,
    /// Server tools that the provider may call by itself.
    pub tools: Vec<ToolAsk>,
    /// Input that isn't in the body (continuation by id, stored prompt, file ids, URLs): bounded by the model's window.
    pub hidden_input: bool,
    /// How many times the prompt is read and billed once more, such as by a compaction before the answer.
    pub extra_readings: u64,
    /// Whether the dialect's seller bills the whole prompt again after each use of a server tool, whoever that is.
    pub prompt_again_after_tools: bool,
    /// Output tokens that can be billed beyond the ceiling, such as those of a prediction that the model rejects.
    pub extra_output_tokens: u64,
    /// The context window that the request asks for, where it may be larger than the model's own.
    pub input_window: Option<u64>,
    /// Units that are fixed by the request, such as images to make or characters to speak.
    pub fixed: Vec<Metered>,
    /// Tokens to embed at most, for embedding operations.
    pub embedding_tokens: u64,
}

/// For how long a written prompt cache lives, which sets its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CacheWrite {
    /// The provider's automatic cache, or five minutes.
    FiveMinutes,
    /// One hour.
    OneHour,
}

/// A server tool in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolAsk {
    /// The tool's name in the price book, for example `web_search`.
    pub tool: String,
    /// The largest number of uses: what the request states, or what `shape` will inject; `None` when the API has no such field.
    pub uses_max: Option<u64>,
    /// The most input tokens that one use adds, where the request states it (`max_content_tokens`); `None` for the book's figure.
    pub result_tokens_max: Option<u64>,
    /// How many further readings of the prompt one use causes, such as code that filters what was found.
    pub extra_readings: u64,
    /// Whether a use costs nothing but tokens, so that the tool needs no fee in the price book.
    pub is_free: bool,
}
