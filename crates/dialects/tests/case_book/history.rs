//! Prices in time: hours, dates, announcements, and names that move.

use dialects::Operation::Chat;
use serde_json::json;

use crate::case::Case;

pub fn cases() -> Vec<Case> {
    let d = |name: &str, model: &str, at: &str, expected: &str| {
        let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 500});
        Case::usage(name, Chat, "d/card", usage).named("d", model).at(at).is(expected)
    };
    let peak = "2_310_000";
    let off = "1_650_000";
    vec![
        d("65 nine o'clock in Beijing is peak", "card", "2026-11-23T01:00:00Z", peak),
        d("65 a second before nine is off-peak", "card", "2026-11-23T00:59:59Z", off),
        d("65 noon in Beijing is off-peak", "card", "2026-11-23T04:00:00Z", off),
        d("65 the afternoon is peak again", "card", "2026-11-23T06:00:00Z", peak),
        d("65 a weekend is off-peak all day", "card", "2026-11-22T02:00:00Z", off),
        d("65 Sunday evening in London is Monday morning in Beijing", "card", "2026-11-23T01:30:00Z", peak),
        d("65 a holiday is off-peak all day", "card", "2026-10-01T02:00:00Z", off),
        d("79 a call before the change keeps its price", "d/old", "2026-08-31T23:59:59Z", "490_000"),
        d("79 a call at the change has the new one", "d/old", "2026-09-01T00:00:00Z", "350_000"),
        d("79 a price of the future holds from its day", "d/old", "2026-12-01T00:00:00Z", "3_210_000"),
        d("79 an announcement that was reversed never holds", "d/old", "2026-11-01T00:00:00Z", "350_000"),
        d("79 as it was known before the reversal", "d/old", "2026-11-01T00:00:00Z", "9_210_000").known_at("2026-09-14T00:00:00Z"),
        d("77 a name means what it meant", "chat", "2026-10-31T23:59:59Z", "350_000"),
        d("77 a name that moved", "chat", "2026-11-01T00:00:00Z", off),
        d("77 a retired name goes on at its successor's price", "retired", "2026-11-23T12:00:00Z", off),
    ]
}
