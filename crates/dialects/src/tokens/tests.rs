//! Counts by vocabulary: never above the bytes, never below a whole text's tokens, and at the speed of the text.

use super::*;
use crate::{Dialect, Request, parse_request};

/// Texts and their tokens by the vocabularies.
const TEXTS: [(&str, &str); 8] = [
    ("english", "Mete gives money out by measure: every call is priced, bounded and checked before a single byte is sent.\n"),
    ("german", "Die Donaudampfschifffahrtsgesellschaft prüft jede Überweisung, bevor sie das Geld aus dem Haus lässt.\n"),
    ("chinese", "每一次调用在发送之前都要定价、设限并核对预算，花掉的钱不会再回来。\n"),
    ("japanese", "送信の前に、すべての呼び出しに値段と上限がつき、予算と照らし合わされます。\n"),
    ("arabic", "يُسعَّر كل نداء ويُحدّ ويُقارن بالميزانية قبل أن يُرسل منه بايت واحد.\n"),
    ("code", "fn main() {\n    let total: u64 = (0..10).map(|n| n * n).sum();\n    println!(\"{total}\");\n}\n"),
    ("json", "{\"type\":\"object\",\"properties\":{\"path\":{\"type\":\"string\",\"maxLength\":4096}},\"required\":[\"path\"]}\n"),
    ("base64", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\n"),
];

fn to(path: &str) -> Route {
    crate::route("POST", path, path.ends_with("messages"), false).unwrap()
}

/// Paths and bodies that carry a text.
fn bodies(text: &str) -> Vec<(&'static str, String)> {
    let quoted = serde_json::Value::from(text);
    let tool = format!(r#"{{"type":"function","function":{{"name":"f","description":{quoted},"parameters":{{"type":"object"}}}}}}"#);
    vec![
        ("/v1/chat/completions", format!(r#"{{"model":"m","messages":[{{"role":"user","content":{quoted}}}]}}"#)),
        (
            "/v1/chat/completions",
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"text","text":{quoted}}}]}}]}}"#),
        ),
        ("/v1/chat/completions", format!(r#"{{"model":"m","messages":[],"tools":[{tool}]}}"#)),
        ("/v1/responses", format!(r#"{{"model":"m","input":{quoted}}}"#)),
        ("/v1/responses", format!(r#"{{"model":"m","instructions":{quoted},"input":[{{"role":"user","content":"x"}}]}}"#)),
        ("/v1/responses", format!(r#"{{"model":"m","input":[{{"type":"function_call_output","call_id":"c","output":{quoted}}}]}}"#)),
        ("/v1/messages", format!(r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":{quoted}}}]}}"#)),
        ("/v1/messages", format!(r#"{{"model":"m","max_tokens":9,"system":{quoted},"messages":[]}}"#)),
        ("/v1/completions", format!(r#"{{"model":"m","prompt":[{quoted}]}}"#)),
        ("/v1/embeddings", format!(r#"{{"model":"m","input":[{quoted}]}}"#)),
    ]
}

fn tokens_of(ask: &Ask) -> u64 {
    ask.input_tokens + ask.embedding_tokens
}

fn counted(path: &str, body: &str, vocabulary: Vocabulary) -> Option<u64> {
    let route = to(path);
    let request = parse_request(&route, body.as_bytes()).unwrap_or_else(|bad| panic!("{body}: {bad:?}"));
    request.ask_by_vocabulary(&route, body.as_bytes(), &request.model, vocabulary).as_ref().map(tokens_of)
}

#[test]
fn a_count_is_known_tokens_of_known_texts() {
    let table = [
        (Vocabulary::O200k, "hello world", 2),
        (Vocabulary::Cl100k, "hello world", 2),
        (Vocabulary::Cl100k, "tiktoken is great!", 6),
        (Vocabulary::O200k, "tiktoken is great!", 6),
        (Vocabulary::Cl100k, "antidisestablishmentarianism", 6),
        (Vocabulary::O200k, "antidisestablishmentarianism", 6),
        (Vocabulary::Cl100k, "2 + 2 = 4", 7),
        (Vocabulary::O200k, "2 + 2 = 4", 7),
        (Vocabulary::Cl100k, "お誕生日おめでとう", 9),
        (Vocabulary::O200k, "お誕生日おめでとう", 8),
        (Vocabulary::O200k, "", 0),
        (Vocabulary::Tekken, "1234", 4),
        (Vocabulary::Qwen2, "1234", 4),
        (Vocabulary::DeepSeek, "1234", 2),
    ];
    for (vocabulary, text, expected) in table {
        assert_eq!(vocabulary.count(text), expected, "{vocabulary:?} {text:?}");
    }
    // One character that becomes three.
    assert!(Vocabulary::Qwen2.count("\u{1d160}") >= Vocabulary::Qwen2.count("\u{1d158}\u{1d165}\u{1d16e}"));
}

#[test]
fn a_count_is_between_the_texts_tokens_and_the_bytes() {
    for (name, text) in TEXTS {
        let text = text.repeat(50);
        for vocabulary in Vocabulary::ALL {
            for (path, body) in bodies(&text) {
                let bytes = tokens_of(&parse_request(&to(path), body.as_bytes()).unwrap().ask);
                let (tokens, least) = (counted(path, &body, vocabulary).unwrap(), vocabulary.count(&text));
                assert!(least < tokens && tokens < bytes, "{name}, {vocabulary:?}, {path}: {least} {tokens} {bytes}");
            }
        }
    }
}

/// Two strings that the provider sets side by side are never more tokens than they are counted with.
#[test]
fn a_cut_anywhere_counts_no_less_than_the_whole() {
    for (name, text) in TEXTS {
        for vocabulary in Vocabulary::ALL {
            let whole = vocabulary.count(text);
            for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
                let (left, right) = text.split_at(at);
                assert!(vocabulary.count(left) + vocabulary.count(right) + 2 >= whole, "{vocabulary:?} {name} at {at}");
            }
        }
    }
}

#[test]
fn text_made_to_be_slow_is_counted_all_the_same() {
    let texts = ["a", "A", " ", "\n", " \n", "🙂", "中", "中A", "aA", "'s", "1", "\u{301}", "=", "/\n", "\u{0}"];
    for unit in texts {
        let text = unit.repeat(250_000 / unit.len());
        for vocabulary in Vocabulary::ALL {
            let tokens = vocabulary.count(&text);
            assert!(tokens > 0 && tokens <= text.len() as u64, "{unit:?}: {tokens}");
        }
    }
}

#[test]
fn only_a_vocabulary_that_its_maker_published_for_the_model_counts() {
    let table = [
        ("openai/gpt-5.5", Some(Vocabulary::O200k)),
        ("openai/gpt-5", Some(Vocabulary::O200k)),
        ("openai/gpt-4o-mini-2024-07-18", Some(Vocabulary::O200k)),
        ("openai/ft:gpt-4o-2024-08-06", Some(Vocabulary::O200k)),
        ("openai/ft:gpt-4.1-mini-2025-04-14", Some(Vocabulary::O200k)),
        ("openai/ft:gpt-3.5-turbo-", Some(Vocabulary::Cl100k)),
        ("openai/gpt-4.1", Some(Vocabulary::O200k)),
        ("openai/o3-mini", Some(Vocabulary::O200k)),
        ("openai/gpt-oss-120b", Some(Vocabulary::O200k)),
        ("openai/gpt-4", Some(Vocabulary::Cl100k)),
        ("openai/gpt-4-turbo", Some(Vocabulary::Cl100k)),
        ("openai/gpt-35-turbo", Some(Vocabulary::Cl100k)),
        ("openai/text-embedding-3-small", Some(Vocabulary::Cl100k)),
        ("deepseek/deepseek-chat", Some(Vocabulary::DeepSeek)),
        ("deepseek-ai/deepseek-v3.2", Some(Vocabulary::DeepSeek)),
        ("deepseek/deepseek-v4-flash-vision-exp", None),
        ("deepseek-ai/DeepSeek-V4-Flash-0731", Some(Vocabulary::DeepSeek)),
        ("deepseek/deepseek-r1-distill-llama-70b", None),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", None),
        ("deepseek/deepseek-v4.1-flash", None),
        ("Qwen/Qwen2.5-72B-Instruct", Some(Vocabulary::Qwen2)),
        ("mistral/mistral-nemo", Some(Vocabulary::Tekken)),
        ("mistral/mistral-small-3.2-24b-instruct", Some(Vocabulary::Tekken)),
        ("mistral/mistral-large-latest", None),
        ("mistral/mistral-small-4", None),
        ("qwen/qwen3-32b", Some(Vocabulary::Qwen2)),
        ("qwen/qwen3-max", None),
        ("qwen/qwen3.5-32b", None),
        ("z-ai/glm-4.6", Some(Vocabulary::Glm4)),
        ("zai/glm-5-2", None),
        // Meta's and Moonshot's vocabularies are public, but under licences that don't let everybody pass them on.
        ("meta-llama/llama-3.3-70b-instruct", None),
        ("moonshotai/kimi-k3", None),
        ("openai/gpt-6-sol", None),
        ("openai/gpt-50", None),
        ("openai/gpt-4.7", None),
        ("openai/o30", None),
        ("anthropic/claude-sonnet-5", None),
        ("google/gemini-3-pro", None),
        ("xai/grok-4", None),
        ("acme/gpt-4o", None),
        ("gpt-4o", None),
    ];
    for (sku, expected) in table {
        assert_eq!(Vocabulary::of(sku), expected, "{sku}");
    }
}

#[test]
fn what_is_no_text_keeps_its_bound_or_its_unknown() {
    let chat = |part: &str| {
        let body = format!(r#"{{"model":"gpt-5","messages":[{{"role":"user","content":[{part}]}}]}}"#);
        counted("/v1/chat/completions", &body, Vocabulary::O200k)
    };
    let image = chat(r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}"#);
    assert!(image.is_some_and(|tokens| tokens > 85 + 8 * 170));
    assert_eq!(chat(r#"{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA"}}"#), None);
    assert_eq!(chat(r#"{"type":"file","file":{"file_id":"f"}}"#), None);
    let responses = |members: &str| counted("/v1/responses", &format!(r#"{{"model":"gpt-5",{members}}}"#), Vocabulary::O200k);
    assert_eq!(responses(r#""input":"x","conversation":"c""#), None);
    assert_eq!(responses(r#""input":"x","previous_response_id":"r""#), None);
    let gemini = Route { dialect: Dialect::Gemini, operation: Operation::Generate, ..to("/v1/chat/completions") };
    assert!(Request::of("m".into()).ask_by_vocabulary(&gemini, b"{}", "m", Vocabulary::O200k).is_none());
}

#[test]
fn what_goes_on_from_an_earlier_answer_counts_what_that_left() {
    let body = format!(r#"{{"model":"gpt-5","input":"{}","previous_response_id":"r"}}"#, "word ".repeat(2_000));
    let route = to("/v1/responses");
    let mut request = parse_request(&route, body.as_bytes()).unwrap();
    request.continue_from(5_000);
    let ask = request.ask_by_vocabulary(&route, body.as_bytes(), "gpt-5", Vocabulary::O200k).unwrap();
    assert!((7_000..7_200).contains(&ask.input_tokens) && !ask.hidden_input, "{}", ask.input_tokens);
    assert!(request.ask.input_tokens > 15_000);
}

#[test]
fn compaction_stays_a_second_reading() {
    let text = "word ".repeat(2_000);
    let body = format!(r#"{{"model":"gpt-5","input":"{text}","context_management":[{{"type":"compaction","compact_threshold":1000}}]}}"#);
    let route = to("/v1/responses");
    let request = parse_request(&route, body.as_bytes()).unwrap();
    let ask = request.ask_by_vocabulary(&route, body.as_bytes(), "gpt-5", Vocabulary::O200k).unwrap();
    assert_eq!((ask.extra_readings, ask.choices, ask.input_tokens < 2_200), (1, 2, true), "{ask:?}");
}

#[test]
fn an_image_is_counted_as_the_model_that_is_sent_counts_it() {
    let part = r#"{"type":"image_url","image_url":{"url":"https://x/y.png","detail":"high"}}"#;
    let body = format!(r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":[{part}]}}]}}"#);
    let route = to("/v1/chat/completions");
    let request = parse_request(&route, body.as_bytes()).unwrap();
    for (model, least) in [("gpt-4o", 1_445), ("gpt-4o-mini", 48_169), ("gpt-6-sol", 6_150)] {
        let exact = request.ask_by_vocabulary(&route, body.as_bytes(), model, Vocabulary::O200k).unwrap().input_tokens;
        let bytes = request.ask_for(model).input_tokens;
        assert!(least <= exact && exact <= bytes && exact < least + 1_000, "{model}: {least} {exact} {bytes}");
    }
}
