//! Every row of the cards, and every fact in a row, is needed: without it at least one named case comes out wrong. This is
//! mutation testing of the price rows themselves; `docs/mutation.md` is about the code.

use pricing::{Holidays, Price, PriceBook, Region, Rows, Rule, Schedule, Span, Step};

use crate::case::{Case, rows};

/// The rows with one thing taken out or turned over, and what that was.
struct Change {
    what: String,
    /// Whose cases can notice; empty for everyone's.
    seller: String,
    rows: Rows,
}

fn change(what: String, seller: &str, edit: impl FnOnce(&mut Rows)) -> Change {
    let mut rows = rows();
    edit(&mut rows);
    Change { what, seller: seller.to_owned(), rows }
}

/// Whether a case fails under the changed rows, or the rows are refused as a book.
fn is_noticed(change: &Change, cases: &[Case]) -> bool {
    let Ok(book) = PriceBook::from_rows(change.rows.clone()) else { return true };
    cases.iter().filter(|case| change.seller.is_empty() || case.seller() == change.seller).any(|case| !case.failures(&book).is_empty())
}

fn check(changes: Vec<Change>) {
    let cases = crate::all();
    let unnoticed: Vec<&str> = changes.iter().filter(|change| !is_noticed(change, &cases)).map(|change| change.what.as_str()).collect();
    assert!(changes.len() > 5 && unnoticed.is_empty(), "{} of {} go unnoticed:\n{}", unnoticed.len(), changes.len(), unnoticed.join("\n"));
}

#[test]
fn without_any_one_row_a_named_case_fails() {
    let all = rows();
    let mut changes = Vec::new();
    for (at, row) in all.rules.iter().enumerate() {
        changes.push(change(named(row), &row.seller, |rows| _ = rows.rules.remove(at)));
    }
    for (at, row) in all.aliases.iter().enumerate() {
        changes.push(change(format!("alias {} {} → {}", row.seller, row.name, row.sku), &row.seller, |rows| _ = rows.aliases.remove(at)));
    }
    for (at, row) in all.modifiers.iter().enumerate() {
        changes.push(change(format!("modifier {} {}", row.seller, row.id), &row.seller, |rows| _ = rows.modifiers.remove(at)));
    }
    for (at, row) in all.models.iter().enumerate() {
        changes.push(change(format!("model {}", row.sku), "", |rows| _ = rows.models.remove(at)));
    }
    for (at, row) in all.semantics.iter().enumerate() {
        changes.push(change(format!("semantics {}", row.seller), &row.seller, |rows| _ = rows.semantics.remove(at)));
    }
    check(changes);
}

/// A rule as a person knows it.
fn named(row: &Rule) -> String {
    format!("rule {} {} {:?} {:?} ${}", row.sku, row.meter.name(), row.attrs, row.select, row.price.rate_at(0).price())
}

fn steps(rule: &mut Rule) -> &mut Vec<Step> {
    match &mut rule.price {
        Price::Tiers { steps, .. } => steps,
        Price::Flat(_) => panic!("a flat price has no bands"),
    }
}

/// Changes of one rule: each band, attribute, selector, region and end of time, and the schedule.
fn facts(at: usize, row: &Rule) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut add = |what: &str, edit: &dyn Fn(&mut Rule)| {
        changes.push(change(format!("{}: {what}", named(row)), &row.seller, |rows| edit(&mut rows.rules[at])));
    };
    if let Price::Tiers { steps: bands, .. } = &row.price {
        for band in 1..bands.len() {
            add("a band is gone", &|rule| _ = steps(rule).remove(band));
            add("a band starts one token later", &|rule| steps(rule)[band].above += 1);
            add("a band starts one token earlier", &|rule| steps(rule)[band].above -= 1);
        }
    }
    // A write of a lifetime without a price costs the dearest write that is known: the dearest row's own can't be noticed.
    let dearest_write = |name: &str| name == "ttl" && row.attrs[name] == "1h";
    for name in row.attrs.keys().filter(|name| !dearest_write(name)) {
        add(&format!("{name} is another"), &|rule| _ = rule.attrs.insert(name.clone(), "another".to_owned()));
    }
    for name in row.select.keys() {
        add(&format!("whatever the {name}"), &|rule| _ = rule.select.remove(name));
        add(&format!("{name} is another"), &|rule| _ = rule.select.insert(name.clone(), "another".to_owned()));
    }
    if row.region != Region::Global {
        add("it holds everywhere", &|rule| rule.region = Region::Global);
    }
    if row.valid.from.is_some() {
        add("it held before", &|rule| rule.valid = Span { from: None, ..rule.valid });
    }
    if row.recorded != Span::ALWAYS {
        add("it is still believed", &|rule| rule.recorded = Span::ALWAYS);
    }
    if let Some(hours) = &row.schedule {
        add("it holds at all hours", &|rule| rule.schedule = None);
        let with =
            |slots: Vec<pricing::Slot>, on_holidays| Schedule::new(hours.zone(), slots, hours.holidays.clone(), on_holidays).unwrap();
        add("holidays are days like others", &|rule| rule.schedule = Some(with(hours.slots.clone(), Holidays::AsUsual)));
        add("every day is alike", &|rule| {
            let days = hours.slots.iter().map(|slot| pricing::Slot { weekdays: Vec::new(), ..slot.clone() }).collect();
            rule.schedule = Some(with(days, hours.on_holidays));
        });
        add("its clock is London's", &|rule| {
            rule.schedule = Some(Schedule::new("UTC", hours.slots.clone(), hours.holidays.clone(), hours.on_holidays).unwrap());
        });
        for slot in 0..hours.slots.len() {
            let mut fewer = hours.slots.clone();
            fewer.remove(slot);
            add("a slot is gone", &|rule| rule.schedule = Some(with(fewer.clone(), hours.on_holidays)));
        }
    }
    changes
}

#[test]
fn without_any_one_fact_of_a_rule_a_named_case_fails() {
    check(rows().rules.iter().enumerate().flat_map(|(at, row)| facts(at, row)).collect());
}

#[test]
fn without_any_one_fact_of_a_factor_name_or_model_a_named_case_fails() {
    let all = rows();
    let mut changes = Vec::new();
    for (at, row) in all.modifiers.iter().enumerate() {
        let named = |what: &str| format!("modifier {} {}: {what}", row.seller, row.id);
        for (index, meter) in row.meters.iter().enumerate() {
            changes.push(change(named(&format!("not for {meter}")), &row.seller, |rows| _ = rows.modifiers[at].meters.remove(index)));
        }
        for name in row.select.keys() {
            changes.push(change(named(&format!("whatever the {name}")), &row.seller, |rows| _ = rows.modifiers[at].select.remove(name)));
        }
        if let Region::Within(scope, ids) = &row.region {
            changes.push(change(named("everywhere"), &row.seller, |rows| rows.modifiers[at].region = Region::Global));
            for id in ids {
                let fewer: Vec<String> = ids.iter().filter(|other| *other != id).cloned().chain(["elsewhere".to_owned()]).collect();
                changes.push(change(named(&format!("not in {id}")), &row.seller, |rows| {
                    rows.modifiers[at].region = Region::Within(*scope, fewer)
                }));
            }
        }
    }
    for (at, row) in all.aliases.iter().enumerate().filter(|(_, row)| row.valid.from.is_some()) {
        changes.push(change(format!("alias {} {}: it always meant that", row.seller, row.name), &row.seller, |rows| {
            rows.aliases[at].valid = Span::ALWAYS
        }));
    }
    for (at, row) in all.models.iter().enumerate() {
        if row.facts.input_tokens_max.is_some() {
            changes.push(change(format!("model {}: its window", row.sku), "", |rows| rows.models[at].facts.input_tokens_max = None));
        }
        if row.facts.output_tokens_max.is_some() {
            changes
                .push(change(format!("model {}: its largest output", row.sku), "", |rows| rows.models[at].facts.output_tokens_max = None));
        }
        if row.facts.cache_tokens_min > 0 && row.sku == "o/writes" {
            changes.push(change(format!("model {}: its smallest cached prompt", row.sku), "", |rows| {
                rows.models[at].facts.cache_tokens_min = 0
            }));
        }
    }
    for (at, row) in all.semantics.iter().enumerate() {
        let named = |what: &str| format!("semantics {}: {what}", row.seller);
        if !row.automatic_cache_writes {
            changes.push(change(named("writes unasked"), &row.seller, |rows| rows.semantics[at].automatic_cache_writes = true));
        }
        // Messages say of themselves that the prompt is read again, whoever sells them.
        if !row.prompt_again_after_tools {
            let edit = |rows: &mut Rows| rows.semantics[at].prompt_again_after_tools = !row.prompt_again_after_tools;
            changes.push(change(named("reads the prompt after tools"), &row.seller, edit));
        }
        if !row.input_includes_cache_read {
            changes.push(change(named("cache reads"), &row.seller, |rows| rows.semantics[at].input_includes_cache_read = true));
            changes.push(change(named("cache writes"), &row.seller, |rows| rows.semantics[at].input_includes_cache_write = true));
        }
    }
    check(changes);
}
