//! `mete.toml` as it is typed: every key, its default, and no unknown ones. Nothing is judged here but the types.

use std::collections::BTreeMap;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The whole file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Typed {
    pub server: ServerSection,
    pub ledger: LedgerSection,
    pub limits: LimitsSection,
    pub timeouts: TimeoutsSection,
    pub prices: PricesSection,
    pub log: LogSection,
    pub providers: Vec<ProviderSection>,
    pub budgets: Vec<BudgetSection>,
    pub lookups: Vec<LookUpSection>,
    pub virtual_tags: Vec<VirtualTagSection>,
    pub required_tags: Vec<RequiredTagSection>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerSection {
    pub listen: String,
    pub admin_listen: String,
    pub authentication: AuthenticationWord,
    pub hosts: Vec<String>,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:4141".to_owned(),
            admin_listen: String::new(),
            authentication: AuthenticationWord::Auto,
            hosts: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AuthenticationWord {
    Auto,
    Keyed,
    Passthrough,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LedgerSection {
    pub survives: SurvivesWord,
    pub wait_ms: u64,
    pub clamp: bool,
    pub floor_output_tokens: u64,
    pub server_tool_uses: u64,
}

impl Default for LedgerSection {
    fn default() -> Self {
        Self { survives: SurvivesWord::PowerLoss, wait_ms: 20_000, clamp: true, floor_output_tokens: 4096, server_tool_uses: 3 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SurvivesWord {
    PowerLoss,
    ProcessCrash,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LimitsSection {
    pub body_bytes_max: u64,
    pub answer_bytes_max: u64,
    pub bodies_bytes_max: u64,
    pub connections_max: u64,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            body_bytes_max: 32 * 1024 * 1024,
            answer_bytes_max: 64 * 1024 * 1024,
            bodies_bytes_max: 1024 * 1024 * 1024,
            connections_max: 10_000,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TimeoutsSection {
    pub header_ms: u64,
    pub body_idle_ms: u64,
    pub keep_alive_ms: u64,
    pub connect_ms: u64,
    pub first_byte_ms: u64,
    pub stream_idle_ms: u64,
    pub total_ms: u64,
    pub assume_grace_ms: u64,
    pub drain_ms: u64,
}

impl Default for TimeoutsSection {
    fn default() -> Self {
        Self {
            header_ms: 10_000,
            body_idle_ms: 30_000,
            keep_alive_ms: 75_000,
            connect_ms: 10_000,
            first_byte_ms: 600_000,
            stream_idle_ms: 300_000,
            total_ms: 3_600_000,
            assume_grace_ms: 60_000,
            drain_ms: 30_000,
        }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PricesSection {
    pub extra: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogSection {
    pub level: String,
    pub format: LogFormat,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// How log lines look on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderSection {
    pub name: String,
    pub dialect: DialectWord,
    pub base_url: String,
    #[serde(default)]
    pub subscription_url: String,
    #[serde(default)]
    pub api_key_env: String,
    #[serde(default)]
    pub use_key: UseKeyWord,
    #[serde(default)]
    pub seller: String,
    #[serde(default)]
    pub region: String,
    #[serde(default)]
    pub deployment: String,
    #[serde(default)]
    pub select: BTreeMap<String, String>,
    #[serde(default = "every_model")]
    pub models: Vec<String>,
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    #[serde(default = "yes")]
    pub stream_usage: bool,
    #[serde(default)]
    pub fallback: Vec<String>,
    #[serde(default)]
    pub retries: u32,
    #[serde(default)]
    pub cost_from: CostFromWord,
    #[serde(default)]
    pub zero_usage: ZeroUsageWord,
}

fn every_model() -> Vec<String> {
    vec!["*".to_owned()]
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DialectWord {
    OpenAi,
    Anthropic,
    Gemini,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UseKeyWord {
    #[default]
    Virtual,
    Always,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ZeroUsageWord {
    #[default]
    Doubted,
    Trusted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CostFromWord {
    #[default]
    Book,
    Provider,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetSection {
    pub name: String,
    pub limit_usd: AmountText,
    #[serde(default)]
    pub window: WindowWord,
    #[serde(default = "utc")]
    pub time_zone: String,
    #[serde(default)]
    pub week_starts: WeekdayWord,
    #[serde(default, rename = "match")]
    pub matches: BTreeMap<String, String>,
    #[serde(default)]
    pub per: Vec<String>,
    #[serde(default)]
    pub on_exceed: OnExceedWord,
    #[serde(default)]
    pub measure: MeasureWord,
    #[serde(default)]
    pub unpriced: UnpricedWord,
    #[serde(default = "a_quarter")]
    pub grant_share_percent: u16,
}

pub(crate) fn utc() -> String {
    "UTC".to_owned()
}

pub(crate) fn a_quarter() -> u16 {
    25
}

/// A budget's window, as API and config write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WindowWord {
    #[default]
    Total,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

/// The day on which weeks start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WeekdayWord {
    #[default]
    Monday,
    Sunday,
}

/// What happens to a call that does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnExceedWord {
    #[default]
    Block,
    Shadow,
    /// Known and not available yet: refused with a text of its own.
    Downgrade,
}

/// Which of a call's two amounts a budget limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MeasureWord {
    #[default]
    Billed,
    List,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UnpricedWord {
    #[default]
    Refuse,
    Dearest,
    Allow,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LookUpSection {
    pub name: String,
    pub file: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VirtualTagSection {
    pub name: String,
    #[serde(default)]
    pub default: String,
    #[serde(default)]
    pub rules: Vec<RuleSection>,
}

/// One rule; of `value`, `copy` and `lookup` exactly one is written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RuleSection {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub when: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub until: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub copy: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lookup: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub by: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub column: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequiredTagSection {
    pub name: String,
    #[serde(default)]
    pub on_missing: OnMissingWord,
    #[serde(default)]
    pub default: String,
}

/// What happens to a call that lacks a required tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnMissingWord {
    #[default]
    Refuse,
    Default,
    Mark,
}

/// An amount in dollars as it was typed: a decimal in quotes, a whole number, or `"none"`. A TOML float is refused, since it
/// has been rounded to binary before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AmountText(pub String);

impl Serialize for AmountText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AmountText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = AmountText;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("an amount in dollars in quotes, such as \"25.00\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<AmountText, E> {
        Ok(AmountText(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<AmountText, E> {
        Ok(AmountText(number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<AmountText, E> {
        Err(E::custom(format!("a bare fraction is not exact; write the amount in quotes, such as \"{number}\"")))
    }
}
