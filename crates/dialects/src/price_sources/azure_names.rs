//! What the name of an Azure meter says.

use pricing::{Attrs, Rule};

use super::names::Names;
use super::rows::{FixedAttrs, pairs};

/// A meter, without its price and regions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Meter {
    pub sku: String,
    pub meter: &'static str,
    pub attrs: Attrs,
    pub unit: Unit,
    pub deployment: &'static str,
    pub tier: &'static str,
    /// The prompt size above which it holds; 0 for the base.
    pub long: u64,
}

/// What a price buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unit {
    ThousandTokens,
    MillionTokens,
    Million,
    Thousand,
    Hundred,
    One,
    Hour,
}

impl Unit {
    pub const fn per(self) -> u64 {
        match self {
            Self::ThousandTokens | Self::MillionTokens | Self::Million => 1_000_000,
            Self::Thousand => 1_000,
            Self::Hundred => 100,
            Self::One => 1,
            Self::Hour => 3_600,
        }
    }
}

/// Beginnings of meters of speech, images and realtime → model. The longest comes first.
const MEDIA: &[(&str, &str)] = &[
    ("gpt-realtime-2.1-mini", "gpt-realtime-2.1-mini"),
    ("gpt-realtime-2.1", "gpt-realtime-2.1"),
    ("gpt-realtime-2 ", "gpt-realtime-2"),
    ("gpt-realtime-whisper", "gpt-realtime-whisper"),
    ("gpt-realtime-translate", "gpt-realtime-translate"),
    ("gpt 4o tcrb d ", "gpt-4o-transcribe-diarize"),
    ("gpt aud 0828", "gpt-audio-2025-08-28"),
    ("gpt aud mini", "gpt-audio-mini-2025-10-06"),
    ("gpt aud mn", "gpt-audio-mini-2025-12-15"),
    ("gpt aud 1.5", "gpt-audio-1.5"),
    ("gpt img 1 mini", "gpt-image-1-mini"),
    ("gpt img 1.5", "gpt-image-1.5"),
    ("image 2 ", "gpt-image-2"),
    ("gpt rt 1.5", "gpt-realtime-1.5"),
    ("gpt rt aud mini", "gpt-realtime-mini-2025-10-06"),
    ("gpt rt txt mini", "gpt-realtime-mini-2025-10-06"),
    ("gpt rt img mini", "gpt-realtime-mini-2025-10-06"),
    ("gpt rt aud mn", "gpt-realtime-mini-2025-12-15"),
    ("gpt rt txt mn", "gpt-realtime-mini-2025-12-15"),
    ("gpt rt img mn", "gpt-realtime-mini-2025-12-15"),
    ("gpt rt aud 0828", "gpt-realtime-2025-08-28"),
    ("gpt rt txt 0828", "gpt-realtime-2025-08-28"),
    ("gpt rt img 0828", "gpt-realtime-2025-08-28"),
    ("gpt4o mn trscb", "gpt-4o-mini-transcribe-2025-12-15"),
    ("gpt4o mn tts", "gpt-4o-mini-tts-2025-12-15"),
    ("gpt-4o-aud-0603", "gpt-4o-audio-preview-2025-06-03"),
    ("gpt-4o-aud-1217", "gpt-4o-audio-preview-2024-12-17"),
    ("gpt-4o-rt-aud-0603", "gpt-4o-realtime-preview-2025-06-03"),
    ("gpt-4o-rt-txt-0603", "gpt-4o-realtime-preview-2025-06-03"),
    ("gpt-4o-rt-aud-1217", "gpt-4o-realtime-preview-2024-12-17"),
    ("gpt-4o-rt-txt-1217", "gpt-4o-realtime-preview-2024-12-17"),
    ("gpt4omini-aud1217", "gpt-4o-mini-audio-preview-2024-12-17"),
    ("gpt4omini-rt-aud1217", "gpt-4o-mini-realtime-preview-2024-12-17"),
    ("gpt4omini-rt-txt1217", "gpt-4o-mini-realtime-preview-2024-12-17"),
    ("gpt-4o-mini-transcribe", "gpt-4o-mini-transcribe"),
    ("gpt-4o-transcribe", "gpt-4o-transcribe"),
    ("gpt-4o-mini-tts", "gpt-4o-mini-tts"),
    ("gpt-image-1-", "gpt-image-1"),
    ("sora 2 pro high res", "sora-2-pro-high-res"),
    ("sora 2 pro", "sora-2-pro"),
    ("sora 2 ", "sora-2"),
];

/// Products of other makers: what is left of a meter's name, without direction and deployment → sku.
const OTHERS: &[(&str, &str, &str)] = &[
    ("Azure Deepseek Models", "mai-ds-r1", "microsoft/mai-ds-r1"),
    ("Azure Deepseek Models", "r1", "deepseek/deepseek-r1"),
    ("Azure Deepseek Models", "v3", "deepseek/deepseek-v3"),
    ("Azure Deepseek Models", "v3-0324", "deepseek/deepseek-v3-0324"),
    ("Azure Deepseek Models", "v3.1", "deepseek/deepseek-v3.1"),
    ("Azure Deepseek Models", "v3.2", "deepseek/deepseek-v3.2"),
    ("Azure Deepseek Models", "v3.2-sp", "deepseek/deepseek-v3.2-speciale"),
    ("Azure Deepseek Models", "v4-flash", "deepseek/deepseek-v4-flash"),
    ("Azure Deepseek Models", "v4-pro", "deepseek/deepseek-v4-pro"),
    ("Azure Grok Models", "4.3", "xai/grok-4.3"),
    ("Azure Grok Models", "code-fast-1", "xai/grok-code-fast-1"),
    ("Azure Grok Models", "grok-4.1", "xai/grok-4-1-fast"),
    ("Azure Grok Models", "grok-4.2", "xai/grok-4-20"),
    ("Azure Grok Models", "grok-3", "xai/grok-3"),
    ("Azure Grok Models", "grok-3-mini", "xai/grok-3-mini"),
    ("Azure Grok Models", "grok-4", "xai/grok-4"),
    ("Azure Grok Models", "grok4-fast", "xai/grok-4-fast"),
    ("Azure Kimi", "k2-thinking", "moonshotai/kimi-k2-thinking"),
    ("Azure Kimi", "k2.5-thinking", "moonshotai/kimi-k2.5"),
    ("Azure Kimi", "k2.5", "moonshotai/kimi-k2.5"),
    ("Azure Kimi", "k2.6-thinking", "moonshotai/kimi-k2.6"),
    ("Azure Kimi", "k2.6", "moonshotai/kimi-k2.6"),
    ("Azure Kimi", "k2.7-code", "moonshotai/kimi-k2.7-code"),
    ("Azure Llama Models", "llama-3.3-70b", "meta/llama-3.3-70b-instruct"),
    ("Azure Llama Models", "llama-4-maverick-17b", "meta/llama-4-maverick-17b-128e-instruct-fp8"),
    ("Azure Mistral Models", "codestral", "mistral/codestral-2501"),
    ("Azure Mistral Models", "large-3", "mistral/mistral-large-3"),
    ("Azure Mistral Models", "mm3.5", "mistral/mistral-medium-3.5"),
    ("Azure Mistral Models", "doc-ai-2512", "mistral/mistral-document-ai-2512"),
    ("Azure Mistral Models", "doc-ai-2505", "mistral/mistral-document-ai-2505"),
    ("Azure Mistral Models", "ocr-2512", "mistral/mistral-ocr-2512"),
    ("Azure Mistral Models", "ocr-4", "mistral/mistral-ocr-4-0"),
    ("Azure Mistral Models", "ocr", "mistral/mistral-ocr-2503"),
    ("Azure OpenAI OSS Models", "gpt-oss-120b", "openai/gpt-oss-120b"),
    ("Cohere Models", "command-a", "cohere/cohere-command-a"),
    ("Cohere Models", "command-a-plus", "cohere/command-a-plus"),
    ("Cohere Models", "embed-v4", "cohere/embed-v-4-0"),
    ("Cohere Models", "rerank-v4-fast", "cohere/cohere-rerank-v4.0-fast"),
    ("Cohere Models", "rerank-v4-pro", "cohere/cohere-rerank-v4.0-pro"),
    ("Azure Fireworks Models", "fw-deepseek-v3.2", "fireworks/fw-deepseek-v3.2"),
    ("Azure Fireworks Models", "fw-deepseekv3.2", "fireworks/fw-deepseek-v3.2"),
    ("Azure Fireworks Models", "fw-deepseek-v4-pro", "fireworks/fw-deepseek-v4-pro"),
    ("Azure Fireworks Models", "fw-glm-5", "fireworks/fw-glm-5"),
    ("Azure Fireworks Models", "fw-glm-5.1", "fireworks/fw-glm-5.1"),
    ("Azure Fireworks Models", "fw-glm-5.2", "fireworks/fw-glm-5.2"),
    ("Azure Fireworks Models", "fw-gpt-oss-120b", "fireworks/fw-gpt-oss-120b"),
    ("Azure Fireworks Models", "fw-kimi-k2.5", "fireworks/fw-kimi-k2.5"),
    ("Azure Fireworks Models", "fw-kimi-k2.6", "fireworks/fw-kimi-k2.6"),
    ("Azure Fireworks Models", "fw-kimi-k2.7-code", "fireworks/fw-kimi-k2.7-code"),
    ("Azure Fireworks Models", "fw-minimax-3", "fireworks/fw-minimax-m3"),
    ("Azure Fireworks Models", "fw-minimax-m2.5", "fireworks/fw-minimax-m2.5"),
];

/// Meters that no model's name is in.
const FIXED: &[(&str, &str, &str, FixedAttrs, &str)] = &[
    ("code-interpreter-global session", Rule::ANY_SKU, "tool_call", &[("tool", "code_interpreter")], "global"),
    ("code-interpreter-regnl ep session", Rule::ANY_SKU, "tool_call", &[("tool", "code_interpreter")], "regional"),
    ("assistants-file search-glbl gb", Rule::ANY_SKU, "gb_day", &[("tool", "file_search")], "global"),
    ("assistants-file search-regnl gb", Rule::ANY_SKU, "gb_day", &[("tool", "file_search")], "regional"),
    ("speech-to-text-batch-whisper-glbl unit", "openai/whisper", "second", &[], "global"),
    ("speech-to-text-batch-whisper-regnl unit", "openai/whisper", "second", &[], "regional"),
    ("image-dall-e-2-glbl images", "openai/dall-e-2", "image", &[], "global"),
    ("image-dall-e-2-regnl images", "openai/dall-e-2", "image", &[], "regional"),
    ("image-dall-e-3 hd highres-glbl images", "openai/dall-e-3", "image", HD_LARGE, "global"),
    ("image-dall-e-3 hd highres-regnl ep images", "openai/dall-e-3", "image", HD_LARGE, "regional"),
    ("image-dall-e-3 hd lowres-glbl images", "openai/dall-e-3", "image", &[("quality", "hd"), ("size", "1024x1024")], "global"),
    ("image-dall-e-3 hd lowres-regnl ep images", "openai/dall-e-3", "image", &[("quality", "hd"), ("size", "1024x1024")], "regional"),
    ("image-dall-e-3 std highres-glbl images", "openai/dall-e-3", "image", STANDARD_LARGE, "global"),
    ("image-dall-e-3 std highres-regnl ep images", "openai/dall-e-3", "image", STANDARD_LARGE, "regional"),
    ("image-dall-e-3 std lowres-glbl images", "openai/dall-e-3", "image", &[("quality", "standard"), ("size", "1024x1024")], "global"),
    (
        "image-dall-e-3 std lowres-regnl ep images",
        "openai/dall-e-3",
        "image",
        &[("quality", "standard"), ("size", "1024x1024")],
        "regional",
    ),
];
const HD_LARGE: &[(&str, &str)] = &[("quality", "hd"), ("size", "1024x1792|1792x1024")];
const STANDARD_LARGE: &[(&str, &str)] = &[("quality", "standard"), ("size", "1024x1792|1792x1024")];

/// Products whose meters say a model of OpenAI.
const OPENAI: &[&str] =
    &["Azure OpenAI", "Azure OpenAI GPT5", "Azure OpenAI Reasoning", "Azure OpenAI Embedding", "Azure OpenAI PP FT GPT4s"];

/// What the words of a name say beside the model.
#[derive(Default)]
struct Words<'a> {
    input: bool,
    output: bool,
    cached: bool,
    written: bool,
    training: bool,
    hosting: bool,
    tuned: bool,
    annotated: bool,
    modality: &'static str,
    deployment: &'static str,
    tier: &'static str,
    long: bool,
    model: Vec<&'a str>,
}

/// What a meter's name says, or why it can't be read.
pub(super) fn parsed(product: &str, meter: &str, unit: &str, names: &Names) -> Result<Meter, String> {
    let lower = meter.to_lowercase();
    if let Some((_, sku, name, attrs, deployment)) = FIXED.iter().find(|(text, ..)| *text == lower) {
        let unit = whole_unit(unit).ok_or_else(|| format!("unit `{unit}` isn't known"))?;
        return Ok(Meter { sku: (*sku).to_owned(), meter: name, attrs: pairs(attrs), unit, deployment, tier: "standard", long: 0 });
    }
    if lower.contains("provisioned") {
        return provisioned(product, &lower, unit);
    }
    if let Some(meter) = calls_and_characters(&lower, unit) {
        return Ok(meter);
    }
    let has_media = matches!(product, "Azure OpenAI Media" | "Azure OpenAI");
    let media = MEDIA.iter().find(|(start, _)| has_media && lower.starts_with(start));
    if product == "Azure OpenAI Media" && media.is_none() {
        return Err("no model is known by this name".to_owned());
    }
    let text = media.map_or(lower.as_str(), |(start, _)| lower.strip_prefix(start).unwrap_or(&lower));
    let text = text.replace("data zone", "dz").replace("fine tuned", "ft").replace("1m tokens", "").replace("tokens", "");
    let mut words = words(&text, media.is_some() || product == "Cohere Models", product);
    if let Some((start, _)) = media {
        // The modality stands before the model's version in some names.
        words.modality = media_modality(start, words.modality);
    }
    let sku = match media {
        Some((_, model)) => names.find("azure", model).or_else(|| names.find("openai", model)).unwrap_or_else(|| format!("openai/{model}")),
        None => sku(product, &words, names)?,
    };
    if words.deployment.is_empty() {
        words.deployment = if words.tuned { "global" } else { return Err("no deployment in the name".to_owned()) };
    }
    let (name, unit) = counted(&words, &lower, unit, media.is_some())?;
    let mut attrs = Attrs::new();
    let default = if name == "output_tokens" || name == "input_tokens" || name == "cache_read_tokens" { words.modality } else { "" };
    if !matches!(default, "" | "text") {
        attrs.insert("modality".to_owned(), default.to_owned());
    }
    if name == "second" && lower.starts_with("sora") {
        attrs = pairs(&[("kind", "output"), ("modality", "video")]);
    }
    if words.annotated {
        attrs.insert("kind".to_owned(), "annotated".to_owned());
    }
    let threshold = if product == "Azure Grok Models" { 200_000 } else { 272_000 };
    let long = if words.long { threshold } else { 0 };
    let tier = if words.tier.is_empty() { "standard" } else { words.tier };
    Ok(Meter { sku, meter: name, attrs, unit, deployment: words.deployment, tier, long })
}

/// Calls of file search and characters read out, whose names follow no grammar.
fn calls_and_characters(lower: &str, unit: &str) -> Option<Meter> {
    let deployments = [("glbl", "global"), ("global", "global"), ("datazone", "data_zone"), ("region", "regional"), ("regnl", "regional")];
    let (_, deployment) = deployments.iter().find(|(word, _)| lower.contains(word))?;
    let (sku, meter, attrs, unit) = match unit {
        "1K" if lower.starts_with("file-search-tool-calls") => {
            (Rule::ANY_SKU, "tool_call", pairs(&[("tool", "file_search")]), Unit::Thousand)
        }
        "1M" if lower.starts_with("speech-text to speech hd") => ("openai/tts-1-hd", "character", Attrs::new(), Unit::Million),
        "1M" if lower.starts_with("speech-text to speech") => ("openai/tts-1", "character", Attrs::new(), Unit::Million),
        _ => return None,
    };
    Some(Meter { sku: sku.to_owned(), meter, attrs, unit, deployment, tier: "standard", long: 0 })
}

/// In the names of speech models the audio is in the model's own name, unless the meter says text or image.
fn media_modality(start: &str, said: &'static str) -> &'static str {
    match said {
        "" if start.contains(" aud") || start.contains("-aud") => "audio",
        "" if start.starts_with("gpt rt img") => "image",
        other => other,
    }
}

fn words<'a>(text: &'a str, has_modality: bool, product: &str) -> Words<'a> {
    let mut found = Words::default();
    for word in text.split([' ', '-', '_']).filter(|word| !word.is_empty()) {
        match word {
            "inp" | "input" | "inpt" | "in" => found.input = true,
            "opt" | "outp" | "output" | "outpt" | "out" => found.output = true,
            "cd" | "cached" | "cchd" | "ccchd" | "cched" | "cache" | "ch" => found.cached = true,
            "wr" => found.written = true,
            "gl" | "glbl" | "global" | "glb" => found.deployment = "global",
            "dz" | "dzone" | "datazone" | "dzn" => found.deployment = "data_zone",
            "rgnl" | "regnl" | "regional" | "regn" | "rg" => found.deployment = "regional",
            "batch" => found.tier = "batch",
            "pp" => found.tier = "priority",
            "txt" | "text" if has_modality => found.modality = "text",
            "img" | "image" if has_modality => found.modality = "image",
            "aud" | "audio" if has_modality => found.modality = "audio",
            "training" | "trng" => found.training = true,
            "hosting" | "hstng" => found.hosting = true,
            "ft" | "rft" => found.tuned = true,
            "annot" => found.annotated = true,
            "longco" => found.long = true,
            "l" if product == "Azure Grok Models" => found.long = true,
            "std" | "shortco" | "az" | "tkn" | "pages" | "search" | "unit" | "second" | "1215" | "deployment" => {}
            other => found.model.push(other),
        }
    }
    found
}

fn sku(product: &str, words: &Words<'_>, names: &Names) -> Result<String, String> {
    let joined = words.model.join("-");
    if OPENAI.contains(&product) {
        let known = openai_model(&joined, names);
        let known = if words.tuned || words.hosting || words.training {
            known.or_else(|| openai_model(&snapshot(&joined), names)).map(|sku| tuned(&sku, names))
        } else {
            known
        };
        return known.ok_or_else(|| format!("no model is known by `{joined}`"));
    }
    if words.tuned {
        return Err("a fine-tuned model of another maker: what its calls are named isn't known".to_owned());
    }
    let found = OTHERS.iter().find(|(who, name, _)| *who == product && *name == joined);
    let (_, _, sku) = found.ok_or_else(|| format!("no model is known by `{joined}` of {product}"))?;
    let bare = sku.split_once('/').map_or(*sku, |(_, model)| model);
    Ok(names.find("azure", bare).unwrap_or_else(|| (*sku).to_owned()))
}

/// `4o-0806` → `4o-2024-08-06` is found by its year; what isn't stays.
fn snapshot(joined: &str) -> String {
    joined.replace("35-turbo4k", "3.5-turbo").replace("35-turbo16k", "3.5-turbo-16k")
}

/// The fine-tuned form of a model.
fn tuned(sku: &str, names: &Names) -> String {
    let model = sku.split_once('/').map_or(sku, |(_, model)| model);
    let name = format!("ft:{model}");
    names.find("azure", &name).or_else(|| names.find("openai", &name)).unwrap_or_else(|| format!("openai/{name}"))
}

/// The model of a meter's remaining words, if exactly that name is known at OpenAI or Azure.
fn openai_model(joined: &str, names: &Names) -> Option<String> {
    let starts = ["text-embedding", "gpt", "o1", "o3", "o4", "chat", "babbage", "davinci", "codex"];
    let spelled = match joined {
        "embedding-ada" | "embeddings-ada" => "text-embedding-ada-002".to_owned(),
        "gpt-4-8k" => "gpt-4".to_owned(),
        "gpt-4-turbo-128k" | "gpt-4-turbo128k" => "gpt-4-turbo".to_owned(),
        _ if starts.iter().any(|start| joined.starts_with(start)) => joined.to_owned(),
        _ if joined.starts_with("embedding") => format!("text-{joined}"),
        _ if joined.starts_with("computer-use") => "computer-use-preview".to_owned(),
        _ if joined.starts_with(|letter: char| letter.is_ascii_digit()) => format!("gpt-{joined}"),
        _ => return None,
    };
    let find = |name: &str| names.find("azure", name).or_else(|| names.find("openai", name).filter(|sku| sku.starts_with("openai/")));
    find(&spelled).or_else(|| {
        // A month and day stands for the year in which that snapshot was published.
        let (name, date) = spelled.rsplit_once('-').filter(|(_, end)| end.len() == 4 && end.bytes().all(|byte| byte.is_ascii_digit()))?;
        ["2024", "2025", "2026"].iter().find_map(|year| find(&format!("{name}-{year}-{}-{}", &date[..2], &date[2..])))
    })
}

fn counted(words: &Words<'_>, lower: &str, unit: &str, is_media: bool) -> Result<(&'static str, Unit), String> {
    let tokens = match unit {
        "1K" => Unit::ThousandTokens,
        "1M" => Unit::MillionTokens,
        _ => Unit::One,
    };
    let is_tokens = matches!(unit, "1K" | "1M");
    if words.hosting || words.training {
        let name = if words.hosting { "x_hosting_hour" } else { "x_training_hour" };
        return match unit {
            "1 Hour" | "1/Hour" => Ok((name, Unit::One)),
            "1K" | "1M" if words.training => Ok(("training_tokens", tokens)),
            _ => Err(format!("unit `{unit}` isn't known for it")),
        };
    }
    if lower.ends_with("pages") && unit == "1K" {
        return Ok(("page", Unit::Thousand));
    }
    if lower.ends_with("search") && unit == "1K" {
        return Ok(("query", Unit::Thousand));
    }
    if lower.ends_with("second") && unit == "1" {
        return Ok(("second", Unit::One));
    }
    if is_media && unit == "1 Hour" {
        return Ok(("second", Unit::Hour));
    }
    if !is_tokens {
        return Err(format!("unit `{unit}` isn't known for it"));
    }
    let name = match (words.input, words.output, words.cached, words.written) {
        (_, false, true, true) => "cache_write_tokens",
        (_, false, true, false) => "cache_read_tokens",
        (true, false, false, false) => "input_tokens",
        (false, true, false, false) => "output_tokens",
        (false, false, false, false) if lower.contains("embed") => "input_tokens",
        (false, false, false, false) if words.tuned => "training_tokens",
        _ => return Err("no direction in the name".to_owned()),
    };
    Ok((name, tokens))
}

fn whole_unit(unit: &str) -> Option<Unit> {
    Some(match unit {
        "1" | "1/Day" => Unit::One,
        "100" => Unit::Hundred,
        "1 Hour" => Unit::Hour,
        _ => return None,
    })
}

/// Provisioned throughput: units by the hour, whichever model they serve.
fn provisioned(product: &str, lower: &str, unit: &str) -> Result<Meter, String> {
    if unit != "1/Hour" || !lower.starts_with("provisioned managed") {
        return Err("provisioned throughput of another kind than managed units by the hour".to_owned());
    }
    let deployment = [("global", "global"), ("data zone", "data_zone"), ("regional", "regional")];
    let (_, deployment) = deployment.iter().find(|(word, _)| lower.contains(word)).ok_or("no deployment in the name")?;
    let family = product.trim_start_matches("Azure ").trim_end_matches(" Models").to_lowercase().replace(' ', "-");
    Ok(Meter {
        sku: format!("azure/provisioned-{family}"),
        meter: "ptu_hour",
        attrs: Attrs::new(),
        unit: Unit::One,
        deployment,
        tier: "standard",
        long: 0,
    })
}
