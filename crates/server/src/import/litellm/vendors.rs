//! LiteLLM's provider names, and what each of them is to Mete.

use crate::config::typed::DialectWord;

/// A provider of LiteLLM that Mete can stand in front of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Vendor {
    /// LiteLLM's name, the part of `litellm_params.model` before the slash.
    pub name: &'static str,
    pub dialect: DialectWord,
    /// Its address, without `/v1`; empty where each deployment has its own.
    pub base_url: &'static str,
    /// The variable that LiteLLM reads its key from when a deployment names none.
    pub key_env: &'static str,
    /// Whose prices apply.
    pub seller: &'static str,
}

const fn openai(name: &'static str, base_url: &'static str, key_env: &'static str, seller: &'static str) -> Vendor {
    Vendor { name, dialect: DialectWord::OpenAi, base_url, key_env, seller }
}

const VENDORS: &[Vendor] = &[
    openai("openai", "https://api.openai.com", "OPENAI_API_KEY", "openai"),
    openai("text-completion-openai", "https://api.openai.com", "OPENAI_API_KEY", "openai"),
    Vendor {
        name: "anthropic",
        dialect: DialectWord::Anthropic,
        base_url: "https://api.anthropic.com",
        key_env: "ANTHROPIC_API_KEY",
        seller: "anthropic",
    },
    Vendor {
        name: "gemini",
        dialect: DialectWord::Gemini,
        base_url: "https://generativelanguage.googleapis.com",
        key_env: "GEMINI_API_KEY",
        seller: "google",
    },
    openai(AZURE, "", "AZURE_API_KEY", "azure"),
    openai("cerebras", "https://api.cerebras.ai", "CEREBRAS_API_KEY", "cerebras"),
    openai("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode", "DASHSCOPE_API_KEY", "alibaba"),
    openai("deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", "deepseek"),
    openai("fireworks_ai", "https://api.fireworks.ai/inference", "FIREWORKS_AI_API_KEY", "fireworks"),
    openai("groq", "https://api.groq.com/openai", "GROQ_API_KEY", "groq"),
    openai("mistral", "https://api.mistral.ai", "MISTRAL_API_KEY", "mistral"),
    openai("moonshot", "https://api.moonshot.ai", "MOONSHOT_API_KEY", "moonshotai"),
    openai("openrouter", "https://openrouter.ai/api", "OPENROUTER_API_KEY", "openrouter"),
    openai("sambanova", "https://api.sambanova.ai", "SAMBANOVA_API_KEY", "sambanova"),
    openai("together_ai", "https://api.together.xyz", "TOGETHERAI_API_KEY", "together"),
    openai("xai", "https://api.x.ai", "XAI_API_KEY", "xai"),
    openai("custom_openai", "", "", "custom_openai"),
    openai("hosted_vllm", "", "HOSTED_VLLM_API_KEY", "hosted_vllm"),
    openai("litellm_proxy", "", "LITELLM_PROXY_API_KEY", "litellm_proxy"),
    openai("llamafile", "", "LLAMAFILE_API_KEY", "llamafile"),
    openai("lm_studio", "", "LM_STUDIO_API_KEY", "lm_studio"),
    openai("ollama", "http://localhost:11434", "", "ollama"),
    openai("ollama_chat", "http://localhost:11434", "", "ollama"),
    openai("openai_compatible", "", "", "openai_compatible"),
    openai("openai_like", "", "OPENAI_LIKE_API_KEY", "openai_like"),
    openai("xinference", "", "XINFERENCE_API_KEY", "xinference"),
];

/// LiteLLM's name of Azure, whose addresses have a form of their own.
pub(super) const AZURE: &str = "azure";

/// Providers that Mete can't speak to, and why.
const OUT_OF_REACH: &[(&str, &str)] = &[
    ("bedrock", "Bedrock wants requests signed with AWS credentials, and Mete sends a provider's key as it is"),
    ("bedrock_converse", "Bedrock wants requests signed with AWS credentials, and Mete sends a provider's key as it is"),
    ("sagemaker", "SageMaker wants requests signed with AWS credentials, and Mete sends a provider's key as it is"),
    ("sagemaker_chat", "SageMaker wants requests signed with AWS credentials, and Mete sends a provider's key as it is"),
    ("vertex_ai", "Vertex wants a Google access token that is renewed each hour; the same models are at `gemini/…` with a key"),
    ("vertex_ai_beta", "Vertex wants a Google access token that is renewed each hour; the same models are at `gemini/…` with a key"),
];

/// How names begin that LiteLLM knows without a provider in front.
const BARE: &[(&str, &str)] = &[
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-embedding-", "openai"),
    ("dall-e-", "openai"),
    ("whisper-", "openai"),
    ("tts-", "openai"),
    ("claude-", "anthropic"),
];

/// A vendor by LiteLLM's name.
pub(super) fn named(name: &str) -> Option<&'static Vendor> {
    VENDORS.iter().find(|vendor| vendor.name == name)
}

/// The vendor of `litellm_params.model` and the model's name there, or why there is none.
pub(super) fn of_model<'a>(model: &'a str, custom: Option<&str>) -> Result<(&'static Vendor, &'a str), String> {
    let (first, rest) = model.split_once('/').unwrap_or(("", model));
    if let Some(custom) = custom {
        return Ok((reachable(custom)?, if first == custom { rest } else { model }));
    }
    if first.is_empty() {
        let bare = BARE.iter().find(|(start, _)| model.starts_with(start)).and_then(|(_, name)| named(name));
        let unknown = || "its provider can't be told from its name; write it as `provider/model`, as in `openai/…`".to_owned();
        return bare.map(|vendor| (vendor, model)).ok_or_else(unknown);
    }
    reachable(first).map(|vendor| (vendor, rest))
}

fn reachable(name: &str) -> Result<&'static Vendor, String> {
    let known = named(name);
    known.ok_or_else(|| match OUT_OF_REACH.iter().find(|(other, _)| *other == name) {
        Some((_, why)) => format!("{why}; keep LiteLLM for it and put Mete in front (docs/coming-from-litellm.md)"),
        None => "Mete has no address and no language for this provider; where it speaks OpenAI's, write `openai/MODEL` with its `api_base`"
            .to_owned(),
    })
}
