//! [`Rule`]: one price of one meter, with all that decides when it applies.

use std::collections::BTreeMap;

use jiff::Timestamp;
use money::Rate;

use crate::{Attrs, Confidence, Meter, Schedule};

/// One price of one meter of one sku, as one seller sells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Names the rule for ever; stored with every cost line.
    pub id: String,
    /// Who sends the bill.
    pub seller: String,
    /// Who made the model; empty where that means nothing.
    pub publisher: String,
    /// What is sold: `llm`, `tool`, `vm`, …
    pub kind: String,
    /// What is sold, as `publisher/model`; [`Rule::ANY_SKU`] for all skus of the seller.
    pub sku: String,
    /// What is counted.
    pub meter: Meter,
    /// What splits the meter. Without `modality` the rule covers every modality that has no rule of its own.
    pub attrs: Attrs,
    /// Request attributes that must all be equal for the rule to apply.
    pub select: BTreeMap<String, String>,
    /// Where the rule applies.
    pub region: Region,
    /// The unit as a person says it: `token`, `call`, `hour`.
    pub unit: String,
    /// The price, flat or in bands.
    pub price: Price,
    /// The hours in which the rule applies; `None` for always.
    pub schedule: Option<Schedule>,
    /// When the price applies.
    pub valid: Span,
    /// How [`Rule::valid`] is known.
    pub basis: Basis,
    /// When the book held the rule to be true.
    pub recorded: Span,
    /// Contract, promotion or list.
    pub price_kind: PriceKind,
    /// Whether the seller says that it is free; the only way to a price of zero.
    pub free: bool,
    /// Where the price comes from.
    pub prov: Provenance,
    /// Rows of the operator come before every other row.
    pub layer: Layer,
}

impl Rule {
    /// The sku of rules that hold for everything that a seller sells, such as the fee of a tool.
    pub const ANY_SKU: &'static str = "*";
}

/// A price: one rate, or bands of rates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Price {
    /// The same for every quantity.
    Flat(Rate),
    /// By bands.
    Tiers {
        /// Whether a band prices the whole request or only what lies inside it.
        mode: TierMode,
        /// Bands by ascending `above`; the first is above 0.
        steps: Vec<Step>,
    },
}

impl Price {
    /// The rate of a whole request whose prompt, cached tokens included, has this many tokens.
    #[must_use]
    pub fn rate_at(&self, prompt_tokens: u64) -> Rate {
        self.step_at(prompt_tokens).0
    }

    /// The rate at a prompt size, and the limit above which it applies (0 for the base).
    #[must_use]
    pub fn step_at(&self, prompt_tokens: u64) -> (Rate, u64) {
        match self {
            Self::Flat(rate) => (*rate, 0),
            Self::Tiers { steps, .. } => {
                let step = steps.iter().rev().find(|step| prompt_tokens > step.above).or(steps.first());
                step.map_or((Rate::FREE, 0), |step| (step.rate, step.above))
            }
        }
    }

    /// The dearest rate of any band that a prompt of at most this size can reach.
    #[must_use]
    pub fn dearest_within(&self, prompt_tokens_max: u64) -> Rate {
        match self {
            Self::Flat(rate) => *rate,
            Self::Tiers { steps, mode } => {
                let reachable =
                    steps.iter().filter(|step| *mode == TierMode::Marginal || step.above == 0 || prompt_tokens_max > step.above);
                reachable.map(|step| step.rate).max().unwrap_or(Rate::FREE)
            }
        }
    }

    /// Every rate that the price names.
    pub fn rates(&self) -> impl Iterator<Item = Rate> + '_ {
        let (flat, steps) = match self {
            Self::Flat(rate) => (Some(*rate), &[][..]),
            Self::Tiers { steps, .. } => (None, steps.as_slice()),
        };
        flat.into_iter().chain(steps.iter().map(|step| step.rate))
    }
}

/// One band of a tiered price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The band starts strictly above this many.
    pub above: u64,
    /// Its rate.
    pub rate: Rate,
}

/// How bands apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierMode {
    /// The band of the request's prompt tokens (cached ones included) prices all of it: OpenAI, Google, Anthropic.
    WholeRequest,
    /// Each band prices only the units of the line that lie inside it.
    Marginal,
}

/// Where a rule or modifier applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Region {
    /// Everywhere.
    #[default]
    Global,
    /// In any of these; the width says how specific the rule is.
    Within(RegionScope, Vec<String>),
}

/// How wide a region is; a narrower one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RegionScope {
    /// A geography such as `us` or `eu`.
    Geo,
    /// A set of regions with one price.
    Set,
    /// One region.
    Region,
    /// One zone.
    Zone,
}

impl Region {
    /// Whether the rule applies in `region`. An empty `region` is not known, so every rule could apply.
    #[must_use]
    pub fn covers(&self, region: &str) -> bool {
        match self {
            Self::Global => true,
            Self::Within(_, ids) => region.is_empty() || ids.iter().any(|id| id == region),
        }
    }

    /// 0 for everywhere, up to 4 for a zone.
    #[must_use]
    pub const fn specificity(&self) -> u8 {
        match self {
            Self::Global => 0,
            Self::Within(RegionScope::Geo, _) => 1,
            Self::Within(RegionScope::Set, _) => 2,
            Self::Within(RegionScope::Region, _) => 3,
            Self::Within(RegionScope::Zone, _) => 4,
        }
    }
}

/// A half-open span of time; an open end is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first instant inside; `None` for the beginning of time.
    pub from: Option<Timestamp>,
    /// The first instant after; `None` for no end.
    pub to: Option<Timestamp>,
}

impl Span {
    /// All of time.
    pub const ALWAYS: Self = Self { from: None, to: None };

    /// Whether `at` is inside.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }

    /// Whether the two spans share an instant.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let starts_before_end = |a: &Self, b: &Self| match (a.from, b.to) {
            (Some(from), Some(to)) => from < to,
            _ => true,
        };
        starts_before_end(self, other) && starts_before_end(other, self)
    }
}

/// How the time from which a price applies is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Basis {
    /// The seller said so.
    Documented,
    /// The date on which a source first showed it.
    FirstSeen,
    /// The date of a source's commit.
    Commit,
    /// Nobody said; the price is assumed to have applied before.
    #[default]
    Assumed,
}

/// Which kind of price wins over which: later variants win.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PriceKind {
    /// The seller's list price.
    #[default]
    List,
    /// A promotion.
    Promo,
    /// An agreement of one's own.
    Contract,
}

/// Whose row it is: later variants win.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Shipped with Mete.
    #[default]
    Embedded,
    /// The operator's own.
    Operator,
}

/// Where a row comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The source's name, for example `genai-prices`.
    pub source: String,
    /// Its version or date.
    pub version: String,
    /// The row's key there.
    pub key: String,
    /// The price exactly as it is written there.
    pub raw: String,
    /// The page of the seller that the source cites.
    pub url: String,
    /// The source's licence.
    pub licence: String,
    /// Other sources with the same price.
    pub agree: Vec<String>,
    /// Other sources with another price, as `source price`.
    pub differ: Vec<String>,
    /// A remark for `mete prices show`, for example how a derived price was derived.
    pub note: String,
    /// How far the figure can be trusted, where its source says.
    pub confidence: Option<Confidence>,
}

impl Provenance {
    /// The rank of the source among those of a seller: smaller is believed first. An unknown source comes last.
    #[must_use]
    pub fn priority(&self) -> u8 {
        match self.source.as_str() {
            "operator" | "contract" | "" => 0,
            "invoice" => 1,
            "azure-retail" | "github-docs" | "vendor" => 2,
            "genai-prices" | "metergraph" => 3,
            "model-prices" => 4,
            "litellm" => 5,
            "models.dev" => 6,
            "portkey" | "langfuse" => 7,
            _ => 8,
        }
    }
}
