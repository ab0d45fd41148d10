//! The hash that names a book: the same for the same rows in any order, another for any change that could change a price, a
//! name or a bound.

use std::collections::BTreeSet;

use crate::cards::*;
use pricing::*;

fn version(rows: &Rows) -> String {
    PriceBook::from_rows(rows.clone()).unwrap().version().to_owned()
}

/// One row of each kind, with something in every field that can hold something.
fn full() -> Rows {
    let slots = vec![Slot { weekdays: vec![1, 2], from_minute: 60, to_minute: 120 }];
    let hours = Schedule::new("Asia/Shanghai", slots, vec!["2026-10-01".parse().unwrap()], Holidays::Outside).unwrap();
    let rule = Rule {
        schedule: Some(hours),
        region: Region::Within(RegionScope::Geo, vec!["us".to_owned()]),
        ..rule("s/m", "input_tokens", "modality=audio", "service_tier=flex", "1 5:2")
    };
    let modifier = Modifier {
        region: Region::Within(RegionScope::Geo, vec!["us".to_owned()]),
        meters: vec!["input_tokens".to_owned()],
        excludes: vec!["b".to_owned()],
        ..modifier("a", "s", "service_tier=flex", "0.5")
    };
    let grant = Grant::Free { meter: Meter::InputTokens, attrs: pairs("modality=audio"), units: 5 };
    let allowance = Allowance {
        id: "free".to_owned(),
        seller: "s".to_owned(),
        plan: "pro".to_owned(),
        sku: "s/m".to_owned(),
        grant,
        every: Period::Month,
        valid: Span::ALWAYS,
        recorded: Span::ALWAYS,
        price_kind: PriceKind::List,
        prov: Provenance::default(),
        layer: Layer::Embedded,
    };
    let alias = Alias { select: pairs("route=us"), ..alias("s", "n", "s/m") };
    let model = Model { seller: "s".to_owned(), ..model("s/m", 10, 5, 1) };
    let semantics = Semantics { seller: "s".to_owned(), ..Semantics::default() };
    Rows {
        rules: vec![rule],
        aliases: vec![alias],
        modifiers: vec![modifier],
        models: vec![model],
        semantics: vec![semantics],
        allowances: vec![allowance],
    }
}

fn since() -> Span {
    Span { from: Some("2026-01-01T00:00:00Z".parse().unwrap()), to: None }
}

fn until() -> Span {
    Span { from: None, to: Some("2026-01-01T00:00:00Z".parse().unwrap()) }
}

fn hours(rule: &mut Rule, edit: fn(&mut Slot)) {
    let hours = rule.schedule.as_mut().unwrap();
    hours.slots.iter_mut().for_each(edit);
}

#[test]
fn any_change_of_a_row_names_another_book() {
    let edits: Vec<fn(&mut Rows)> = vec![
        |_| {},
        |rows| rows.rules.clear(),
        |rows| rows.rules[0].id.push('x'),
        |rows| rows.rules[0].seller.push('x'),
        |rows| rows.rules[0].sku.push('x'),
        |rows| rows.rules[0].meter = Meter::OutputTokens,
        |rows| rows.rules[0].attrs.clear(),
        |rows| rows.rules[0].attrs = pairs("modality=image"),
        |rows| rows.rules[0].attrs = pairs("modalit=yaudio"),
        |rows| rows.rules[0].select.clear(),
        |rows| rows.rules[0].select = pairs("service_tier=batch"),
        |rows| rows.rules[0].region = Region::Global,
        |rows| rows.rules[0].region = Region::Within(RegionScope::Set, vec!["us".to_owned()]),
        |rows| rows.rules[0].region = Region::Within(RegionScope::Geo, vec!["us".to_owned(), "eu".to_owned()]),
        |rows| rows.rules[0].region = Region::Within(RegionScope::Geo, vec!["u".to_owned(), "s".to_owned()]),
        |rows| rows.rules[0].price = rule("s/m", "input_tokens", "", "", "1 5:3").price,
        |rows| rows.rules[0].price = rule("s/m", "input_tokens", "", "", "1 6:2").price,
        |rows| rows.rules[0].price = rule("s/m", "input_tokens", "", "", "1 5:2 9:3").price,
        |rows| rows.rules[0].price = rule("s/m", "input_tokens", "", "", "1").price,
        |rows| rows.rules[0].price = rule("s/m", "input_tokens", "", "", "0.1").price,
        |rows| rows.rules[0].price = rule("s/m", "image", "", "", "1").price,
        |rows| {
            let Price::Tiers { mode, .. } = &mut rows.rules[0].price else { panic!() };
            *mode = TierMode::Marginal;
        },
        |rows| rows.rules[0].valid = since(),
        |rows| rows.rules[0].valid = until(),
        |rows| rows.rules[0].recorded = since(),
        |rows| rows.rules[0].recorded = until(),
        |rows| rows.rules[0].layer = Layer::Operator,
        |rows| rows.rules[0].price_kind = PriceKind::Contract,
        |rows| rows.rules[0].prov.source = "litellm".to_owned(),
        |rows| rows.rules[0].free = true,
        |rows| rows.rules[0].schedule = None,
        |rows| hours(&mut rows.rules[0], |slot| slot.weekdays = vec![1]),
        |rows| hours(&mut rows.rules[0], |slot| slot.weekdays = vec![1, 3]),
        |rows| hours(&mut rows.rules[0], |slot| slot.from_minute = 61),
        |rows| hours(&mut rows.rules[0], |slot| slot.to_minute = 121),
        |rows| rows.rules[0].schedule.as_mut().unwrap().holidays.clear(),
        |rows| rows.rules[0].schedule.as_mut().unwrap().holidays = vec!["2026-10-02".parse().unwrap()],
        |rows| rows.rules[0].schedule.as_mut().unwrap().on_holidays = Holidays::Inside,
        |rows| {
            let hours = rows.rules[0].schedule.clone().unwrap();
            rows.rules[0].schedule = Some(Schedule::new("UTC", hours.slots, hours.holidays, hours.on_holidays).unwrap());
        },
        |rows| rows.aliases.clear(),
        |rows| rows.aliases[0].seller.push('x'),
        |rows| rows.aliases[0].name.push('x'),
        |rows| rows.aliases[0].sku.push('x'),
        |rows| rows.aliases[0].select.clear(),
        |rows| rows.aliases[0].valid = since(),
        |rows| rows.aliases[0].recorded = since(),
        |rows| rows.aliases[0].layer = Layer::Operator,
        |rows| rows.modifiers.clear(),
        |rows| rows.modifiers[0].id.push('x'),
        |rows| rows.modifiers[0].seller.push('x'),
        |rows| rows.modifiers[0].sku.push('x'),
        |rows| rows.modifiers[0].select.clear(),
        |rows| rows.modifiers[0].region = Region::Global,
        |rows| rows.modifiers[0].meters.clear(),
        |rows| rows.modifiers[0].excludes.clear(),
        |rows| rows.modifiers[0].factor = decimal("0.05"),
        |rows| rows.modifiers[0].factor = decimal("5"),
        |rows| rows.modifiers[0].order = 1,
        |rows| rows.modifiers[0].valid = since(),
        |rows| rows.modifiers[0].recorded = since(),
        |rows| rows.modifiers[0].layer = Layer::Operator,
        |rows| rows.models.clear(),
        |rows| rows.models[0].seller.clear(),
        |rows| rows.models[0].sku.push('x'),
        |rows| rows.models[0].mode.push('x'),
        |rows| rows.models[0].facts.tokenizer.push('x'),
        |rows| rows.models[0].facts.input_tokens_max = None,
        |rows| rows.models[0].facts.input_tokens_max = Some(11),
        |rows| rows.models[0].facts.output_tokens_max = None,
        |rows| rows.models[0].facts.output_tokens_max = Some(6),
        |rows| rows.models[0].facts.cache_tokens_min = 2,
        |rows| rows.models[0].facts.decode_tokens_per_second = 2,
        |rows| rows.models[0].layer = Layer::Operator,
        |rows| rows.semantics.clear(),
        |rows| rows.semantics[0].seller.push('x'),
        |rows| rows.semantics[0].layer = Layer::Operator,
        |rows| rows.semantics[0].input_includes_cache_read = false,
        |rows| rows.semantics[0].input_includes_cache_write = false,
        |rows| rows.semantics[0].output_includes_reasoning = false,
        |rows| rows.semantics[0].automatic_cache_writes = false,
        |rows| rows.semantics[0].prompt_again_after_tools = false,
        |rows| rows.allowances.clear(),
        |rows| rows.allowances[0].id.push('x'),
        |rows| rows.allowances[0].seller.push('x'),
        |rows| rows.allowances[0].plan.clear(),
        |rows| rows.allowances[0].sku.push('x'),
        |rows| rows.allowances[0].every = Period::Day,
        |rows| rows.allowances[0].grant = Grant::Free { meter: Meter::OutputTokens, attrs: pairs("modality=audio"), units: 5 },
        |rows| rows.allowances[0].grant = Grant::Free { meter: Meter::InputTokens, attrs: Attrs::new(), units: 5 },
        |rows| rows.allowances[0].grant = Grant::Free { meter: Meter::InputTokens, attrs: pairs("modality=audio"), units: 6 },
        |rows| rows.allowances[0].grant = Grant::Pool { per_seat: money::Nanos::new(5) },
        |rows| rows.allowances[0].grant = Grant::Pool { per_seat: money::Nanos::new(6) },
        |rows| rows.allowances[0].grant = Grant::Minimum { floor: money::Nanos::new(5) },
        |rows| rows.allowances[0].grant = Grant::Minimum { floor: money::Nanos::new(6) },
        |rows| rows.allowances[0].valid = since(),
        |rows| rows.allowances[0].recorded = since(),
        |rows| rows.allowances[0].price_kind = PriceKind::Promo,
        |rows| rows.allowances[0].layer = Layer::Operator,
    ];
    let mut seen = BTreeSet::new();
    for (index, edit) in edits.iter().enumerate() {
        let mut rows = full();
        edit(&mut rows);
        let version = version(&rows);
        assert!(version.len() == 16 && version.bytes().all(|byte| byte.is_ascii_hexdigit()), "{version}");
        assert!(seen.insert(version), "edit {index} has the version of another");
    }
}

#[test]
fn what_changes_no_price_and_the_order_of_rows_leave_the_name() {
    let edits: Vec<fn(&mut Rows)> = vec![
        |rows| rows.rules[0].unit.push('x'),
        |rows| rows.rules[0].publisher.push('x'),
        |rows| rows.rules[0].prov.note.push('x'),
        |rows| rows.rules[0].basis = Basis::Documented,
    ];
    for edit in edits {
        let mut rows = full();
        edit(&mut rows);
        assert_eq!(version(&rows), version(&full()));
    }
    let mut reversed = rows();
    reversed.rules.reverse();
    reversed.aliases.reverse();
    reversed.modifiers.reverse();
    reversed.models.reverse();
    assert_eq!(version(&reversed), version(&rows()));
    let text = format!("{:?}", cards());
    assert!(text.starts_with("PriceBook") && text.contains(cards().version()) && text.contains("rules: 11"), "{text}");
}
