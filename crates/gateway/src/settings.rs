//! What the config means, validated: providers, limits, timeouts, policies. Made by `server`, swapped whole on reload.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dialects::Dialect;
use rules::RuleSet;

/// A text that must not appear in logs, errors or exports.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for the one header that carries it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// A virtual key is needed.
    Keyed,
    /// The client's own provider key passes through to that provider; a virtual key works too. Loopback only.
    Passthrough,
}

/// When the gateway's own provider key is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UseKey {
    /// For calls made with a virtual key or a run token.
    #[default]
    Virtual,
    /// Always, replacing a client's own credential.
    Always,
}

/// What to do with a call whose price is unknown while a budget with a limit matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UnpricedPolicy {
    /// Refuse, naming `mete prices set`.
    #[default]
    Refuse,
    /// Price as the dearest known model of that seller.
    Dearest,
    /// Let it pass and count it separately.
    Allow,
}

/// Which cost binds where a provider says itself what a call cost. The hold is by the price book either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CostFrom {
    /// Usage by the price book; the provider's figure is kept beside it.
    #[default]
    Book,
    /// The provider's figure, where it gives one that can be read; else the price book.
    Provider,
}

/// What is made of usage of nothing beside text that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ZeroUsage {
    /// Charged as an answer without usage: input and at least what was relayed. Free models stay free.
    #[default]
    Doubted,
    /// Zero is what it costs.
    Trusted,
}

/// One provider.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Its name.
    pub name: String,
    /// Its language.
    pub dialect: Dialect,
    /// Scheme, host, port and optional path, without `/v1`.
    pub base_url: http::Uri,
    /// Where calls with a client's own subscription login go, instead of `base_url`. ChatGPT's backend has no `/v1`, so it is
    /// left out of OpenAI paths there. `None` is `base_url`; only where that is `api.openai.com`, which takes no ChatGPT
    /// logins, it is `https://chatgpt.com/backend-api/codex`.
    pub subscription_url: Option<http::Uri>,
    /// The gateway's own credential.
    pub api_key: Option<Secret>,
    /// When that credential is used.
    pub use_key: UseKey,
    /// Whose prices.
    pub seller: String,
    /// Where prices depend on it.
    pub region: String,
    /// Further price selectors, such as `deployment`.
    pub select: BTreeMap<String, String>,
    /// Models that are routed here: exact names, or a prefix with a trailing `*`. Empty: only as a fallback of others.
    pub models: Vec<String>,
    /// Client's model name → model sent upstream.
    pub aliases: BTreeMap<String, String>,
    /// Whether it takes `stream_options.include_usage`.
    pub stream_usage: bool,
    /// Providers to try next, by name, when an attempt fails before an answer.
    pub fallback: Vec<String>,
    /// How often one provider is tried again after a connection failure, 429, 500, 502, 503, 504 or 529.
    pub retries: u32,
    /// Which cost binds.
    pub cost_from: CostFrom,
    /// Whether it is believed when it counts nothing.
    pub zero_usage: ZeroUsage,
}

impl ProviderSettings {
    /// A provider of every model at an address, with the prices of `seller` and nothing else set.
    #[must_use]
    pub fn plain(name: &str, dialect: Dialect, base_url: http::Uri, seller: &str) -> Self {
        Self {
            name: name.to_owned(),
            dialect,
            base_url,
            subscription_url: None,
            api_key: None,
            use_key: UseKey::Virtual,
            seller: seller.to_owned(),
            region: String::new(),
            select: BTreeMap::new(),
            models: vec!["*".to_owned()],
            aliases: BTreeMap::new(),
            stream_usage: true,
            fallback: Vec::new(),
            retries: 0,
            cost_from: CostFrom::default(),
            zero_usage: ZeroUsage::default(),
        }
    }
}

/// A chain of providers.
pub type FallbackSettings = Vec<String>;

/// How long things may take.
#[derive(Clone, Debug)]
pub struct TimeoutSettings {
    /// From accept to a complete request head.
    pub header: Duration,
    /// Between two pieces of a request body.
    pub body_idle: Duration,
    /// An idle keep-alive connection.
    pub keep_alive: Duration,
    /// To connect upstream.
    pub connect: Duration,
    /// From the request sent to the first byte of the answer.
    pub first_byte: Duration,
    /// Between two pieces of an answer.
    pub stream_idle: Duration,
    /// A whole call.
    pub total: Duration,
    /// Grace after the deadline before an unresolved hold is assumed.
    pub assume_grace: Duration,
    /// Drain on shutdown.
    pub drain: Duration,
}

/// How large things may be.
#[derive(Clone, Debug)]
pub struct LimitSettings {
    /// Request body.
    pub body_bytes_max: usize,
    /// Answer that isn't streamed.
    pub answer_bytes_max: usize,
    /// Request bodies above 16 KiB at a time, in all; and answers that aren't streamed.
    pub bodies_bytes_max: usize,
    /// Connections at a time.
    pub connections_max: usize,
}

/// Everything that a call is decided under. One version per reload; stored with each record.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names this version.
    pub version: String,
    /// What a command line that a refusal names needs beside its verb to find this server: ` --data DIR`, or nothing.
    pub reach: String,
    /// Who may call.
    pub authentication: Authentication,
    /// The providers, in the order of the config.
    pub providers: Vec<ProviderSettings>,
    /// Output tokens below which a grant is useless (default 4096).
    pub floor_output_tokens: u64,
    /// Whether ceilings are clamped to what is left (else `min` = `want`).
    pub clamp: bool,
    /// How long a call waits for holds to settle (default 20 s).
    pub wait: Duration,
    /// Policy for unknown prices by budget name; the default is [`UnpricedPolicy::Refuse`].
    pub unpriced: BTreeMap<String, UnpricedPolicy>,
    /// Uses allowed for server tools without a ceiling of their own, per call.
    pub server_tool_uses: u64,
    /// Virtual tags and required tags; `None` where there are none.
    pub rules: Option<Arc<RuleSet>>,
    /// Timeouts.
    pub timeouts: TimeoutSettings,
    /// Sizes.
    pub limits: LimitSettings,
}
