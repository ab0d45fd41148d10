//! [`Counting`], what the counts of an answer in OpenAI's language include.

use pricing::Semantics;

/// Whether cached and reasoning tokens are inside the counts that an answer reports, or beside them.
///
/// OpenAI counts both inside. Servers that speak its language differ: xAI counts reasoning beside the completion, and a
/// gateway in front of Claude may count cached tokens beside the prompt. Where an answer states its total, the total
/// decides; only without one does this. Anthropic's and Gemini's own languages leave nothing open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counting {
    /// Cache reads are a part of the prompt's count.
    pub cache_read_inside: bool,
    /// Cache writes are a part of the prompt's count.
    pub cache_write_inside: bool,
    /// Reasoning is a part of the completion's count.
    pub reasoning_inside: bool,
}

impl Default for Counting {
    /// OpenAI's own.
    fn default() -> Self {
        Self { cache_read_inside: true, cache_write_inside: true, reasoning_inside: true }
    }
}

impl From<&Semantics> for Counting {
    fn from(row: &Semantics) -> Self {
        Self {
            cache_read_inside: row.input_includes_cache_read,
            cache_write_inside: row.input_includes_cache_write,
            reasoning_inside: row.output_includes_reasoning,
        }
    }
}
