//! [`Decimal`], a number exactly as it was written.

use core::fmt;

/// An exact decimal: `mantissa × 10^−scale`, with trailing zeros removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// Why a text isn't a decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// Not a finite decimal number such as `12.5` or `5e-07`.
    NotANumber,
    /// More than 30 significant digits, or an exponent beyond ±30.
    OutOfRange,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber => f.write_str("not a decimal number such as 12.50"),
            Self::OutOfRange => f.write_str("too many digits or too large an exponent"),
        }
    }
}

impl std::error::Error for DecimalError {}

const DIGITS_MAX: usize = 30;
const EXPONENT_MAX: i64 = 30;

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { mantissa: 0, scale: 0 };

    /// `mantissa × 10^−scale`.
    #[must_use]
    pub fn new(mantissa: i128, scale: u32) -> Self {
        Self { mantissa, scale }.normal()
    }

    /// Reads `[-]digits[.digits][e[±]digits]`, ASCII only, no spaces, no grouping.
    ///
    /// # Errors
    /// The text isn't such a number, or is out of range.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (number, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || number.ends_with('.') {
            return Err(DecimalError::NotANumber);
        }
        let digits: String = [whole, fraction].concat();
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Ok(Self::ZERO);
        }
        if significant.len() > DIGITS_MAX {
            return Err(DecimalError::OutOfRange);
        }
        let mantissa: i128 = significant.parse().map_err(|_| DecimalError::OutOfRange)?;
        let fraction_digits = i64::try_from(fraction.len()).map_err(|_| DecimalError::OutOfRange)?;
        Self::shifted(if negative { -mantissa } else { mantissa }, fraction_digits - exponent)
    }

    fn shifted(mantissa: i128, scale: i64) -> Result<Self, DecimalError> {
        if scale.abs() > 2 * EXPONENT_MAX {
            return Err(DecimalError::OutOfRange);
        }
        if scale >= 0 {
            let scale = u32::try_from(scale).map_err(|_| DecimalError::OutOfRange)?;
            return Ok(Self::new(mantissa, scale));
        }
        let power = u32::try_from(-scale).ok().and_then(|power| 10_i128.checked_pow(power));
        let mantissa = power.and_then(|power| mantissa.checked_mul(power)).ok_or(DecimalError::OutOfRange)?;
        Ok(Self { mantissa, scale: 0 })
    }

    fn normal(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }

    /// Whether the number is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// Whether the number is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// The number without its point, beside the count of digits after it.
    #[must_use]
    pub const fn parts(self) -> (i128, u32) {
        (self.mantissa, self.scale)
    }

    /// The number × 10^`scale` when that is an integer of 128 bits.
    #[must_use]
    pub fn to_integer_at_scale(self, scale: u32) -> Option<i128> {
        let missing = scale.checked_sub(self.scale)?;
        self.mantissa.checked_mul(10_i128.checked_pow(missing)?)
    }

    /// `self × other`, exactly, or `None` beyond 128 bits.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        Some(Self::new(self.mantissa.checked_mul(other.mantissa)?, self.scale.checked_add(other.scale)?))
    }
}

fn parse_exponent(text: &str) -> Result<i64, DecimalError> {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DecimalError::NotANumber);
    }
    match digits.parse::<i64>() {
        Ok(value) if value <= EXPONENT_MAX => Ok(sign * value),
        _ => Err(DecimalError::OutOfRange),
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        let scale = self.scale as usize;
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_price_feeds_keep_every_digit() {
        for (literal, text) in [
            ("5e-07", "0.0000005"),
            ("1.25e-06", "0.00000125"),
            ("0.0", "0"),
            ("-3.50", "-3.5"),
            ("1E3", "1000"),
            ("88.4899999025753", "88.4899999025753"),
        ] {
            assert_eq!(Decimal::parse(literal).map(|decimal| decimal.to_string()), Ok(text.to_owned()), "{literal}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for literal in ["", ".", "1.", ".5", "+1", " 1", "1 ", "0x1", "1_0", "1e", "١", "--1", "1.2.3", "Infinity"] {
            assert_eq!(Decimal::parse(literal), Err(DecimalError::NotANumber), "{literal:?}");
        }
        for literal in ["1e31", "1e-31", "1234567890123456789012345678901"] {
            assert_eq!(Decimal::parse(literal), Err(DecimalError::OutOfRange), "{literal:?}");
        }
    }
}
