//! What is on offer to the witness: sellers, places, models, and what each can do.

use std::sync::LazyLock;

/// What a request does, in the witness's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's responses.
    Responses,
    /// OpenAI's embeddings.
    Embeddings,
    /// Anthropic's messages.
    Messages,
    /// Gemini's generateContent.
    Generate,
    /// Gemini's embedContent.
    GeminiEmbed,
}

impl Operation {
    /// The name in cells.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Embeddings => "embeddings",
            Self::Messages => "messages",
            Self::Generate => "generate",
            Self::GeminiEmbed => "embed",
        }
    }

    fn named(word: &str) -> Self {
        match word {
            "responses" => Self::Responses,
            "embeddings" => Self::Embeddings,
            "messages" => Self::Messages,
            "generate" => Self::Generate,
            "embed" => Self::GeminiEmbed,
            _ => Self::Chat,
        }
    }
}

/// A model at a seller and a place.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Who sends the bill.
    pub seller: &'static str,
    /// The region that the operator's config names; empty for none.
    pub region: &'static str,
    /// What else the config says of the place, such as `deployment=data_zone`.
    pub select: Vec<(&'static str, &'static str)>,
    /// The heading of the biller's cards.
    pub heading: String,
    /// The model as requests name it.
    pub model: &'static str,
    /// What it is asked to do.
    pub operation: Operation,
    /// What it can do.
    pub traits: Vec<&'static str>,
}

impl Offer {
    /// Whether the model can do something.
    pub fn can(&self, what: &str) -> bool {
        self.traits.contains(&what)
    }
}

/// `seller | region | place | heading | models | operations | traits`. Traits: `reasons`, `beside` (reasoning is counted
/// beside the completion), `hits` (cache hits have a name of their own), `reads` (prompts are cached unasked), `writes`
/// (writing them is charged), `marks` (they are cached by mark), `searches`, `files`, `runs` (code), `maps`, `pages`, `images`,
/// `hears`, `speaks`, `draws`, `fast`, `geo`, `hidden` (input outside the body), `predicts`, `connects` (to MCP servers), `dated` (its price changed), `batch` and
/// `project` (a project whose default tier is priority).
const MENU: &str = "
openai |  |  |  | gpt-5.5 gpt-5.5-2026-04-23 gpt-5.4 gpt-5.4-mini | chat | reads reasons images tiers hidden
openai |  |  |  | gpt-5.5 gpt-5.4 gpt-5 gpt-5.3-codex | responses | reads reasons searches files runs images tiers hidden
openai |  |  |  | gpt-6.1-sol gpt-5.6-sol | chat responses | reads writes reasons images tiers hidden searches
openai |  |  |  | gpt-4.1 gpt-4o gpt-4o-mini o3 gpt-5-mini | chat | reads images tiers
openai |  |  |  | gpt-4.1 gpt-4o | chat | reads predicts
openai |  |  |  | gpt-4.1 | responses | reads searches hidden
openai |  |  |  | gpt-4o-search-preview | chat | lookup
openai |  |  |  | gpt-audio | chat | hears speaks
openai | us |  |  | gpt-5.5 gpt-5.4 | chat responses | reads reasons region tiers
openai | eu |  |  | gpt-5.5 gpt-6.1-sol | chat responses | reads reasons region tiers
openai |  | service_tier=priority |  | gpt-5.5 gpt-5-mini | chat responses | reads reasons project
openai |  | processing=batch |  | gpt-5.5 gpt-5.4 | chat responses | reads reasons hidden batch
openai |  | processing=batch |  | gpt-6.1-sol | chat responses | reads writes reasons hidden batch
openai |  |  |  | text-embedding-3-small text-embedding-3-large | embeddings | plain
openai |  | processing=batch |  | text-embedding-3-small | embeddings | batch
openai |  |  |  | gpt-5.6-sol | chat | reads writes reasons dated plain
anthropic |  |  |  | claude-sonnet-5 claude-opus-5 claude-opus-4-8 | messages | marks thinks searches fetches images geo fast hidden compacts
anthropic |  |  |  | claude-sonnet-5 claude-opus-4-8 | messages | marks thinks searches connects filters
anthropic |  |  |  | claude-haiku-4-5 claude-haiku-4-5-20251001 claude-sonnet-4-5 | messages | marks thinks searches images
anthropic |  |  |  | claude-haiku-5-5 | messages | marks thinks images hidden
anthropic |  | processing=batch |  | claude-sonnet-5 claude-opus-5 claude-haiku-5-5 | messages | marks thinks hidden batch
anthropic |  |  |  | claude-haiku-5-5 | messages | marks thinks hidden
google |  |  |  | gemini-3.5-flash gemini-3.8-flash gemini-3.1-pro-preview | generate | reads thinks queries maps pages runs images hidden tiers
google |  |  |  | gemini-2.5-pro | generate | reads thinks queries hidden tiers
google |  |  |  | gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite | generate | reads thinks queries maps pages images hidden tiers
google |  |  |  | gemini-2.5-flash gemini-2.5-flash-lite | generate | reads hears thinks tiers
google |  |  |  | gemini-2.5-flash-image gemini-3-pro-image | generate | draws images
google |  |  |  | gemini-4-argon | generate | reads thinks dated queries
google |  | processing=batch |  | gemini-2.5-flash gemini-3.8-flash | generate | reads thinks batch
google |  | processing=batch |  | gemini-2.5-pro gemini-3.1-pro-preview | generate | reads thinks hidden batch
google |  |  |  | gemini-embedding-001 | embed | plain
deepseek |  |  |  | deepseek-v4-pro deepseek-v4-flash | chat | reads reasons hits dated
deepseek |  |  |  | deepseek-chat | chat | reads hits
xai |  |  |  | grok-4.6 grok-code-fast-1 | chat | reads reasons beside images
xai | us |  | xai us | grok-4.6 | chat | reads reasons beside region
mistral |  |  |  | mistral-large-latest mistral-medium-latest codestral-latest | chat | reads bare
mistral |  |  |  | mistral-large-4 | chat | reads bare dated
azure | eastus | deployment=global | azure global | gpt-5.5 | chat responses | reads reasons images tiers runs searches place
azure | eastus | deployment=global | azure global | gpt-4.1 | chat | reads place
azure | eastus | deployment=global | azure global | gpt-audio | chat | hears speaks place
azure | eastus | deployment=data_zone | azure data_zone eastus | gpt-5.5 gpt-4.1 | chat | reads place
azure | eastus | deployment=data_zone,processing=batch | azure data_zone eastus | gpt-5.5 | chat | reads reasons place batch
azure | japaneast | deployment=data_zone | azure data_zone japaneast | gpt-5.5 | chat responses | reads reasons place
azure | eastus | deployment=regional | azure regional eastus | gpt-4.1 | chat | reads place
bedrock |  |  | bedrock global | global.anthropic.claude-sonnet-5 global.anthropic.claude-opus-4-8 global.anthropic.claude-haiku-4-5-20251001-v1:0 | messages | marks thinks images place
bedrock |  |  | bedrock regional | us.anthropic.claude-sonnet-5 eu.anthropic.claude-sonnet-5 us.anthropic.claude-opus-4-8 us.anthropic.claude-haiku-4-5-20251001-v1:0 | messages | marks thinks images place
vertex |  |  | vertex | claude-sonnet-5 claude-opus-4-8 claude-haiku-4-5 | messages | marks thinks searches images place
vertex | us-east5 |  | vertex | claude-sonnet-5 claude-opus-4-8 | messages | marks thinks region place
vertex |  |  | vertex | gemini-3.5-flash gemini-3.1-pro-preview | generate | reads thinks queries images hidden tiers place
vertex | us-east5 |  | vertex | gemini-3.5-flash | generate | reads thinks region place
github-copilot |  |  | github-copilot | gpt-5.5 gpt-5.4 mai-code-1-flash-picker | chat | reads reasons copilot
github-copilot |  |  | github-copilot | claude-sonnet-5 | messages | marks thinks copilot
";

/// Everything on offer.
pub static OFFERS: LazyLock<Vec<Offer>> = LazyLock::new(|| MENU.lines().filter(|line| line.contains('|')).flat_map(offers).collect());

fn offers(line: &'static str) -> Vec<Offer> {
    let columns: Vec<&'static str> = line.split('|').map(str::trim).collect();
    let [seller, region, place, heading, models, operations, traits] = columns[..] else { return Vec::new() };
    let select: Vec<_> = place.split(',').filter_map(|pair| pair.split_once('=')).collect();
    let models = models.split_whitespace();
    let each = models.flat_map(|model| operations.split_whitespace().map(move |operation| (model, operation)));
    each.map(|(model, operation)| Offer {
        seller,
        region,
        select: select.clone(),
        heading: heading.to_owned(),
        model,
        operation: Operation::named(operation),
        traits: traits.split_whitespace().collect(),
    })
    .collect()
}
