//! [`Nanos`], the one type of an amount of money.

use core::fmt;

use crate::{Decimal, DecimalError};

/// An amount in nano-dollars (10⁻⁹ US dollar). It may be negative only where a posting corrects an earlier one.
///
/// Arithmetic is checked: there is no `+`. One dollar is `1_000_000_000`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nanos(i64);

/// Why a text isn't an amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AmountError {
    /// Not a plain decimal number.
    NotADecimal(DecimalError),
    /// More than nine digits after the point: the amount has no exact nano-dollar.
    TooFine,
    /// Below zero where an amount to spend is meant.
    Negative,
    /// Above one billion dollars.
    TooLarge,
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADecimal(why) => write!(f, "{why}"),
            Self::TooFine => f.write_str("more than nine digits after the point; the smallest amount is $0.000000001"),
            Self::Negative => f.write_str("below zero; write an amount of zero or more"),
            Self::TooLarge => f.write_str("above one billion dollars, the largest amount that a budget can have"),
        }
    }
}

impl std::error::Error for AmountError {}

impl Nanos {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One billion dollars: the largest limit, hold or cost that is accepted from outside.
    pub const MAX: Self = Self(1_000_000_000_000_000_000);
    /// Nano-dollars in one dollar.
    pub const PER_DOLLAR: i64 = 1_000_000_000;

    /// An amount from its number of nano-dollars.
    #[must_use]
    pub const fn new(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The number of nano-dollars.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether this is exactly nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `self + other`, or `None` beyond the range of 64 bits.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// `self − other`, or `None` beyond the range of 64 bits.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// Reads a dollar amount to spend: `"25"`, `"25.00"`, `"0.000000001"`; zero or more, at most [`Nanos::MAX`], exact.
    ///
    /// # Errors
    /// Says what is wrong with the text; nothing is rounded.
    pub fn from_usd(text: &str) -> Result<Self, AmountError> {
        let decimal = Decimal::parse(text).map_err(AmountError::NotADecimal)?;
        if decimal.is_negative() {
            return Err(AmountError::Negative);
        }
        let nanos = decimal.to_integer_at_scale(9).ok_or(AmountError::TooFine)?;
        match i64::try_from(nanos) {
            Ok(nanos) if nanos <= Self::MAX.0 => Ok(Self(nanos)),
            _ => Err(AmountError::TooLarge),
        }
    }

    /// The amount in dollars as an exact decimal text with at least two digits after the point: `"25.00"`, `"0.000000001"`.
    #[must_use]
    pub fn to_usd(self) -> String {
        let magnitude = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = magnitude / 1_000_000_000;
        let fraction = format!("{:09}", magnitude % 1_000_000_000);
        let kept = fraction.trim_end_matches('0').len().max(2);
        format!("{sign}{whole}.{}", &fraction[..kept])
    }
}

impl fmt::Debug for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.to_usd())
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.to_usd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_exactly_or_not_at_all() {
        let cases: &[(&str, Result<i64, AmountError>)] = &[
            ("25.00", Ok(25_000_000_000)),
            ("0", Ok(0)),
            ("0.000000001", Ok(1)),
            ("1e2", Ok(100_000_000_000)),
            ("1000000000", Ok(1_000_000_000_000_000_000)),
            ("1000000000.000000001", Err(AmountError::TooLarge)),
            ("0.0000000001", Err(AmountError::TooFine)),
            ("-1", Err(AmountError::Negative)),
            ("1e400", Err(AmountError::NotADecimal(DecimalError::OutOfRange))),
            ("NaN", Err(AmountError::NotADecimal(DecimalError::NotANumber))),
            ("inf", Err(AmountError::NotADecimal(DecimalError::NotANumber))),
            ("", Err(AmountError::NotADecimal(DecimalError::NotANumber))),
            ("1,5", Err(AmountError::NotADecimal(DecimalError::NotANumber))),
        ];
        for (text, expected) in cases {
            assert_eq!(Nanos::from_usd(text).map(Nanos::get), *expected, "{text}");
        }
    }

    #[test]
    fn dollars_are_written_without_loss() {
        for (nanos, text) in
            [(0, "0.00"), (1, "0.000000001"), (25_000_000_000, "25.00"), (-1_500_000_000, "-1.50"), (i64::MIN, "-9223372036.854775808")]
        {
            assert_eq!(Nanos::new(nanos).to_usd(), text);
        }
    }
}
