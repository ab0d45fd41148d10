//! Price files: what is read, what is refused with its line, and that writing loses nothing.

#![allow(clippy::unwrap_used, reason = "a test stops where a step fails")]

use dialects::price_book::{read, write};
use pricing::{Cost, Meter, PriceBook, PriceQuery, Usage};

fn cost(rows: &str, seller: &str, model: &str, tokens: u64) -> Option<String> {
    let book = PriceBook::from_rows(read(rows).unwrap()).unwrap();
    let mut usage = Usage::default();
    usage.add(Meter::InputTokens, tokens);
    match book.cost(&PriceQuery::new(seller, model, "2026-11-23T12:00:00Z".parse().unwrap()), &usage) {
        Cost::Priced(priced) => Some(priced.total.to_usd()),
        Cost::Unpriced(_) => None,
    }
}

#[test]
fn a_row_by_hand_needs_four_fields() {
    for row in [
        r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"2.5"}"#,
        r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":2.5}"#,
        r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":25e-1}"#,
        r#"{"type":"rule","seller":"acme","sku":"meta/m","meter":"input_tokens","price":"0.0000025","per":1}"#,
        r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":{"tiers":{"steps":[{"above":"0","price":"2.5"},{"above":1000000,"price":"5"}]}}}"#,
        r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"2.5","attrs":{"cache":"none","modality":"text"},"select":{"service_tier":"standard","processing":"online"},"region":null,"schedule":null,"unit":"token","per":"1000000","currency":"USD","valid":{"from":"2026-04-24T00:00:00Z","to":null,"basis":"documented"},"recorded":{"from":"2026-11-23T12:00:00Z","to":null},"price_kind":"list","status":"active","kind":"llm","publisher":"acme","prov":{"source":"vendor","version":"1","key":"k","raw":"2.5","url":"u","licence":"MIT"},"id":"x"}"#,
    ] {
        assert_eq!(cost(&format!("# a comment\n\n{row}\n"), "acme", "m", 1_000_000).as_deref(), Some("2.50"), "{row}");
    }
}

#[test]
fn a_wrong_line_is_named_and_nothing_is_taken() {
    let good = r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"2.5"}"#;
    for (bad, says) in [
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"-1"}"#, "a price below zero"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":NaN}"#, "expected value"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"NaN"}"#, "not a decimal number"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"Infinity"}"#, "not a decimal number"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":1e400}"#, "too many digits or too large an exponent"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"1,5"}"#, "not a decimal number"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":null}"#, "not a decimal number"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":true}"#, "not a decimal number"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens"}"#, "missing field `price`"),
        (r#"{"seller":"acme","sku":"acme/m","price":"1"}"#, "missing field `meter`"),
        (r#"{"seller":"","sku":"acme/m","meter":"input_tokens","price":"1"}"#, "`seller` is empty"),
        (r#"{"seller":"acme","sku":" acme/m","meter":"input_tokens","price":"1"}"#, "`sku` is empty, or has spaces"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"0"}"#, "\"free\": true"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"5","per":1}"#, "check `per`"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"5","per":3}"#, "power of ten"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"5","per":0}"#, "power of ten"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"5","per":-1}"#, "not a whole number"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"5","currency":"EUR"}"#, "convert the price to USD"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"5","prize":"6"}"#, "unknown field `prize`"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"5","price":"6"}"#, "duplicate field `price`"),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"5","valid":{"from":"soon"}}"#, "not a time such as"),
        (
            r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"5","valid":{"from":"2026-02-01","to":"2026-01-01"}}"#,
            "ends before it starts",
        ),
        (r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":{"tiers":{"steps":[]}}}"#, "start at \"above\": 0"),
        (
            r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":{"tiers":{"basis":"monthly_quantity","steps":[{"above":0,"price":1}]}}}"#,
            "can't price one call",
        ),
        (
            r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"5","region":{"scope":"galaxy","ids":["x"]}}"#,
            "unknown region scope",
        ),
        (
            r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"5","schedule":{"tz":"Mars/Base","slots":[{"from":"01:00","to":"02:00"}]}}"#,
            "unknown time zone",
        ),
        (
            r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"5","schedule":{"tz":"UTC","slots":[{"from":"23:00","to":"01:00"}]}}"#,
            "don't cross midnight",
        ),
        (r#"{"type":"rumour"}"#, "unknown type `rumour`"),
        (r#"{"type":"alias","seller":"acme","name":"m-{star}","sku":"acme/m"}"#, "unknown hole"),
        (r#"{"type":"modifier","id":"x","seller":"acme","factor":"-0.5"}"#, "negative"),
        (r#"{"type":"allowance","id":"x","seller":"acme"}"#, "exactly one of `free_units`"),
        (r#"{"type":"allowance","id":"x","seller":"acme","minimum_usd":"64","pool_usd_per_seat":"1"}"#, "exactly one of `free_units`"),
        (r#"{"type":"allowance","id":"x","seller":"acme","free_units":"1"}"#, "`meter` is empty"),
        (r#"{"type":"allowance","id":"x","seller":"acme","minimum_usd":"-1"}"#, "below zero"),
        (r#"{"type":"allowance","id":"x","seller":"acme","minimum_usd":"64","every":"year"}"#, "use day or month"),
        (
            r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"5","prov":{"confidence":"sure"}}"#,
            "use default, conflict, secondary, curated, corroborated, table",
        ),
        ("{\"seller\":", "EOF while parsing"),
        ("[]", "invalid"),
    ] {
        let errors = read(&format!("{good}\n{bad}\n")).unwrap_err();
        assert_eq!((errors.len(), errors[0].line), (1, 2), "{bad}");
        assert!(errors[0].to_string().contains(says), "{bad}: {}", errors[0]);
    }
}

#[test]
fn every_kind_of_row_is_written_as_it_was_read() {
    let text = concat!(
        r#"{"type":"semantics","seller":"acme","input_includes_cache_read":false,"prov":{"source":"vendor"}}"#,
        "\n",
        r#"{"type":"model","sku":"acme/m","input_tokens_max":100,"output_tokens_max":10,"cache_tokens_min":1024,"tokenizer":"o200k_base","prov":{"source":"vendor"}}"#,
        "\n",
        r#"{"type":"modifier","id":"eu","seller":"acme","match":{"speed":"fast"},"region":{"scope":"geo","ids":["eu"]},"meters":["input_tokens"],"factor":"1.1","order":2,"excludes":["us"],"prov":{"source":"vendor"}}"#,
        "\n",
        r#"{"type":"alias","seller":"acme","name":"m-{date}","sku":"acme/m","select":{"route":"us"},"valid":{"from":"2026-01-01T00:00:00Z"},"prov":{"source":"vendor"}}"#,
        "\n",
        r#"{"type":"allowance","seller":"acme","id":"floor","minimum_usd":"64.00","prov":{"source":"vendor"}}"#,
        "\n",
        r#"{"type":"allowance","seller":"acme","id":"free","sku":"acme/store","meter":"gib_day","attrs":{"kind":"a"},"free_units":"1","every":"day","prov":{"source":"vendor"}}"#,
        "\n",
        r#"{"type":"allowance","seller":"acme","plan":"business","id":"pool","pool_usd_per_seat":"30.00","valid":{"from":"2026-06-01T00:00:00Z","to":"2026-09-01T00:00:00Z"},"price_kind":"promo","prov":{"source":"vendor","confidence":"secondary"}}"#,
        "\n",
        r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","attrs":{"modality":"audio"},"select":{"service_tier":"flex"},"region":{"scope":"set","ids":["a","b"]},"price":{"tiers":{"steps":[{"above":"0","price":"2.5"},{"above":"272000","price":"5"}]}},"schedule":{"tz":"UTC","slots":[{"weekdays":[1,2],"from":"01:00","to":"24:00"}],"holidays":["2026-10-01"],"on_holidays":"outside"},"valid":{"from":"2026-01-01T00:00:00Z","to":"2027-01-01T00:00:00Z","basis":"documented"},"recorded":{"from":"2026-01-01T00:00:00Z"},"price_kind":"promo","id":"r1","prov":{"source":"vendor","version":"1","key":"k","raw":"2.5","url":"u","licence":"MIT","agree":["a"],"differ":["b 3"],"note":"n"}}"#,
        "\n",
        r#"{"seller":"acme","sku":"acme/m","meter":"tool_call","attrs":{"tool":"search"},"unit":"call","per":"1000","price":"10","id":"r2","prov":{"source":"vendor"}}"#,
        "\n",
        r#"{"seller":"acme","sku":"acme/m","meter":"input_tokens","price":"3","id":"r3","layer":"operator","prov":{"source":"operator"}}"#,
        "\n",
    );
    assert_eq!(write(&read(text).unwrap()), text);
}

#[test]
fn a_written_book_has_the_version_of_the_book_it_was_written_from() {
    let book = pricing::PriceBook::from_rows(dialects::price_book::embedded_rows()).unwrap();
    let own = r#"{"seller":"openai","sku":"openai/gpt-5.5","meter":"input_tokens","price":"4.2"}
{"type":"model","seller":"openai","sku":"openai/gpt-5.5","output_tokens_max":5}
{"type":"semantics","seller":"openai","output_includes_reasoning":false}
{"type":"alias","seller":"openai","name":"house","sku":"openai/gpt-5.5"}"#;
    let book = book.with_extra(read(own).unwrap()).unwrap();
    let again = pricing::PriceBook::from_rows(read(&write(book.rows())).unwrap()).unwrap();
    assert_eq!(again.version(), book.version());
    let query = pricing::PriceQuery::new("openai", "house", "2026-11-23T12:00:00Z".parse().unwrap());
    assert_eq!(again.model_facts(&query).output_tokens_max, Some(5));
    assert!(!again.semantics("openai").output_includes_reasoning);
}
