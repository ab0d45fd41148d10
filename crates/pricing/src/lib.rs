//! The price book, what a call cost by it, and what a call can cost at most.
//!
//! - [`Usage`] is what was consumed, as disjoint meters: each token is in exactly one line.
//! - [`PriceBook`] holds effective-dated [`Rule`]s; [`PriceBook::cost`] turns usage into exact [`Cost`] lines.
//! - [`Ask`] is what a request may consume; [`PriceBook::bound`] turns it into a [`Bound`], which is never below the cost.
//! - [`PeriodUse`] is what a period used; [`PriceBook::charge`] turns it into a [`Charge`] by what its plan gives and demands.
//!
//! A missing price is [`Unpriced`], a value of its own and never zero. This crate knows no budget, no HTTP and no
//! provider's JSON; the readers of price files live in `dialects`.

mod alias;
mod allowance;
mod ask;
mod book;
mod bound;
mod charge;
mod check;
mod confidence;
mod cost;
mod credit;
mod facts;
mod fingerprint;
mod model;
mod resolve;
mod rows;
mod rule;
mod schedule;
mod usage;

pub use allowance::{Allowance, Grant, Period};
pub use ask::{Ask, CacheWrite, ToolAsk};
pub use book::{PriceBook, PriceQuery, Unpriced};
pub use bound::{Bound, Unboundable};
pub use charge::{Charge, ChargeError, ChargeKind, ChargeLine, PeriodUse, Used};
pub use confidence::Confidence;
pub use cost::{Cost, CostLine, Priced};
pub use credit::Credit;
pub use model::{Alias, Model, ModelFacts, Modifier, Semantics};
pub use resolve::Resolved;
pub use rows::{BookError, Rows};
pub use rule::{Basis, Layer, Price, PriceKind, Provenance, Region, RegionScope, Rule, Span, Step, TierMode};
pub use schedule::{Holidays, Schedule, ScheduleError, Slot};
pub use usage::{Attrs, Meter, Metered, Usage};
