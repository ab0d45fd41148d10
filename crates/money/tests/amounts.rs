//! Decimals, rates and amounts at their limits, and what their errors say.

#![allow(clippy::unwrap_used, reason = "a test stops where a step fails")]

use money::{AmountError, Decimal, DecimalError, Exact, Nanos, Rate, RateError, apportion};

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn rate(price: &str, per: u64) -> Rate {
    Rate::new(decimal(price), per).unwrap()
}

#[test]
fn a_decimal_keeps_thirty_digits_and_no_more() {
    let digits = |count: usize| "1".repeat(count);
    let small = |scale: usize| format!("0.{}1", "0".repeat(scale - 1));
    for (text, parts) in [
        (digits(30), Ok((111_111_111_111_111_111_111_111_111_111, 0))),
        (format!("000{}", digits(30)), Ok((111_111_111_111_111_111_111_111_111_111, 0))),
        (digits(31), Err(DecimalError::OutOfRange)),
        (small(33), Ok((1, 33))),
        (small(59), Ok((1, 59))),
        (small(60), Ok((1, 60))),
        (small(61), Err(DecimalError::OutOfRange)),
        (small(62), Err(DecimalError::OutOfRange)),
        (small(200), Err(DecimalError::OutOfRange)),
        ("1e+3".to_owned(), Ok((1_000, 0))),
        ("1e30".to_owned(), Ok((10_i128.pow(30), 0))),
        ("1e-30".to_owned(), Ok((1, 30))),
        ("12.500".to_owned(), Ok((125, 1))),
        ("-12.5e1".to_owned(), Ok((-125, 0))),
        ("100000000000000000000e30".to_owned(), Err(DecimalError::OutOfRange)),
        ("1e".to_owned(), Err(DecimalError::NotANumber)),
        ("1e+".to_owned(), Err(DecimalError::NotANumber)),
        ("1e-x".to_owned(), Err(DecimalError::NotANumber)),
        ("1x".to_owned(), Err(DecimalError::NotANumber)),
        ("x.1".to_owned(), Err(DecimalError::NotANumber)),
        ("1.x".to_owned(), Err(DecimalError::NotANumber)),
    ] {
        assert_eq!(Decimal::parse(&text).map(Decimal::parts), parts, "{text}");
    }
}

#[test]
fn a_decimal_knows_its_sign_and_its_parts() {
    for (text, zero, negative) in
        [("0", true, false), ("-0.00", true, false), ("0.1", false, false), ("-0.1", false, true), ("7", false, false)]
    {
        assert_eq!((decimal(text).is_zero(), decimal(text).is_negative()), (zero, negative), "{text}");
    }
    assert_eq!(Decimal::new(1_500, 2), decimal("15"));
    assert_eq!(Decimal::new(0, 5), Decimal::ZERO);
    assert_eq!((decimal("1.25").to_integer_at_scale(4), decimal("1.25").to_integer_at_scale(1)), (Some(12_500), None));
    assert_eq!(decimal("1e30").to_integer_at_scale(24), None, "beyond 128 bits");
    assert_eq!(decimal("1.1").checked_mul(decimal("-0.5")), Some(decimal("-0.55")));
    assert_eq!(decimal("1e30").checked_mul(decimal("1e30")), None);
    assert_eq!(decimal("-1234.5").to_string(), "-1234.5");
    assert_eq!(decimal("0.05").to_string(), "0.05");
}

#[test]
fn a_rate_is_exact_to_24_digits_and_at_most_a_million_dollars() {
    for (price, per, error) in [
        ("1000000", 1, None),
        ("1000000.00000000000000000000001", 1, Some(RateError::TooLarge)),
        ("1000001", 1, Some(RateError::TooLarge)),
        ("1000001", 10, None),
        ("0.000000000000000000000001", 1, None),
        ("0.0000000000000000000000001", 1, Some(RateError::Inexact)),
        ("0.000000000000000001", 1_000_000, None),
        ("0.0000000000000000001", 1_000_000, Some(RateError::Inexact)),
        ("1", 0, Some(RateError::Inexact)),
        ("0", 0, Some(RateError::Inexact)),
        ("-0.1", 1, Some(RateError::Negative)),
        ("0", 7, None),
    ] {
        assert_eq!(Rate::new(decimal(price), per).err(), error, "{price} per {per}");
    }
    assert_eq!((rate("5.5", 1_000).price(), rate("5.5", 1_000).per()), (decimal("5.5"), 1_000));
    assert!(rate("0", 7).is_zero() && Rate::FREE.is_zero() && !rate("0.1", 1).is_zero());
    assert!(rate("3", 1_000) > rate("2999", 1_000_000) && rate("3", 1_000) < rate("3001", 1_000_000), "by the price of one unit");
    assert!(rate("3", 1_000) < rate("3000", 1_000_000), "equal units are told apart by how many a price buys");
    assert_eq!(rate("3", 1_000).cmp(&rate("3.0", 1_000)), core::cmp::Ordering::Equal);
    assert_eq!(rate("1000000", 1).scaled(decimal("1.1")), Err(RateError::TooLarge));
    assert_eq!(rate("1000000", 1).scaled(decimal("1e30")), Err(RateError::Inexact));
}

#[test]
fn an_amount_that_is_too_large_is_not_a_number() {
    let dear = rate("1000000", 1);
    assert_eq!(dear.times(0), Some(Exact::ZERO));
    assert_eq!(dear.times(u64::MAX), None);
    let most = dear.times(100_000_000).unwrap();
    assert_eq!((most.checked_add(most), most.checked_mul(1_000_000)), (None, None));
    assert_eq!(Exact::ZERO.checked_sub(most).and_then(|less| less.checked_sub(most)), None);
    assert_eq!(most.checked_sub(most), Some(Exact::ZERO));
    assert_eq!((most.round_up(), most.round_half_even()), (None, None), "beyond 64 bits of nano-dollars");
    let two = |count: u64| rate("2", 1).times(count).unwrap();
    assert_eq!((two(3).checked_mul(2), two(3).checked_add(two(1)), two(3).checked_sub(two(1))), (Some(two(6)), Some(two(4)), Some(two(2))));
}

#[test]
fn as_many_units_as_an_amount_buys() {
    let amount = |nanos: i64| Exact::from(Nanos::new(nanos));
    for (price, per, nanos, units) in [
        ("1.25", 1_000_000, 1_250, Some(1)),
        ("1.25", 1_000_000, 1_249, Some(0)),
        ("1.25", 1_000_000, 2_500, Some(2)),
        ("1.25", 1_000_000, -2_500, Some(0)),
        ("0", 1, 1, None),
        ("0.000000000000000000000001", 1, i64::MAX, Some(u64::MAX)),
    ] {
        assert_eq!(rate(price, per).units_within(amount(nanos)), units, "{price} per {per}: {nanos}");
    }
}

#[test]
fn roundings_below_zero_keep_their_name() {
    let half = rate("0.0000000005", 1).times(1).unwrap();
    let below = |amount: Exact| Exact::ZERO.checked_sub(amount).unwrap();
    let three = half.checked_mul(3).unwrap();
    assert_eq!((half.round_up().unwrap().get(), half.round_half_even().unwrap().get()), (1, 0));
    assert_eq!((below(half).round_up().unwrap().get(), below(half).round_half_even().unwrap().get()), (0, 0));
    assert_eq!((three.round_up().unwrap().get(), three.round_half_even().unwrap().get()), (2, 2));
    assert_eq!((below(three).round_up().unwrap().get(), below(three).round_half_even().unwrap().get()), (-1, -2));
    assert_eq!(below(half).to_string(), "-$0.0000000005");
}

#[test]
fn what_is_left_of_a_rounding_goes_to_the_largest_remainder_first() {
    let exact = |tenths: u64| rate("0.0000000001", 1).times(tenths).unwrap();
    for (parts, total, shares) in [
        (vec![3, 4, 3], 1, vec![0, 1, 0]),
        (vec![7, 8, 5], 2, vec![1, 1, 0]),
        (vec![15, 15], 3, vec![2, 1]),
        (vec![20, 10], 3, vec![2, 1]),
        (vec![9, 9, 9], 3, vec![1, 1, 1]),
        (vec![25], 2, vec![2]),
        (vec![], 0, vec![]),
        (vec![3, 3], 1, vec![1, 0]),
        (vec![0, 6], 3, vec![1, 2]),
    ] {
        let parts: Vec<Exact> = parts.into_iter().map(exact).collect();
        let given: Vec<i64> = apportion(&parts, Nanos::new(total)).iter().map(|share| share.get()).collect();
        assert_eq!(given, shares, "{parts:?}");
    }
}

#[test]
fn nano_dollars_add_up_or_say_that_they_cannot() {
    let nanos = Nanos::new;
    assert_eq!(nanos(3).checked_add(nanos(-5)), Some(nanos(-2)));
    assert_eq!(nanos(i64::MAX).checked_add(nanos(1)), None);
    assert_eq!(nanos(3).checked_sub(nanos(5)), Some(nanos(-2)));
    assert_eq!(nanos(i64::MIN).checked_sub(nanos(1)), None);
    assert!(Nanos::ZERO.is_zero() && !nanos(1).is_zero() && !nanos(-1).is_zero());
    assert_eq!((nanos(1_500_000_000).to_string(), format!("{:?}", nanos(-1))), ("$1.50".to_owned(), "$-0.000000001".to_owned()));
    assert_eq!(Nanos::from_usd("0.000000000"), Ok(Nanos::ZERO));
    assert_eq!(Nanos::from_usd("1000000000"), Ok(Nanos::MAX));
    assert_eq!(Nanos::from_usd("99999999999999999999"), Err(AmountError::TooLarge));
}

#[test]
fn errors_say_what_to_do() {
    for (text, says) in [
        (Decimal::parse("x").unwrap_err().to_string(), "not a decimal number such as 12.50"),
        (Decimal::parse("1e99").unwrap_err().to_string(), "too many digits or too large an exponent"),
        (RateError::Negative.to_string(), "a price below zero"),
        (RateError::Inexact.to_string(), "a price per unit that has no exact value with 24 digits; use a power of ten for `per`"),
        (RateError::TooLarge.to_string(), "a price above one million dollars for one unit; check the unit of the source"),
        (Nanos::from_usd("x").unwrap_err().to_string(), "not a decimal number such as 12.50"),
        (Nanos::from_usd("1e-10").unwrap_err().to_string(), "more than nine digits after the point; the smallest amount is $0.000000001"),
        (Nanos::from_usd("-1").unwrap_err().to_string(), "below zero; write an amount of zero or more"),
        (Nanos::from_usd("1e10").unwrap_err().to_string(), "above one billion dollars, the largest amount that a budget can have"),
    ] {
        assert_eq!(text, says);
    }
}
