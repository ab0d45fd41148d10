//! Who sends the bill: one name for each seller, whatever a source calls it.

/// What a source calls a seller → its name here. Names that aren't listed stay as they are, in lower case with `-` for `_`.
const SELLERS: &[(&str, &str)] = &[
    ("openai-api", "openai"),
    ("openai-decisions", "openai"),
    ("text-completion-openai", "openai"),
    ("anthropic-api", "anthropic"),
    ("gemini", "google"),
    ("google-api", "google"),
    ("google-ai-studio", "google"),
    ("google-vertex", "vertex"),
    ("google-vertex-ai", "vertex"),
    ("google-vertex-anthropic", "vertex"),
    ("vertex-ai", "vertex"),
    ("azure-ai", "azure"),
    ("azure-text", "azure"),
    ("azure-openai", "azure"),
    ("azure-cognitive-services", "azure"),
    ("amazon-bedrock", "bedrock"),
    ("aws", "bedrock"),
    ("aws-bedrock", "bedrock"),
    ("aws-bedrock-geo", "bedrock"),
    ("bedrock-converse", "bedrock"),
    ("bedrock-mantle", "bedrock"),
    ("x-ai", "xai"),
    ("xai-api", "xai"),
    ("deepseek-api", "deepseek"),
    ("mistral-api", "mistral"),
    ("codestral", "mistral"),
    ("text-completion-codestral", "mistral"),
    ("cohere-chat", "cohere"),
    ("together-ai", "together"),
    ("togetherai", "together"),
    ("fireworks-ai", "fireworks"),
    ("fireworks-ai-embedding-models", "fireworks"),
    ("fireworks-api", "fireworks"),
    ("openrouter-api", "openrouter"),
    ("perplexity-api", "perplexity"),
    ("perplexity-agent", "perplexity"),
    ("novita-ai", "novita"),
    ("moonshot", "moonshotai"),
    ("moonshot-api", "moonshotai"),
    ("minimax-api", "minimax"),
    ("zai-api", "zai"),
    ("z-ai", "zai"),
    ("bigmodel", "zhipuai"),
    ("dashscope", "alibaba"),
    ("alibaba-api", "alibaba"),
    ("qwencloud", "alibaba"),
    ("qwen-ai-platform", "alibaba-cn"),
    ("meta-api", "meta"),
    ("meta-llama", "meta"),
    ("voyage", "voyageai"),
    ("cloudflare-workers-ai", "cloudflare"),
    ("vercel-ai-gateway", "vercel"),
    ("gmicloud", "gmi"),
    ("friendliai", "friendli"),
    ("snowflake-cortex", "snowflake"),
    ("gradient-ai", "digitalocean"),
    ("stepfun-ai", "stepfun"),
    ("xiaomi-mimo", "xiaomi"),
    ("tencent-tokenhub", "tencent"),
    ("nvidia-nim", "nvidia"),
    ("inception", "inception"),
    ("text-completion-inception", "inception"),
    ("github-copilot", "github-copilot"),
];

/// The seller that a source means by a name.
pub(super) fn seller(name: &str) -> String {
    let plain = name.to_lowercase().replace('_', "-");
    let known = SELLERS.iter().find(|(theirs, _)| *theirs == plain).map(|(_, ours)| (*ours).to_owned());
    known.unwrap_or_else(|| if plain.starts_with("vertex-ai-") { "vertex".to_owned() } else { plain })
}

/// Whether a name is a flat-rate plan, whose token prices are notional.
pub(super) fn is_plan(name: &str) -> bool {
    let plain = name.to_lowercase().replace('_', "-");
    plain.contains("coding-plan")
        || plain.contains("token-plan")
        || ["chatgpt", "kimi-for-coding", "opencode-go", "github-models"].contains(&plain.as_str())
}

/// Sellers that sell models under their makers' own names, dated snapshots included.
pub(super) fn is_lab(seller: &str) -> bool {
    ["openai", "anthropic", "google", "vertex", "azure", "xai", "deepseek", "mistral", "github-copilot"].contains(&seller)
}
