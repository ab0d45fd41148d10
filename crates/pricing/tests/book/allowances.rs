//! Allowances, plan minimums, pools of seats, bands by the month and pricing currencies: the bill of a period.

use std::collections::BTreeMap;

use crate::cards::*;
use money::{Exact, Nanos};
use pricing::*;
use proptest::prelude::*;

fn nanos(usd: &str) -> Nanos {
    Nanos::from_usd(usd).unwrap()
}

fn allowance(id: &str, plan: &str, grant: Grant) -> Allowance {
    Allowance {
        id: id.to_owned(),
        seller: "shop".to_owned(),
        plan: plan.to_owned(),
        sku: Rule::ANY_SKU.to_owned(),
        grant,
        every: Period::Month,
        valid: Span::ALWAYS,
        recorded: Span::ALWAYS,
        price_kind: PriceKind::List,
        prov: Provenance { source: "card".to_owned(), version: "1".to_owned(), ..Provenance::default() },
        layer: Layer::Embedded,
    }
}

fn free(meter: &str, units: u64) -> Grant {
    Grant::Free { meter: Meter::from_name(meter), attrs: Attrs::new(), units }
}

fn pool(usd: &str) -> Grant {
    Grant::Pool { per_seat: nanos(usd) }
}

fn minimum(usd: &str) -> Grant {
    Grant::Minimum { floor: nanos(usd) }
}

/// Egress in bands of the month, storage by the day, seats, a model priced by the size of a request.
fn rules() -> Vec<Rule> {
    let banded = |mut rule: Rule| {
        if let Price::Tiers { mode, .. } = &mut rule.price {
            *mode = TierMode::Marginal;
        }
        rule
    };
    vec![
        banded(rule("shop/egress", "egress_gb", "", "", "0.09 10240:0.085 51200:0.07")),
        rule("shop/store", "gib_day", "", "", "0.10"),
        rule("shop/cold", "gib_day", "", "", "0.01"),
        rule("shop/plan", "seat_month", "", "", "39"),
        rule("shop/model", "input_tokens", "", "", "1 1000:2"),
    ]
}

fn book(allowances: Vec<Allowance>) -> PriceBook {
    PriceBook::from_rows(Rows { rules: rules(), allowances, ..Rows::default() }).unwrap()
}

fn used(sku: &str, meter: &str, quantity: u64) -> Used {
    Used {
        sku: sku.to_owned(),
        region: String::new(),
        select: BTreeMap::new(),
        counted: Metered { meter: Meter::from_name(meter), attrs: Attrs::new(), quantity },
    }
}

fn month(plan: &str, seats: u64, used: Vec<Used>, calls: &str) -> PeriodUse {
    PeriodUse {
        seller: "shop".to_owned(),
        plan: plan.to_owned(),
        seats,
        period: Period::Month,
        at: now(),
        as_of: now(),
        used,
        calls: nanos(calls),
    }
}

/// The total, then each line as `kind what quantity nanos`.
fn shown(charge: &Charge) -> (String, Vec<String>) {
    let line = |line: &ChargeLine| {
        let what = format!("{:?} {} {}", line.kind, line.what, line.quantity);
        format!("{what} {}", line.nanos.to_usd())
    };
    (charge.total.to_usd(), charge.lines.iter().map(line).collect())
}

#[test]
fn a_period_is_billed_by_what_the_plan_says() {
    let day = |id: &str, grant| Allowance { every: Period::Day, ..allowance(id, "", grant) };
    let own = |sku: &str, row: Allowance| Allowance { sku: sku.to_owned(), ..row };
    let daily = |period: PeriodUse| PeriodUse { period: Period::Day, ..period };
    let egress = |gb| used("shop/egress", "egress_gb", gb);
    let store = |gib| used("shop/store", "gib_day", gib);
    let cold = |gib| used("shop/cold", "gib_day", gib);
    let first_gib = || vec![day("first-gib", free("gib_day", 1))];
    for (name, rows, period, total, lines) in [
        ("nothing used", vec![], month("", 0, vec![store(0)], "0"), "0.00", vec![]),
        (
            "seats",
            vec![],
            month("", 50, vec![used("shop/plan", "seat_month", 50)], "0"),
            "1950.00",
            vec!["List shop/plan seat_month 50 1950.00"],
        ),
        (
            "the first GiB of a day",
            first_gib(),
            daily(month("", 0, vec![store(3)], "0")),
            "0.20",
            vec!["List shop/store gib_day 3 0.30", "Allowance shop/store gib_day 1 -0.10"],
        ),
        (
            "no more than was used",
            vec![day("d", free("gib_day", 5))],
            daily(month("", 0, vec![store(3)], "0")),
            "0.00",
            vec!["List shop/store gib_day 3 0.30", "Allowance shop/store gib_day 3 -0.30"],
        ),
        (
            "what is free by the day isn't free by the month",
            first_gib(),
            month("", 0, vec![store(3)], "0"),
            "0.30",
            vec!["List shop/store gib_day 3 0.30"],
        ),
        (
            "the cheaper is free first",
            vec![allowance("f", "", free("gib_day", 5))],
            month("", 0, vec![store(3), cold(3)], "0"),
            "0.10",
            vec![
                "List shop/store gib_day 3 0.30",
                "List shop/cold gib_day 3 0.03",
                "Allowance shop/cold gib_day 3 -0.03",
                "Allowance shop/store gib_day 2 -0.20",
            ],
        ),
        (
            "one sku's own",
            vec![own("shop/store", allowance("f", "", free("gib_day", 5)))],
            month("", 0, vec![store(3), cold(3)], "0"),
            "0.03",
            vec!["List shop/store gib_day 3 0.30", "List shop/cold gib_day 3 0.03", "Allowance shop/store gib_day 3 -0.30"],
        ),
        (
            "another meter's isn't this one's",
            vec![allowance("f", "", free("egress_gb", 5))],
            month("", 0, vec![store(3)], "0"),
            "0.30",
            vec!["List shop/store gib_day 3 0.30"],
        ),
        (
            "bands of the month, counted together",
            vec![],
            month("", 0, vec![egress(10_000), egress(50_000)], "0"),
            "5019.20",
            vec![
                "List shop/egress egress_gb 10240 921.60",
                "List shop/egress egress_gb 40960 3481.60",
                "List shop/egress egress_gb 8800 616.00",
            ],
        ),
        (
            "free units are the first ones",
            vec![allowance("f", "", free("egress_gb", 100))],
            month("", 0, vec![egress(10_241)], "0"),
            "912.685",
            vec![
                "List shop/egress egress_gb 10240 921.60",
                "List shop/egress egress_gb 1 0.085",
                "Allowance shop/egress egress_gb 100 -9.00",
            ],
        ),
        (
            "two kinds of free units don't overlap",
            vec![allowance("all", "", free("gib_day", 2)), own("shop/store", allowance("own", "", free("gib_day", 2)))],
            month("", 0, vec![store(3)], "0"),
            "0.00",
            vec!["List shop/store gib_day 3 0.30", "Allowance shop/store gib_day 2 -0.20", "Allowance shop/store gib_day 1 -0.10"],
        ),
        (
            "all seats draw on one pool",
            vec![allowance("p", "biz", pool("19"))],
            month("biz", 10, vec![], "250"),
            "60.00",
            vec!["List calls 0 250.00", "Allowance calls 0 -190.00"],
        ),
        (
            "a pool isn't paid out",
            vec![allowance("p", "biz", pool("19"))],
            month("biz", 10, vec![], "7.5"),
            "0.00",
            vec!["List calls 0 7.50", "Allowance calls 0 -7.50"],
        ),
        (
            "another plan's pool",
            vec![allowance("p", "biz", pool("19"))],
            month("ent", 10, vec![], "7.5"),
            "7.50",
            vec!["List calls 0 7.50"],
        ),
        ("no seats, no pool", vec![allowance("p", "biz", pool("19"))], month("biz", 0, vec![], "7.5"), "7.50", vec!["List calls 0 7.50"]),
        (
            "a pool doesn't pay for storage",
            vec![allowance("p", "biz", pool("19"))],
            month("biz", 1, vec![store(10)], "0"),
            "1.00",
            vec!["List shop/store gib_day 10 1.00"],
        ),
        (
            "the minimum",
            vec![allowance("m", "launch", minimum("64"))],
            month("launch", 0, vec![store(100)], "0"),
            "64.00",
            vec!["List shop/store gib_day 100 10.00", "Minimum launch 0 54.00"],
        ),
        (
            "a minimum of a month without use",
            vec![allowance("m", "launch", minimum("64"))],
            month("launch", 0, vec![], "0"),
            "64.00",
            vec!["Minimum launch 0 64.00"],
        ),
        (
            "exactly at the minimum",
            vec![allowance("m", "launch", minimum("10"))],
            month("launch", 0, vec![store(100)], "0"),
            "10.00",
            vec!["List shop/store gib_day 100 10.00"],
        ),
        (
            "above the minimum",
            vec![allowance("m", "launch", minimum("64"))],
            month("launch", 0, vec![store(1_000)], "0"),
            "100.00",
            vec!["List shop/store gib_day 1000 100.00"],
        ),
        (
            "the minimum counts what is left after allowances",
            vec![allowance("m", "", minimum("5")), allowance("f", "", free("gib_day", 80))],
            month("", 0, vec![store(100)], "0"),
            "5.00",
            vec!["List shop/store gib_day 100 10.00", "Allowance shop/store gib_day 80 -8.00", "Minimum  0 3.00"],
        ),
    ] {
        let charge = book(rows).charge(&period).unwrap();
        assert_eq!(shown(&charge), (total.to_owned(), lines.iter().map(ToString::to_string).collect()), "{name}");
    }
}

#[test]
fn a_promotion_takes_the_place_of_the_lists_allowance_for_its_time() {
    let time = |text: &str| format!("{text}T00:00:00Z").parse().unwrap();
    let promo = Allowance {
        price_kind: PriceKind::Promo,
        valid: Span { from: Some(time("2026-06-01")), to: Some(time("2026-09-01")) },
        ..allowance("promo", "biz", pool("30"))
    };
    let list = Allowance { valid: Span { from: Some(time("2026-06-01")), to: None }, ..allowance("list", "biz", pool("19")) };
    let own = Allowance { layer: Layer::Operator, ..allowance("own", "biz", pool("100")) };
    let everyone = allowance("everyone", "", pool("500"));
    let withdrawn = Allowance { recorded: Span { from: None, to: Some(time("2026-05-01")) }, ..promo.clone() };
    for (day, rows, expected) in [
        ("2026-05-31", vec![promo.clone(), list.clone()], vec![]),
        ("2026-06-01", vec![promo.clone(), list.clone()], vec!["promo"]),
        ("2026-06-01", vec![list.clone(), promo.clone()], vec!["promo"]),
        ("2026-08-31", vec![list.clone(), promo.clone()], vec!["promo"]),
        ("2026-09-01", vec![list.clone(), promo.clone()], vec!["list"]),
        ("2026-07-01", vec![list.clone(), withdrawn], vec!["list"]),
        ("2026-07-01", vec![everyone.clone(), list.clone()], vec!["list"]),
        ("2026-07-01", vec![everyone.clone(), promo, list.clone(), own], vec!["own"]),
        (
            "2026-07-01",
            vec![list.clone(), allowance("floor", "biz", minimum("1")), allowance("free", "", free("gib_day", 1))],
            vec!["list", "floor", "free"],
        ),
        ("2026-07-01", vec![allowance("one", "", free("gib_day", 1)), allowance("two", "", free("egress_gb", 1))], vec!["one", "two"]),
        ("2026-07-01", vec![Allowance { seller: "other".to_owned(), ..list }], vec![]),
    ] {
        let (rows, at) = (book(rows), time(day));
        let ids: Vec<_> = rows.allowances("shop", "biz", at, at).into_iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, expected, "{day}");
    }
}

#[test]
fn what_cant_be_charged_is_said_and_never_free() {
    let charge = |used: Vec<Used>| book(Vec::new()).charge(&month("", 0, used, "0")).unwrap_err();
    for (used, says) in [
        (vec![used("shop/unknown", "gib_day", 1)], "no price is known for model `shop/unknown`"),
        (vec![used("shop/store", "egress_gb", 1)], "no price is known for egress_gb of model `shop/store`"),
        (vec![used("shop/model", "input_tokens", 1)], "price its calls and pass their sum"),
        (vec![used("shop/store", "gib_day", u64::MAX), used("shop/store", "gib_day", 1)], "beyond the range of money"),
        (vec![used("shop/plan", "seat_month", u64::MAX)], "beyond the range of money"),
    ] {
        assert!(charge(used).to_string().contains(says), "{says}");
    }
    let absurd = book(vec![allowance("p", "", pool("1000000000"))]);
    assert_eq!(absurd.charge(&month("", u64::MAX, vec![], "1")), Err(ChargeError::OutOfRange));
}

/// A hold can't rely on what a sibling call may have used up: neither the price nor the bound of a call knows allowances.
#[test]
fn an_allowance_changes_no_price_and_no_bound_of_a_call() {
    let (with, without) =
        (book(vec![allowance("f", "", free("input_tokens", 1_000_000)), allowance("p", "", pool("100"))]), book(Vec::new()));
    let query = PriceQuery::new("shop", "shop/model", now());
    let mut usage = Usage::default();
    usage.add(Meter::InputTokens, 5_000);
    let total = |book: &PriceBook| match book.cost(&query, &usage) {
        Cost::Priced(priced) => priced.total,
        Cost::Unpriced(unpriced) => panic!("{unpriced}"),
    };
    assert_eq!((total(&with), total(&without)), (nanos("0.01"), nanos("0.01")));
    let hold = |book: &PriceBook| {
        let bound = book.bound(&query, &Ask { input_tokens: 5_000, ..Ask::default() }).unwrap();
        bound.hold(bound.ceiling_wanted).unwrap()
    };
    assert_eq!((hold(&with), hold(&without)), (nanos("0.01"), nanos("0.01")));
    assert_ne!(with.version(), without.version(), "the book's name tells them apart");
}

#[test]
fn an_absurd_allowance_is_no_row_of_a_book() {
    let time = |text: &str| format!("{text}T00:00:00Z").parse().unwrap();
    let backwards = Span { from: Some(time("2026-02-01")), to: Some(time("2026-01-01")) };
    let good = || allowance("x", "", minimum("1"));
    for (row, expected) in [
        (allowance("x", "", Grant::Minimum { floor: Nanos::new(-1) }), BookError::BadAllowance("x".to_owned())),
        (allowance("x", "", Grant::Pool { per_seat: Nanos::new(-1) }), BookError::BadAllowance("x".to_owned())),
        (Allowance { valid: backwards, ..good() }, BookError::EmptySpan("x".to_owned())),
        (Allowance { recorded: backwards, ..good() }, BookError::EmptySpan("x".to_owned())),
        (Allowance { seller: String::new(), ..good() }, BookError::Nameless("allowance x".to_owned())),
        (Allowance { sku: String::new(), ..good() }, BookError::Nameless("allowance x".to_owned())),
        (Allowance { id: String::new(), ..good() }, BookError::Nameless("allowance ".to_owned())),
    ] {
        assert_eq!(PriceBook::from_rows(Rows { allowances: vec![row], ..Rows::default() }).unwrap_err(), [expected]);
    }
    for grant in [minimum("0"), pool("0")] {
        assert!(PriceBook::from_rows(Rows { allowances: vec![allowance("x", "", grant)], ..Rows::default() }).is_ok());
    }
}

#[test]
fn each_part_of_an_allowance_is_in_the_books_name() {
    let time = |text: &str| format!("{text}T00:00:00Z").parse().ok();
    let base = || allowance("x", "plan", free("gib_day", 1));
    let versions: Vec<String> = [
        base(),
        Allowance { id: "y".to_owned(), ..base() },
        Allowance { seller: "other".to_owned(), ..base() },
        Allowance { plan: "other".to_owned(), ..base() },
        Allowance { sku: "shop/store".to_owned(), ..base() },
        Allowance { every: Period::Day, ..base() },
        Allowance { price_kind: PriceKind::Promo, ..base() },
        Allowance { valid: Span { from: time("2026-01-01"), to: None }, ..base() },
        Allowance { recorded: Span { from: time("2026-01-01"), to: None }, ..base() },
        Allowance { grant: free("gib_day", 2), ..base() },
        Allowance { grant: free("gb_month", 1), ..base() },
        Allowance { grant: pool("1"), ..base() },
        Allowance { grant: pool("2"), ..base() },
        Allowance { grant: minimum("1"), ..base() },
    ]
    .into_iter()
    .map(|row| book(vec![row]).version().to_owned())
    .collect();
    let distinct: std::collections::BTreeSet<&String> = versions.iter().collect();
    assert_eq!(distinct.len(), versions.len());
}

#[test]
fn the_operators_allowance_wins_over_the_books() {
    let book = book(vec![allowance("list", "biz", pool("19"))]);
    let own = book.with_extra(Rows { allowances: vec![allowance("own", "biz", pool("25"))], ..Rows::default() }).unwrap();
    assert_eq!(own.charge(&month("biz", 2, vec![], "60")).unwrap().total, nanos("10"));
}

#[test]
fn a_confidence_has_one_name_and_the_least_trusted_comes_first() {
    let names = ["default", "conflict", "secondary", "curated", "corroborated", "table"];
    assert_eq!(Confidence::ALL.map(Confidence::name), names);
    assert_eq!(names.map(|name| Confidence::from_name(name).unwrap()), Confidence::ALL);
    assert_eq!(Confidence::from_name("sure"), None);
    assert!(Confidence::ALL.windows(2).all(|pair| pair[0] < pair[1]));
}

fn credit_rule(usd: &str) -> Rule {
    Rule { unit: "AI credit".to_owned(), ..rule("shop/x", Credit::METER, "", "", usd) }
}

fn with_credit(usd: &str) -> PriceBook {
    PriceBook::from_rows(Rows { rules: vec![Rule { sku: Rule::ANY_SKU.to_owned(), ..credit_rule(usd) }], ..Rows::default() }).unwrap()
}

#[test]
fn an_amount_is_so_many_credits_and_back() {
    let cent = with_credit("0.01").credit("shop", now(), now()).unwrap();
    assert_eq!((cent.name.as_str(), cent.usd.to_string().as_str()), ("AI credit", "0.01"));
    for (nanos, credits) in [
        (0, "0"),
        (1, "0.0000001"),
        (10_000_000, "1"),
        (19_000_000_000, "1900"),
        (48_123_456_789, "4812.3456789"),
        (-10_000_000, "-1"),
        (i64::MAX, "922337203685.4775807"),
    ] {
        assert_eq!(cent.of(Nanos::new(nanos)).unwrap().to_string(), credits, "{nanos}");
        if nanos >= 0 {
            assert_eq!(cent.worth(decimal(credits)), Some(Exact::from(Nanos::new(nanos))), "{credits}");
        }
    }
    assert_eq!(cent.worth(decimal("0.000000001")).unwrap().to_string(), "$0.00000000001", "a nano-credit is finer than a nano-dollar");
    assert_eq!(cent.worth(decimal("-1")), None);
    let odd = with_credit("0.03").credit("shop", now(), now()).unwrap();
    assert_eq!((odd.of(nanos("0.06")).map(|credits| credits.to_string()), odd.of(nanos("0.01"))), (Some("2".to_owned()), None));
}

#[test]
fn only_a_seller_that_has_credits_bills_in_them() {
    let book = with_credit("0.01");
    assert_eq!(book.credit("other", now(), now()), None);
    assert_eq!(
        PriceBook::from_rows(Rows { rules: vec![credit_rule("0.01")], ..Rows::default() }).unwrap().credit("shop", now(), now()),
        None
    );
    let from = "2026-12-01T00:00:00Z".parse().unwrap();
    let any = Rule::ANY_SKU.to_owned();
    let later = Rule { sku: any.clone(), id: "later".to_owned(), valid: Span { from: Some(from), to: None }, ..credit_rule("0.02") };
    let unknown = Rule {
        id: "unknown".to_owned(),
        recorded: Span { from: Some(from), to: None },
        ..Rule { sku: any.clone(), ..credit_rule("0.05") }
    };
    let now_rule = Rule { sku: any, ..credit_rule("0.01") };
    let book = PriceBook::from_rows(Rows { rules: vec![now_rule, later, unknown], ..Rows::default() });
    let book = book.unwrap();
    let usd = |at, as_of| book.credit("shop", at, as_of).unwrap().usd.to_string();
    assert_eq!((usd(now(), now()), usd(from, now())), ("0.01".to_owned(), "0.02".to_owned()));
}

#[derive(Clone, Debug)]
struct Draw {
    egress: u64,
    stored: [u64; 2],
    calls: u64,
    seats: u64,
    free_gb: u64,
    free_gib: u64,
    pool: u64,
    floor: u64,
}

fn draws() -> impl Strategy<Value = Draw> {
    let counts = (0_u64..70_000, [0_u64..50, 0..50], 0_u64..10_u64.pow(12), 0_u64..40);
    let gives = (0_u64..20_000, 0_u64..80, 0_u64..10_u64.pow(11), 0_u64..10_u64.pow(12));
    (counts, gives).prop_map(|((egress, stored, calls, seats), (free_gb, free_gib, pool, floor))| Draw {
        egress,
        stored,
        calls,
        seats,
        free_gb,
        free_gib,
        pool,
        floor,
    })
}

fn amount(nanos: u64) -> Nanos {
    Nanos::new(i64::try_from(nanos).unwrap())
}

fn charge(draw: &Draw) -> Charge {
    let rows = vec![
        allowance("gb", "", free("egress_gb", draw.free_gb)),
        allowance("gib", "", free("gib_day", draw.free_gib)),
        allowance("pool", "", Grant::Pool { per_seat: amount(draw.pool) }),
        allowance("floor", "", Grant::Minimum { floor: amount(draw.floor) }),
    ];
    let used = vec![
        used("shop/egress", "egress_gb", draw.egress),
        used("shop/store", "gib_day", draw.stored[0]),
        used("shop/cold", "gib_day", draw.stored[1]),
    ];
    book(rows).charge(&PeriodUse { calls: amount(draw.calls), ..month("", draw.seats, used, "0") }).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_charge_adds_up_and_stays_between_its_floor_and_list(draw in draws()) {
        let charge = charge(&draw);
        prop_assert_eq!(charge.lines.iter().map(|line| line.nanos.get()).sum::<i64>(), charge.total.get());
        let list = charge.sum(ChargeKind::List);
        let floor = amount(draw.floor).get();
        prop_assert!(charge.total.get() >= floor.max(0));
        prop_assert!(charge.total.get() <= list.max(floor));
        prop_assert!(charge.sum(ChargeKind::Allowance) <= 0 && charge.sum(ChargeKind::Minimum) >= 0);
        let nothing_given = Draw { free_gb: 0, free_gib: 0, pool: 0, floor: 0, ..draw };
        prop_assert_eq!(self::charge(&nothing_given).total.get(), list);
    }

    #[test]
    fn more_use_never_costs_less_and_a_better_plan_never_more(draw in draws(), more in 1_u64..5_000) {
        let total = |draw: &Draw| charge(draw).total;
        let base = total(&draw);
        let used_more = [
            Draw { egress: draw.egress + more, ..draw.clone() },
            Draw { stored: [draw.stored[0] + more, draw.stored[1]], ..draw.clone() },
            Draw { stored: [draw.stored[0], draw.stored[1] + more], ..draw.clone() },
            Draw { calls: draw.calls + more, ..draw.clone() },
            Draw { floor: draw.floor + more, ..draw.clone() },
        ];
        prop_assert!(used_more.iter().all(|other| total(other) >= base));
        let given_more = [
            Draw { free_gb: draw.free_gb + more, ..draw.clone() },
            Draw { free_gib: draw.free_gib + more, ..draw.clone() },
            Draw { pool: draw.pool + more, ..draw.clone() },
            Draw { seats: draw.seats + more, ..draw.clone() },
        ];
        prop_assert!(given_more.iter().all(|other| total(other) <= base));
    }

    #[test]
    fn credits_lose_nothing(nanos in 0_i64..=i64::MAX) {
        let cent = with_credit("0.01").credit("shop", now(), now()).unwrap();
        let credits = cent.of(Nanos::new(nanos)).unwrap();
        prop_assert_eq!(cent.worth(credits), Some(Exact::from(Nanos::new(nanos))));
    }
}

#[test]
fn a_line_names_the_allowance_and_how_far_it_can_be_trusted() {
    let prov = |confidence| Provenance { source: "plans".to_owned(), version: "2026-11".to_owned(), confidence, ..Provenance::default() };
    let row = |confidence| Allowance { prov: prov(confidence), ..allowance("floor", "team", minimum("25")) };
    for (confidence, rule) in [(None, "floor (plans 2026-11)"), (Some(Confidence::Secondary), "floor (plans 2026-11, secondary)")] {
        let charge = book(vec![row(confidence)]).charge(&month("team", 1, vec![], "10")).unwrap();
        let last = charge.lines.last().unwrap();
        assert_eq!((last.rule.as_str(), last.what.as_str(), last.nanos), (rule, "team", nanos("15")));
    }
}
