//! Bounds of what a provider bills beside one prompt and one ceiling: further readings, output beyond the ceiling, free tools, a
//! larger window, and prices that change while a call is on its way.

use crate::cards::*;
use pricing::*;

fn chat() -> Ask {
    Ask { input_tokens: 1_000, output_ceiling: Some(0), generates: true, choices: 1, ..Ask::default() }
}

fn hold(model: &str, ask: &Ask) -> i64 {
    let query = PriceQuery::new(model.split('/').next().unwrap(), model, now());
    cards().bound(&query, ask).unwrap().hold(0).unwrap().get()
}

fn tool(name: &str, uses: u64, result: u64) -> ToolAsk {
    ToolAsk { tool: name.to_owned(), uses_max: Some(uses), result_tokens_max: Some(result), ..ToolAsk::default() }
}

#[test]
fn whatever_reads_the_prompt_again_is_in_the_hold() {
    let again = ToolAsk { extra_readings: 2, ..tool("web_search", 3, 100) };
    let free = ToolAsk { is_free: true, ..tool("mcp", 2, 0) };
    for (what, model, ask, nanos) in [
        ("one reading", "a/card", chat(), 3_000_000),
        ("two more", "a/card", Ask { extra_readings: 2, ..chat() }, 9_000_000),
        (
            "two more of the window, in the band above the limit",
            "a/card",
            Ask { extra_readings: 2, hidden_input: true, ..chat() },
            3_000_000 * 6_000,
        ),
        // 1,000 once, then 1,100, 1,200 and 1,300 after each use, and six times at most 1,300.
        ("a tool whose uses take more turns", "a/card", Ask { tools: vec![again], ..chat() }, 12_400 * 3_000 + 30_000_000),
        ("a tool without a fee", "a/card", Ask { tools: vec![free], ..chat() }, 9_000_000),
        ("a dialect that reads again at any seller", "g/card", Ask { tools: vec![], prompt_again_after_tools: true, ..chat() }, 1_250_000),
    ] {
        assert_eq!(hold(model, &ask), nanos, "{what}");
    }
    let mut rows = rows();
    rows.semantics.push(Semantics { seller: "g".to_owned(), prompt_again_after_tools: false, ..Semantics::default() });
    let book = PriceBook::from_rows(rows).unwrap();
    let free = ToolAsk { is_free: true, ..tool("mcp", 2, 0) };
    for (again, nanos) in [(false, 1_250_000), (true, 3_750_000)] {
        let ask = Ask { tools: vec![free.clone()], prompt_again_after_tools: again, ..chat() };
        let bound = book.bound(&PriceQuery::new("g", "g/card", now()), &ask).unwrap();
        assert_eq!(bound.hold(0).unwrap().get(), nanos, "{again}");
    }
}

#[test]
fn output_beyond_the_ceiling_and_a_larger_window_are_in_the_hold() {
    for (what, ask, nanos) in [
        ("a rejected prediction", Ask { extra_output_tokens: 200, ..chat() }, 3_000_000 + 3_000_000),
        ("a window that is asked for", Ask { input_window: Some(2_000_000), hidden_input: true, ..chat() }, 2_000_000 * 6_000),
        ("a smaller one changes nothing", Ask { input_window: Some(5), hidden_input: true, ..chat() }, 1_000_000 * 6_000),
    ] {
        assert_eq!(hold("a/card", &ask), nanos, "{what}");
    }
}

#[test]
fn a_price_that_changes_within_the_hour_is_in_the_hold() {
    let time = |text: &str| Some(text.parse().unwrap());
    let hours = |from_minute: u16, to_minute: u16| {
        Schedule::new("UTC", vec![Slot { weekdays: vec![], from_minute, to_minute }], vec![], Holidays::AsUsual).unwrap()
    };
    let base = || rule("h/h", "input_tokens", "", "", "1");
    let dated = |from: Option<jiff::Timestamp>, to: Option<jiff::Timestamp>, price: &str| Rule {
        valid: Span { from, to },
        ..rule("h/h", "input_tokens", "", "", price)
    };
    let hourly = |from: u16, to: u16, price: &str| Rule { schedule: Some(hours(from, to)), ..rule("h/h", "input_tokens", "", "", price) };
    let noon = 12 * 60;
    for (what, rules, nanos) in [
        ("always the same", vec![base()], 1_000_000),
        (
            "dearer in half an hour",
            vec![dated(None, time("2026-11-23T12:30:00Z"), "1"), dated(time("2026-11-23T12:30:00Z"), None, "4")],
            4_000_000,
        ),
        (
            "dearer in two hours",
            vec![dated(None, time("2026-11-23T14:00:00Z"), "1"), dated(time("2026-11-23T14:00:00Z"), None, "4")],
            1_000_000,
        ),
        (
            "cheaper in half an hour",
            vec![dated(None, time("2026-11-23T12:30:00Z"), "4"), dated(time("2026-11-23T12:30:00Z"), None, "1")],
            4_000_000,
        ),
        ("no price after it", vec![dated(None, time("2026-11-23T12:30:00Z"), "4")], 4_000_000),
        ("busy hours begin", vec![base(), hourly(noon + 30, noon + 120, "2")], 2_000_000),
        ("busy hours end", vec![base(), hourly(noon - 60, noon + 30, "2")], 2_000_000),
        ("busy hours are far", vec![base(), hourly(noon + 120, noon + 180, "2")], 1_000_000),
    ] {
        let mut output = rule("h/h", "output_tokens", "", "", "1");
        output.id = "output".to_owned();
        let rules = rules.into_iter().chain([output]).collect();
        let book = PriceBook::from_rows(Rows { rules, ..Rows::default() }).unwrap();
        let bound = book.bound(&PriceQuery::new("h", "h/h", now()), &chat()).unwrap();
        assert_eq!(bound.hold(0).unwrap().get(), nanos, "{what}");
    }
}

#[test]
fn a_factor_and_an_output_price_that_change_within_the_hour_are_in_the_hold() {
    let soon: jiff::Timestamp = "2026-11-23T12:30:00Z".parse().unwrap();
    let mut rows = rows();
    rows.modifiers.push(Modifier { valid: Span { from: Some(soon), to: None }, ..modifier("rise", "g", "", "3") });
    let book = PriceBook::from_rows(rows).unwrap();
    let bound = book.bound(&PriceQuery::new("g", "g/card", now()), &chat()).unwrap();
    assert_eq!(bound.hold(100).unwrap().get(), 3 * (1_250_000 + 1_000_000));
}
