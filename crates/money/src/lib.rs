//! Exact money: integer nano-dollars, exact rates, and rounding that has a name.
//!
//! Three types carry every amount in Mete:
//!
//! - [`Nanos`]: an amount that is owed, held or allowed, in integer nano-dollars (10⁻⁹ $).
//! - [`Rate`]: an exact price of one unit, as published ("5.5" dollars per 1,000,000 tokens).
//! - [`Exact`]: a sum of quantities × rates before it is rounded.
//!
//! A cost is summed exactly and rounded once per row: [`Exact::round_up`] for holds,
//! [`Exact::round_half_even`] for settlements. No float enters or leaves this crate.

mod decimal;
mod exact;
mod nanos;

pub use decimal::{Decimal, DecimalError};
pub use exact::{Exact, Rate, RateError, apportion};
pub use nanos::{AmountError, Nanos};
