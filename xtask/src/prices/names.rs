//! Which sku a source's name for a model means, and which names become aliases.

use std::collections::{BTreeMap, BTreeSet};

use pricing::{Alias, Layer, Provenance, Span};

use super::rows::Source;

/// Names known so far: (seller, name) → sku, with the attributes that the name implies.
#[derive(Default)]
pub struct Names {
    skus: BTreeSet<(String, String)>,
    exact: BTreeMap<(String, String), Meaning>,
    /// Spelling without case and punctuation → sku, to match sources with each other.
    alike: BTreeMap<(String, String), String>,
}

/// The sku that a name means, the attributes that it implies, and who says so.
type Meaning = (String, BTreeMap<String, String>, Source);

/// Who made a model, by its name.
pub fn publisher(model: &str) -> Option<&'static str> {
    const STARTS: &[(&str, &str)] = &[
        ("gpt", "openai"),
        ("o1", "openai"),
        ("o3", "openai"),
        ("o4", "openai"),
        ("chatgpt", "openai"),
        ("text-embedding", "openai"),
        ("whisper", "openai"),
        ("tts-", "openai"),
        ("codex", "openai"),
        ("computer-use", "openai"),
        ("omni-moderation", "openai"),
        ("ft:", "openai"),
        ("chat-latest", "openai"),
        ("daybreak", "openai"),
        ("davinci", "openai"),
        ("babbage", "openai"),
        ("text-davinci", "openai"),
        ("ada", "openai"),
        ("curie", "openai"),
        ("moderation", "openai"),
        ("claude", "anthropic"),
        ("gemini", "google"),
        ("gemma", "google"),
        ("learnlm", "google"),
        ("deep-research", "google"),
        ("nano-banana", "google"),
        ("grok", "xai"),
        ("deepseek", "deepseek"),
        ("mistral", "mistral"),
        ("ministral", "mistral"),
        ("codestral", "mistral"),
        ("devstral", "mistral"),
        ("magistral", "mistral"),
        ("voxtral", "mistral"),
        ("pixtral", "mistral"),
        ("mixtral", "mistral"),
        ("open-mi", "mistral"),
        ("labs-leanstral", "mistral"),
        ("mai-", "microsoft"),
        ("phi-", "microsoft"),
        ("raptor", "github"),
        ("goldeneye", "github"),
        ("kimi", "moonshotai"),
        ("zai-", "zai"),
        ("glm-", "zai"),
    ];
    STARTS.iter().find(|(start, _)| model.starts_with(start)).map(|(_, publisher)| *publisher)
}

/// `publisher/model`; a publisher that the name doesn't tell is the seller.
pub fn sku(seller: &str, model: &str) -> String {
    format!("{}/{model}", publisher(model).unwrap_or(seller))
}

/// A name without the date at its end, if it has one.
fn undated(model: &str) -> Option<&str> {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let (start, end) = model.rsplit_once('-')?;
    if digits(end, 8) {
        return Some(start);
    }
    let (start, month) = start.rsplit_once('-').filter(|(_, month)| digits(month, 2) && digits(end, 2))?;
    let (start, year) = start.rsplit_once('-')?;
    (digits(year, 4) && digits(month, 2)).then_some(start)
}

fn alike(name: &str) -> String {
    name.to_lowercase().replace(['.', '_', ' '], "-")
}

impl Names {
    pub fn add_sku(&mut self, seller: &str, sku: &str) {
        let model = sku.split_once('/').map_or(sku, |(_, model)| model);
        self.alike.entry((seller.to_owned(), alike(model))).or_insert_with(|| sku.to_owned());
        self.skus.insert((seller.to_owned(), sku.to_owned()));
    }

    /// The first sku to claim a name keeps it.
    pub fn add_alias(&mut self, source: Source, seller: &str, name: &str, sku: &str, select: &BTreeMap<String, String>) {
        let is_own = select.is_empty() && sku.split_once('/').is_some_and(|(_, model)| model == name);
        if !is_own && !name.is_empty() {
            self.exact.entry((seller.to_owned(), name.to_owned())).or_insert_with(|| (sku.to_owned(), select.clone(), source));
        }
    }

    /// The sku that a source's model name means, if it is known under any spelling.
    pub fn find(&self, seller: &str, model: &str) -> Option<String> {
        let known = |model: &str| {
            let own = self.exact.get(&(seller.to_owned(), model.to_owned())).map(|(sku, _, _)| sku.clone());
            own.or_else(|| self.alike.get(&(seller.to_owned(), alike(model))).cloned())
        };
        known(model).or_else(|| known(&format!("{}-{{date}}", undated(model)?)))
    }

    /// The same, or a new sku of that name.
    pub fn find_or_add(&mut self, seller: &str, model: &str) -> String {
        if let Some(sku) = self.find(seller, model) {
            return sku;
        }
        let sku = sku(seller, model);
        self.add_sku(seller, &sku);
        sku
    }

    /// Alias rows for every name that isn't a sku of its own, and a pattern for the dated snapshots of each model.
    pub fn aliases(&self, sold: &BTreeSet<(String, String)>) -> Vec<Alias> {
        let row = |seller: &str, name: &str, sku: &str, select: &BTreeMap<String, String>, source: Source| Alias {
            seller: seller.to_owned(),
            name: name.to_owned(),
            sku: sku.to_owned(),
            select: select.clone(),
            valid: Span::ALWAYS,
            recorded: Span::ALWAYS,
            layer: Layer::Embedded,
            prov: Provenance { source: source.name.to_owned(), version: source.version.to_owned(), ..Provenance::default() },
        };
        let is_sku = |seller: &str, name: &str| {
            sold.iter().any(|(who, sku)| who == seller && sku.split_once('/').is_some_and(|(_, model)| model == name))
        };
        let mut rows: Vec<Alias> = Vec::new();
        for ((seller, name), (sku, select, source)) in &self.exact {
            if sold.contains(&(seller.clone(), sku.clone())) && (!select.is_empty() || !is_sku(seller, name)) {
                rows.push(row(seller, name, sku, select, *source));
            }
        }
        let convention = Source { name: "convention", version: "1", licence: "" };
        for (seller, sku) in sold {
            let Some((_, model)) = sku.split_once('/') else { continue };
            let dated = model.rsplit('-').next().is_some_and(|end| end.len() >= 4 && end.bytes().all(|byte| byte.is_ascii_digit()));
            let name = format!("{model}-{{date}}");
            if !dated && seller != "bedrock" && !self.exact.contains_key(&(seller.clone(), name.clone())) {
                rows.push(row(seller, &name, sku, &BTreeMap::new(), convention));
            }
        }
        for (seller, sku) in sold {
            if let Some((_, model)) = sku.split_once('/').filter(|(_, model)| model.starts_with("ft:")) {
                rows.push(row(seller, &format!("{model}:{{any}}"), sku, &BTreeMap::new(), convention));
            }
        }
        for (seller, pattern) in PREFIXED {
            rows.push(row(seller, pattern, "{name}", &BTreeMap::new(), convention));
        }
        rows
    }
}

/// Names with something before the model's own name.
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
    ("xai", "xai/{name}"),
    ("xai", "x-ai/{name}"),
    ("deepseek", "deepseek/{name}"),
    ("mistral", "mistral/{name}"),
    ("github-copilot", "github_copilot/{name}"),
    ("bedrock", "bedrock/{name}"),
    ("bedrock", "arn:{word}:bedrock:{region}::foundation-model/{name}"),
    ("bedrock", "arn:{word}:bedrock:{region}:{digits}:inference-profile/{name}"),
];
