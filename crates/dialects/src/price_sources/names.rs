//! Which sku a source's name for a model means, and which names become aliases.

use std::collections::{BTreeMap, BTreeSet};

use pricing::{Alias, Layer, PriceBook, Provenance, Rule, Span};

use super::sellers::is_lab;

/// Names known so far. Sources that are read one after the other share it, so that they agree on what a model is called.
#[derive(Clone, Debug, Default)]
pub struct Names {
    skus: BTreeSet<(String, String)>,
    /// (seller, name or pattern) → sku.
    exact: BTreeMap<(String, String), String>,
    /// Spelling without case and punctuation → sku, to match sources with each other.
    alike: BTreeMap<(String, String), String>,
    new: Vec<Alias>,
    new_skus: BTreeSet<(String, String)>,
}

/// The source of names that no source lists but every client of a seller may write.
const CONVENTION: &str = "convention";

/// Who made a model, by the beginning of its name.
const MAKERS: &[(&str, &[&str])] = &[
    (
        "openai",
        &[
            "gpt",
            "o1",
            "o3",
            "o4",
            "chatgpt",
            "text-embedding",
            "whisper",
            "tts-",
            "codex",
            "computer-use",
            "omni-moderation",
            "ft:",
            "chat-latest",
            "daybreak",
            "davinci",
            "babbage",
            "text-davinci",
            "ada",
            "curie",
            "moderation",
            "dall-e",
            "sora",
        ],
    ),
    ("anthropic", &["claude"]),
    ("google", &["gemini", "gemma", "learnlm", "deep-research", "nano-banana", "imagen", "veo-", "lyria"]),
    ("xai", &["grok"]),
    ("deepseek", &["deepseek"]),
    (
        "mistral",
        &["mistral", "ministral", "codestral", "devstral", "magistral", "voxtral", "pixtral", "mixtral", "open-mi", "labs-leanstral"],
    ),
    ("microsoft", &["mai-", "phi-"]),
    ("github", &["raptor", "goldeneye"]),
    ("moonshotai", &["kimi"]),
    ("zai", &["zai-", "glm-"]),
    ("cohere", &["command-", "embed-v", "rerank-v", "c4ai-"]),
    ("meta", &["llama", "meta-llama", "muse-"]),
    ("minimax", &["minimax"]),
];

/// Who made a model, if its name tells.
pub(super) fn publisher(model: &str) -> Option<&'static str> {
    MAKERS.iter().find(|(_, starts)| starts.iter().any(|start| model.starts_with(start))).map(|(maker, _)| *maker)
}

/// `publisher/model`; a name that has its publisher keeps it, and a publisher that the name doesn't tell is the seller.
pub(super) fn sku(seller: &str, model: &str) -> String {
    if model.contains('/') { model.to_owned() } else { format!("{}/{model}", publisher(model).unwrap_or(seller)) }
}

/// A name without the date at its end, if it has one.
pub(super) fn undated(model: &str) -> Option<&str> {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let (start, end) = model.rsplit_once('-')?;
    if digits(end, 8) {
        return Some(start);
    }
    let (start, month) = start.rsplit_once('-').filter(|(_, month)| digits(month, 2) && digits(end, 2))?;
    let (start, year) = start.rsplit_once('-')?;
    (digits(year, 4) && digits(month, 2)).then_some(start)
}

/// A sku without its publisher.
fn own_name(sku: &str) -> &str {
    sku.split_once('/').map_or(sku, |(_, model)| model)
}

fn alike(name: &str) -> String {
    name.to_lowercase().replace(['.', '_', ' '], "-")
}

impl Names {
    /// The names of a book.
    #[must_use]
    pub fn of(book: &PriceBook) -> Self {
        let mut names = Self::default();
        let rows = book.rows();
        for row in rows.rules.iter().filter(|row| row.sku != Rule::ANY_SKU) {
            names.know(&row.seller, &row.sku);
        }
        rows.models.iter().filter(|row| !row.seller.is_empty()).for_each(|row| names.know(&row.seller, &row.sku));
        for row in rows.aliases.iter().filter(|row| row.prov.source != CONVENTION && !row.is_nested()) {
            names.exact.entry((row.seller.clone(), row.name.clone())).or_insert_with(|| row.sku.clone());
        }
        names
    }

    /// Lets go of a name that a source still has for a model that it no longer means.
    pub fn forget(&mut self, seller: &str, name: &str) {
        self.exact.remove(&(seller.to_owned(), name.to_owned()));
    }

    fn know(&mut self, seller: &str, sku: &str) {
        let key = (seller.to_owned(), sku.to_owned());
        if self.skus.contains(&key) {
            return;
        }
        let mut add = |name: &str| _ = self.alike.entry((seller.to_owned(), alike(name))).or_insert_with(|| sku.to_owned());
        add(sku);
        if let Some((_, model)) = sku.split_once('/') {
            add(model);
        }
        self.skus.insert(key);
    }

    /// A sku that a source sells.
    pub(super) fn add_sku(&mut self, seller: &str, sku: &str) {
        if !self.skus.contains(&(seller.to_owned(), sku.to_owned())) {
            self.know(seller, sku);
            self.new_skus.insert((seller.to_owned(), sku.to_owned()));
        }
    }

    /// Whether a seller is known to sell a sku.
    pub(super) fn sells(&self, seller: &str, sku: &str) -> bool {
        self.skus.contains(&(seller.to_owned(), sku.to_owned()))
    }

    /// Whether a name is that of a sku itself, whose rows say what it costs.
    pub(super) fn is_own_name(&self, seller: &str, name: &str) -> bool {
        self.alike.get(&(seller.to_owned(), alike(name))).is_some_and(|sku| own_name(sku) == name)
    }

    /// The first sku to claim a name keeps it.
    pub(super) fn add_alias(&mut self, prov: &Provenance, seller: &str, name: &str, sku: &str, select: &BTreeMap<String, String>) {
        let is_own = select.is_empty() && (sku == name || sku.split_once('/').is_some_and(|(_, model)| model == name));
        let key = (seller.to_owned(), name.to_owned());
        if is_own || self.is_own_name(seller, name) || name.is_empty() || self.exact.contains_key(&key) {
            return;
        }
        self.exact.insert(key, sku.to_owned());
        self.new.push(alias(prov, seller, name, sku, select.clone(), Span::ALWAYS));
    }

    /// A name that means a sku for a while. Names move, so several may hold one after the other.
    pub(super) fn add_dated_alias(&mut self, prov: &Provenance, seller: &str, name: &str, sku: &str, valid: Span) {
        let row = alias(prov, seller, name, sku, BTreeMap::new(), valid);
        let same = |other: &Alias| (&other.seller, &other.name, other.valid) == (&row.seller, &row.name, row.valid);
        if !self.new.iter().any(same) {
            self.new.push(row);
        }
    }

    /// The sku that a source's model name means, if it is known under any spelling.
    pub(super) fn find_whole(&self, seller: &str, model: &str) -> Option<String> {
        let own = self.exact.get(&(seller.to_owned(), model.to_owned())).cloned();
        own.or_else(|| self.alike.get(&(seller.to_owned(), alike(model))).cloned())
    }

    /// The same, or that of the model whose dated snapshot it is.
    pub(super) fn find(&self, seller: &str, model: &str) -> Option<String> {
        self.find_whole(seller, model).or_else(|| self.find_whole(seller, &format!("{}-{{date}}", undated(model)?)))
    }

    /// The same, or a new sku of that name.
    pub(super) fn find_or_add(&mut self, seller: &str, model: &str) -> String {
        if let Some(sku) = self.find(seller, model) {
            return sku;
        }
        let sku = sku(seller, model);
        self.add_sku(seller, &sku);
        sku
    }

    /// The names that came up since the last time, with those that clients write by convention.
    pub(super) fn take_new(&mut self) -> Vec<Alias> {
        let mut rows = std::mem::take(&mut self.new);
        for (seller, sku) in std::mem::take(&mut self.new_skus) {
            rows.extend(self.conventions(&seller, &sku));
        }
        rows
    }

    /// Dated snapshots and fine-tuned models of the labs' models.
    fn conventions(&self, seller: &str, sku: &str) -> Vec<Alias> {
        let Some((_, model)) = sku.split_once('/').filter(|_| is_lab(seller)) else { return Vec::new() };
        let prov = convention();
        let dated = model.rsplit('-').next().is_some_and(|end| end.len() >= 4 && end.bytes().all(|byte| byte.is_ascii_digit()));
        let mut rows = Vec::new();
        let mut add = |name: String| {
            if !self.exact.contains_key(&(seller.to_owned(), name.clone())) {
                rows.push(alias(&prov, seller, &name, sku, BTreeMap::new(), Span::ALWAYS));
            }
        };
        if !dated {
            add(format!("{model}-{{date}}"));
        }
        if model.starts_with("ft:") {
            add(format!("{model}:{{any}}"));
        }
        rows
    }
}

fn alias(prov: &Provenance, seller: &str, name: &str, sku: &str, select: BTreeMap<String, String>, valid: Span) -> Alias {
    Alias {
        seller: seller.to_owned(),
        name: name.to_owned(),
        sku: sku.to_owned(),
        select,
        valid,
        recorded: Span::ALWAYS,
        layer: Layer::Embedded,
        prov: Provenance { key: String::new(), licence: String::new(), ..prov.clone() },
    }
}

fn convention() -> Provenance {
    Provenance { source: CONVENTION.to_owned(), version: "1".to_owned(), ..Provenance::default() }
}

/// Names with something before the model's own name, which every client of the seller may write.
#[must_use]
pub fn prefixed_names(seller: &str) -> Vec<Alias> {
    let prov = convention();
    let own = PREFIXED.iter().filter(|(who, _)| *who == seller);
    own.map(|(_, pattern)| alias(&prov, seller, pattern, "{name}", BTreeMap::new(), Span::ALWAYS)).collect()
}

const PREFIXED: &[(&str, &str)] = &[
    ("openai", "openai/{name}"),
    ("anthropic", "anthropic/{name}"),
    ("google", "google/{name}"),
    ("google", "gemini/{name}"),
    ("google", "models/{name}"),
    ("vertex", "google/{name}"),
    ("vertex", "vertex_ai/{name}"),
    ("vertex", "publishers/{word}/models/{name}"),
    ("vertex", "projects/{word}/locations/{region}/publishers/{word}/models/{name}"),
    ("azure", "azure/{name}"),
    ("azure", "azure_ai/{name}"),
    ("xai", "xai/{name}"),
    ("xai", "x-ai/{name}"),
    ("deepseek", "deepseek/{name}"),
    ("mistral", "mistral/{name}"),
    ("github-copilot", "github_copilot/{name}"),
    ("bedrock", "bedrock/{name}"),
    ("bedrock", "arn:{word}:bedrock:{region}::foundation-model/{name}"),
    ("bedrock", "arn:{word}:bedrock:{region}:{digits}:inference-profile/{name}"),
    ("openrouter", "openrouter/{name}"),
    ("groq", "groq/{name}"),
    ("together", "together_ai/{name}"),
    ("fireworks", "fireworks_ai/{name}"),
    ("fireworks", "accounts/fireworks/models/{name}"),
    ("deepinfra", "deepinfra/{name}"),
    ("cohere", "cohere/{name}"),
    ("perplexity", "perplexity/{name}"),
    ("cerebras", "cerebras/{name}"),
    ("nebius", "nebius/{name}"),
    ("cloudflare", "@cf/{name}"),
    ("vercel", "vercel_ai_gateway/{name}"),
];
