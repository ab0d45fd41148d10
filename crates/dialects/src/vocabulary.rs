//! Public vocabularies: whose models read by which, and how many tokens they make of a text.
//!
//! A model is here only where its maker published its vocabulary for it, and the vocabulary may be passed on under a
//! permissive licence (docs/decisions/0006). All other models are bounded by bytes, or by their provider's own count.

use tiktoken::CoreBpe;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// A tokenizer's public vocabulary. All are built into the binary (3.4 MB) and unpacked at their first use (about 10 MB and a
/// tenth of a second each).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vocabulary {
    /// OpenAI's since GPT-4o.
    O200k,
    /// OpenAI's of GPT-4, GPT-3.5 and the embedding models.
    Cl100k,
    /// DeepSeek's since V3.
    DeepSeek,
    /// Mistral's Tekken.
    Tekken,
    /// Alibaba's of Qwen 2, 2.5 and 3; texts are brought to NFC first.
    Qwen2,
    /// Zhipu's of GLM-4.5 to 4.7.
    Glm4,
}

/// Families of models: who made them, the start of the name, which ends there or goes on with one of the marks, and the
/// vocabulary. The first that fits counts.
///
/// Sources: OpenAI's tokenizer library (`tiktoken/model.py`, 0.14); DeepSeek's documentation of token usage and the tokenizers
/// beside its models; Mistral's `mistral-common` and the cards of its open models; the tokenizers beside Qwen's and GLM's.
const FAMILIES: &[(&str, &str, &[char], Vocabulary)] = &[
    ("openai", "gpt-5", &['-', '.'], Vocabulary::O200k),
    ("openai", "gpt-4.5", &['-'], Vocabulary::O200k),
    ("openai", "gpt-4.1", &['-'], Vocabulary::O200k),
    ("openai", "gpt-4o", &['-', ':'], Vocabulary::O200k),
    ("openai", "chatgpt-4o", &['-'], Vocabulary::O200k),
    ("openai", "gpt-oss", &['-'], Vocabulary::O200k),
    ("openai", "o1", &['-'], Vocabulary::O200k),
    ("openai", "o3", &['-'], Vocabulary::O200k),
    ("openai", "o4-mini", &['-'], Vocabulary::O200k),
    ("openai", "gpt-4", &['-'], Vocabulary::Cl100k),
    ("openai", "gpt-3.5", &['-'], Vocabulary::Cl100k),
    ("openai", "gpt-35", &['-'], Vocabulary::Cl100k),
    ("openai", "text-embedding-ada-002", &[], Vocabulary::Cl100k),
    ("openai", "text-embedding-3", &['-'], Vocabulary::Cl100k),
    ("deepseek", "deepseek-chat", &['-'], Vocabulary::DeepSeek),
    ("deepseek", "deepseek-reasoner", &['-'], Vocabulary::DeepSeek),
    ("deepseek", "deepseek-r1", &['-'], Vocabulary::DeepSeek),
    ("deepseek", "deepseek-v3", &['-', '.'], Vocabulary::DeepSeek),
    ("deepseek", "deepseek-v4-pro", &['-'], Vocabulary::DeepSeek),
    ("deepseek", "deepseek-v4-flash", &['-'], Vocabulary::DeepSeek),
    ("mistral", "mistral-nemo", &['-'], Vocabulary::Tekken),
    ("mistral", "open-mistral-nemo", &['-'], Vocabulary::Tekken),
    ("mistral", "pixtral-12b", &['-'], Vocabulary::Tekken),
    ("mistral", "ministral-8b-2410", &[], Vocabulary::Tekken),
    ("mistral", "mistral-small-2409", &[], Vocabulary::Tekken),
    ("mistral", "mistral-small-24b", &['-'], Vocabulary::Tekken),
    ("mistral", "mistral-small-3", &['.', '-'], Vocabulary::Tekken),
    ("mistral", "mistral-small-2501", &[], Vocabulary::Tekken),
    ("mistral", "mistral-small-2503", &[], Vocabulary::Tekken),
    ("mistral", "mistral-small-2506", &[], Vocabulary::Tekken),
    ("mistral", "devstral-small", &['-'], Vocabulary::Tekken),
    ("mistral", "magistral-small", &['-'], Vocabulary::Tekken),
    ("alibaba", "qwen2.5", &['-'], Vocabulary::Qwen2),
    ("alibaba", "qwen-2.5", &['-'], Vocabulary::Qwen2),
    ("alibaba", "qwen3-235b", &['-'], Vocabulary::Qwen2),
    ("alibaba", "qwen3-32b", &['-'], Vocabulary::Qwen2),
    ("alibaba", "qwen3-30b", &['-'], Vocabulary::Qwen2),
    ("alibaba", "qwen3-14b", &['-'], Vocabulary::Qwen2),
    ("alibaba", "qwen3-8b", &['-'], Vocabulary::Qwen2),
    ("alibaba", "qwen3-4b", &['-'], Vocabulary::Qwen2),
    ("alibaba", "qwen3-coder-480b", &['-'], Vocabulary::Qwen2),
    ("alibaba", "qwen3-coder-30b", &['-'], Vocabulary::Qwen2),
    ("alibaba", "qwen3-next-80b", &['-'], Vocabulary::Qwen2),
    ("zai", "glm-4.5", &['-'], Vocabulary::Glm4),
    ("zai", "glm-4.6", &['-'], Vocabulary::Glm4),
    ("zai", "glm-4.7", &['-'], Vocabulary::Glm4),
];

/// Names under which price lists know a maker.
const MAKERS: [(&str, &str); 7] = [
    ("deepseek-ai", "deepseek"),
    ("mistralai", "mistral"),
    ("qwen", "alibaba"),
    ("z-ai", "zai"),
    ("zai-org", "zai"),
    ("zhipu", "zai"),
    ("zhipuai", "zai"),
];

impl Vocabulary {
    /// Every vocabulary.
    pub const ALL: [Self; 6] = [Self::O200k, Self::Cl100k, Self::DeepSeek, Self::Tekken, Self::Qwen2, Self::Glm4];

    /// Its name, as its maker says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::O200k => "o200k_base",
            Self::Cl100k => "cl100k_base",
            Self::DeepSeek => "deepseek_v3",
            Self::Tekken => "mistral_v3",
            Self::Qwen2 => "qwen2",
            Self::Glm4 => "glm4",
        }
    }

    /// The vocabulary of a model that a price book knows as `sku`, which is `maker/model`.
    #[must_use]
    pub fn of(sku: &str) -> Option<Self> {
        let sku = sku.to_ascii_lowercase();
        let (maker, model) = sku.split_once('/')?;
        // A distilled model is another maker's; one that sees isn't documented.
        if model.contains("distill") || model.contains("vision") && maker.starts_with("deepseek") {
            return None;
        }
        let maker = MAKERS.iter().find(|(name, _)| *name == maker).map_or(maker, |(_, maker)| maker);
        // A fine-tuned model reads by its base's vocabulary.
        let model = model.strip_prefix("ft:").unwrap_or(model);
        let fits = |start: &str, marks: &[char]| model.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(marks));
        FAMILIES.iter().find(|(by, start, marks, _)| *by == maker && fits(start, marks)).map(|(.., vocabulary)| *vocabulary)
    }

    /// Tokens of a text, at most its bytes once normalised; in time linear in them but for a logarithm, whatever the text.
    #[must_use]
    pub fn count(self, text: &str) -> u64 {
        let plain = self.count_as_is(text);
        match self {
            Self::Qwen2 if !is_nfc(text) => plain.max(self.count_as_is(&text.nfc().collect::<String>())),
            _ => plain,
        }
    }

    fn count_as_is(self, text: &str) -> u64 {
        self.tokenizer().map_or(text.len(), |tokenizer| tokenizer.count(text)) as u64
    }

    fn tokenizer(self) -> Option<&'static CoreBpe> {
        tiktoken::get_encoding(self.name())
    }

    /// Whether the maker runs the models itself and renders tools as TypeScript (OpenAI's documentation of function calling
    /// and its published `harmony` format); other templates print tools as JSON.
    pub(crate) fn prints_tools_as_types(self) -> bool {
        matches!(self, Self::O200k | Self::Cl100k)
    }
}
