//! The fields of a row as they are written, before they mean anything.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Only the type of a row.
#[derive(Deserialize)]
pub(super) struct Tag {
    #[serde(rename = "type", default = "rule_type")]
    pub kind: String,
}

fn rule_type() -> String {
    "rule".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleRow<'a> {
    #[serde(rename = "type", default)]
    pub _type: Option<String>,
    pub id: Option<String>,
    pub seller: String,
    pub publisher: Option<String>,
    #[serde(default = "llm")]
    pub kind: String,
    pub sku: String,
    pub meter: String,
    #[serde(default)]
    pub attrs: BTreeMap<String, String>,
    #[serde(default)]
    pub select: BTreeMap<String, String>,
    #[serde(borrow)]
    pub region: Option<&'a RawValue>,
    #[serde(default)]
    pub unit: String,
    #[serde(borrow)]
    pub per: Option<&'a RawValue>,
    #[serde(default = "usd")]
    pub currency: String,
    #[serde(borrow)]
    pub price: &'a RawValue,
    pub schedule: Option<ScheduleRow>,
    #[serde(default)]
    pub valid: SpanRow,
    #[serde(default)]
    pub recorded: SpanRow,
    #[serde(default = "list")]
    pub price_kind: String,
    #[serde(default = "active")]
    pub status: String,
    #[serde(default)]
    pub free: bool,
    #[serde(default)]
    pub layer: LayerRow,
    pub prov: Option<ProvRow>,
}

/// Whose row it is; only snapshots of a whole book say so.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LayerRow {
    #[default]
    Embedded,
    Operator,
}

impl From<LayerRow> for pricing::Layer {
    fn from(row: LayerRow) -> Self {
        match row {
            LayerRow::Embedded => Self::Embedded,
            LayerRow::Operator => Self::Operator,
        }
    }
}

/// The publisher of a row that doesn't name it: the first part of the sku.
pub(super) fn publisher_of(sku: &str) -> &str {
    sku.split_once('/').map_or("", |(publisher, _)| publisher)
}

fn llm() -> String {
    "llm".to_owned()
}

fn usd() -> String {
    "USD".to_owned()
}

fn list() -> String {
    "list".to_owned()
}

fn active() -> String {
    "active".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceRow<'a> {
    #[serde(borrow)]
    pub tiers: TiersRow<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TiersRow<'a> {
    #[serde(default = "prompt_tokens")]
    pub basis: String,
    #[serde(default = "whole_request")]
    pub mode: String,
    #[serde(borrow)]
    pub steps: Vec<StepRow<'a>>,
}

fn prompt_tokens() -> String {
    "request_prompt_tokens".to_owned()
}

fn whole_request() -> String {
    "whole_request".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepRow<'a> {
    #[serde(borrow)]
    pub above: &'a RawValue,
    #[serde(borrow)]
    pub price: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionRow {
    pub scope: String,
    #[serde(default)]
    pub ids: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpanRow {
    pub from: Option<String>,
    pub to: Option<String>,
    #[serde(default)]
    pub basis: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleRow {
    pub tz: String,
    pub slots: Vec<SlotRow>,
    #[serde(default)]
    pub holidays: Vec<String>,
    #[serde(default)]
    pub on_holidays: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotRow {
    #[serde(default)]
    pub weekdays: Vec<u8>,
    pub from: String,
    pub to: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ProvRow {
    pub source: String,
    pub version: String,
    pub key: String,
    pub raw: String,
    pub url: String,
    pub licence: String,
    pub agree: Vec<String>,
    pub differ: Vec<String>,
    pub note: String,
    pub confidence: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AliasRow {
    #[serde(rename = "type")]
    pub _type: String,
    pub seller: String,
    pub name: String,
    pub sku: String,
    #[serde(default)]
    pub select: BTreeMap<String, String>,
    #[serde(default)]
    pub valid: SpanRow,
    #[serde(default)]
    pub recorded: SpanRow,
    #[serde(default)]
    pub layer: LayerRow,
    pub prov: Option<ProvRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModifierRow<'a> {
    #[serde(rename = "type")]
    pub _type: String,
    pub id: String,
    pub seller: String,
    #[serde(default = "any_sku")]
    pub sku: String,
    #[serde(rename = "match", default)]
    pub select: BTreeMap<String, String>,
    #[serde(borrow)]
    pub region: Option<&'a RawValue>,
    #[serde(default)]
    pub meters: Vec<String>,
    #[serde(borrow)]
    pub factor: &'a RawValue,
    #[serde(default)]
    pub order: u32,
    #[serde(default)]
    pub excludes: Vec<String>,
    #[serde(default)]
    pub valid: SpanRow,
    #[serde(default)]
    pub recorded: SpanRow,
    #[serde(default)]
    pub layer: LayerRow,
    pub prov: Option<ProvRow>,
}

fn any_sku() -> String {
    pricing::Rule::ANY_SKU.to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowanceRow<'a> {
    #[serde(rename = "type")]
    pub _type: String,
    pub id: String,
    pub seller: String,
    #[serde(default)]
    pub plan: String,
    #[serde(default = "any_sku")]
    pub sku: String,
    pub meter: Option<String>,
    #[serde(default)]
    pub attrs: BTreeMap<String, String>,
    #[serde(borrow)]
    pub free_units: Option<&'a RawValue>,
    #[serde(borrow)]
    pub pool_usd_per_seat: Option<&'a RawValue>,
    #[serde(borrow)]
    pub minimum_usd: Option<&'a RawValue>,
    #[serde(default = "month")]
    pub every: String,
    #[serde(default)]
    pub valid: SpanRow,
    #[serde(default)]
    pub recorded: SpanRow,
    #[serde(default = "list")]
    pub price_kind: String,
    #[serde(default)]
    pub layer: LayerRow,
    pub prov: Option<ProvRow>,
}

fn month() -> String {
    "month".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelRow {
    #[serde(rename = "type")]
    pub _type: String,
    #[serde(default)]
    pub seller: String,
    pub sku: String,
    #[serde(default = "chat")]
    pub mode: String,
    pub input_tokens_max: Option<u64>,
    pub output_tokens_max: Option<u64>,
    #[serde(default)]
    pub decode_tokens_per_second: u64,
    #[serde(default)]
    pub cache_tokens_min: u64,
    #[serde(default)]
    pub tokenizer: String,
    #[serde(default)]
    pub layer: LayerRow,
    pub prov: Option<ProvRow>,
}

fn chat() -> String {
    "chat".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SemanticsRow {
    #[serde(rename = "type")]
    pub _type: String,
    pub seller: String,
    #[serde(default = "yes")]
    pub input_includes_cache_read: bool,
    #[serde(default = "yes")]
    pub input_includes_cache_write: bool,
    #[serde(default = "yes")]
    pub output_includes_reasoning: bool,
    #[serde(default = "yes")]
    pub automatic_cache_writes: bool,
    #[serde(default = "yes")]
    pub prompt_again_after_tools: bool,
    #[serde(default)]
    pub layer: LayerRow,
    pub prov: Option<ProvRow>,
}

fn yes() -> bool {
    true
}
