//! What selects a price: tiers, hosts, deployments; and what has none there.

use dialects::Operation::{Chat, Messages, Responses, StreamGenerate};
use serde_json::{Value, json};

use crate::case::Case;
use crate::shapes::{gemini, message};

pub fn cases() -> Vec<Case> {
    [tiers(), regions(), unsold()].concat()
}

/// An answer of O to a request with a tier, which names the tier that was served.
fn served(name: &str, asked: &str, served: Value, expected: &str) -> Vec<Case> {
    let chat = json!({"prompt_tokens": 1_000, "completion_tokens": 500});
    let responses = json!({"input_tokens": 1_000, "output_tokens": 500});
    let head = if served.is_null() { json!({}) } else { json!({"service_tier": served}) };
    let tier = if asked.is_empty() { String::new() } else { format!(r#","service_tier":"{asked}""#) };
    vec![
        Case::answer(&format!("{name}, chat"), Chat, "o/card", chat, head.clone())
            .asked("/v1/chat/completions", &format!(r#"{{"model":"card","messages":[]{tier}}}"#))
            .is(expected),
        Case::answer(&format!("{name}, responses"), Responses, "o/card", responses, head)
            .asked("/v1/responses", &format!(r#"{{"model":"card","input":"x"{tier}}}"#))
            .is(expected),
    ]
}

fn tiers() -> Vec<Case> {
    let a = |name: &str, stated: Value, expected: &str| {
        let mut usage = json!({"input_tokens": 1_000, "output_tokens": 500});
        stated.as_object().into_iter().flatten().for_each(|(name, value)| usage[name] = value.clone());
        message(name, usage, expected)
    };
    let g = |name: &str, stated: Value, expected: &str| {
        let mut usage = json!({"promptTokenCount": 1_000, "candidatesTokenCount": 500});
        stated.as_object().into_iter().flatten().for_each(|(name, value)| usage[name] = value.clone());
        gemini(name, "g/long", usage, expected)
    };
    let batch = |name: &str, operation, model, usage: Value| Case::usage(name, operation, model, usage).select("processing", "batch");
    [
        served("65 default tier", "", json!("default"), "6_250_000"),
        served("65 no tier stated", "", Value::Null, "6_250_000"),
        served("65 priority served", "priority", json!("priority"), "12_500_000"),
        served("65 priority served without being asked for", "auto", json!("priority"), "12_500_000"),
        served("65 priority asked, default served", "priority", json!("default"), "6_250_000"),
        served("65 priority asked, nothing stated", "priority", Value::Null, "12_500_000"),
        served("65 flex", "flex", json!("flex"), "3_125_000"),
        served("65 reserved capacity costs the standard rate", "", json!("scale"), "6_250_000"),
        served(
            "65 a tier without a price is unpriced",
            "",
            json!("ultrafast"),
            "unpriced: no price is known for input_tokens of model `o/card` of seller `o`",
        ),
        vec![
            batch("65 batch, chat", Chat, "o/card", json!({"prompt_tokens": 1_000, "completion_tokens": 500})).is("3_125_000"),
            batch("65 batch, messages", Messages, "a/card", json!({"input_tokens": 1_000, "output_tokens": 500})).is("5_250_000"),
            a("65 batch as a message states it", json!({"service_tier": "batch"}), "5_250_000"),
            a("65 a message's standard tier", json!({"service_tier": "standard"}), "10_500_000"),
            a("65 fast mode as a message states it", json!({"service_tier": "standard", "speed": "fast"}), "63_000_000"),
            a("65 the usual speed as a message states it", json!({"speed": "standard"}), "10_500_000"),
            g("65 standard, gemini", json!({"trafficType": "ON_DEMAND"}), "5_000_000"),
            g("65 priority as Gemini states it", json!({"trafficType": "ON_DEMAND_PRIORITY"}), "9_000_000"),
            g("65 priority as Gemini's other field states it", json!({"serviceTier": "priority"}), "9_000_000"),
        ],
    ]
    .concat()
}

fn regions() -> Vec<Case> {
    let o = |name: &str, region: &str, head: Value, expected: &str| {
        let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 500});
        Case::answer(name, Chat, "o/card", usage, head).region(region).is(expected)
    };
    let z = |name: &str, deployment: &str, region: &str, expected: &str| {
        let case = Case::usage(name, Chat, "z/card", json!({"prompt_tokens": 1_000, "completion_tokens": 100})).named("z", "openai/card");
        let case = if deployment.is_empty() { case } else { case.select("deployment", deployment) };
        case.region(region).is(expected)
    };
    let cached = |name: &str, head: Value| {
        let usage = json!({"prompt_tokens": 10_000, "completion_tokens": 500, "prompt_tokens_details": {"cached_tokens": 8_000}});
        Case::answer(name, Chat, "o/card", usage, head)
    };
    let a = |name: &str, geo: &str, expected: &str| {
        message(name, json!({"input_tokens": 1_000, "output_tokens": 500, "inference_geo": geo}), expected)
    };
    vec![
        o("67 regional host in the us", "us", json!({}), "6_875_000"),
        o("67 regional host in the eu", "eu", json!({}), "6_875_000"),
        o("67 a region without an uplift", "ap", json!({}), "6_250_000"),
        o("67 regional host and priority", "eu", json!({"service_tier": "priority"}), "13_750_000"),
        a("67 where it ran, as a message states it", "us", "11_550_000"),
        a("67 anywhere, as a message states it", "global", "10_500_000"),
        a("67 nowhere stated", "not_available", "10_500_000"),
        z("67 a global deployment", "global", "eastus", "8_000_000"),
        z("67 a data zone", "data_zone", "westus3", "8_500_000"),
        z("67 a data zone that costs more", "data_zone", "brazilsouth", "9_000_000"),
        z("67 a global deployment where data zones cost more", "global", "brazilsouth", "8_000_000"),
        message(
            "67 where it ran is on every class",
            json!({"input_tokens": 2_000, "cache_read_input_tokens": 90_000, "cache_creation_input_tokens": 10_000, "output_tokens": 1_000,
                "inference_geo": "us", "cache_creation": {"ephemeral_5m_input_tokens": 8_000, "ephemeral_1h_input_tokens": 2_000}}),
            "99_000_000",
        ),
        cached("67 a regional host is on cached tokens", json!({})).region("us").is("9_350_000"),
        cached("65 priority is on cached tokens", json!({"service_tier": "priority"})).is("17_000_000"),
        cached("65 flex is on cached tokens", json!({"service_tier": "flex"})).is("4_250_000"),
        cached("65 batch is on cached tokens", json!({})).select("processing", "batch").is("4_250_000"),
        z("67 a deployment that isn't known costs the dearest", "", "", "9_000_000"),
        z("67 a deployment that isn't known in a region costs the dearest there", "", "eastus", "8_500_000"),
        z(
            "67 a region without a price",
            "data_zone",
            "moon",
            "unpriced: no price is known for input_tokens of model `openai/card` of seller `z`",
        ),
    ]
}

/// A tier that a seller doesn't sell has no price in any class.
fn unsold() -> Vec<Case> {
    let lacks =
        |class: &str, model: &str| format!("unpriced: no price is known for {class} of model `{model}` of seller `{}`", &model[..1]);
    let chat = |class: &str, usage: Value| {
        let head = json!({"service_tier": "ultrafast"});
        Case::answer(&format!("65 no price in a tier that isn't sold, {class}, chat"), Chat, "o/card", usage, head)
            .is(&lacks(class, "o/card"))
    };
    let message = |class: &str, mut usage: Value| {
        usage["service_tier"] = json!("priority");
        let name = format!("65 no price in a tier that isn't sold, {class}, messages");
        Case::usage(&name, Messages, "a/card", usage).is(&lacks(class, "a/card"))
    };
    let written =
        |kind: &str| json!({"input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 9, "cache_creation": {kind: 9}});
    let g = |class: &str, usage: Value| {
        let case = Case::usage(&format!("65 no price in a tier that isn't sold, {class}, gemini"), StreamGenerate, "g/long", usage);
        case.select("service_tier", "ultrafast").is(&lacks(class, "g/long"))
    };
    vec![
        chat("input_tokens", json!({"prompt_tokens": 9, "completion_tokens": 0})),
        chat("output_tokens", json!({"prompt_tokens": 0, "completion_tokens": 9})),
        chat("cache_read_tokens", json!({"prompt_tokens": 9, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 9}})),
        message("input_tokens", json!({"input_tokens": 9, "output_tokens": 0})),
        message("output_tokens", json!({"input_tokens": 0, "output_tokens": 9})),
        message("cache_read_tokens", json!({"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 9})),
        message("cache_write_tokens 5m", written("ephemeral_5m_input_tokens")),
        message("cache_write_tokens 1h", written("ephemeral_1h_input_tokens")),
        g("input_tokens", json!({"promptTokenCount": 9})),
        g("output_tokens", json!({"promptTokenCount": 0, "candidatesTokenCount": 9})),
    ]
}
