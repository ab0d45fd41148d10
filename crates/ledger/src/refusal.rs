//! A refusal: business says no. It isn't an error, and it changes nothing.

use jiff::Timestamp;
use money::Nanos;

use crate::Account;

/// Why a hold was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalCode {
    /// Would fit once other holds settle: waiting can help.
    Held,
    /// `min` is above limit − spent − overage: waiting for holds can't help in this window.
    NeverFits,
}

/// A refused hold, with the numbers of the account that refused it (the first that doesn't fit, most specific numbers).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Held or never fits.
    pub code: RefusalCode,
    /// The account that refused.
    pub account: Account,
    /// Its limit.
    pub limit: Nanos,
    /// Spent there, overage excluded.
    pub spent: Nanos,
    /// Held there by other calls.
    pub held: Nanos,
    /// Overage there.
    pub overage: Nanos,
    /// The smallest amount that would have been accepted (`min`).
    pub needed: Nanos,
    /// When the window starts anew, if it does.
    pub resets_at: Option<Timestamp>,
}
