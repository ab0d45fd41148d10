//! Counts by vocabulary: never above the bytes, never below a whole text's tokens, and at the speed of the text.

use super::*;
use crate::{Dialect, Request, parse_request};

const SELLER: &str = "openai";

/// Texts and their tokens by `o200k_base` and `cl100k_base`.
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

fn chat_route() -> Route {
    crate::route("POST", "/v1/chat/completions", false, false).unwrap()
}

fn bodies(text: &str) -> [String; 3] {
    let quoted = serde_json::Value::from(text);
    let tool = format!(r#"{{"type":"function","function":{{"name":"f","description":{quoted},"parameters":{{"type":"object"}}}}}}"#);
    [
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":{quoted}}}]}}"#),
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"text","text":{quoted}}}]}}]}}"#),
        format!(r#"{{"model":"m","messages":[],"tools":[{tool}]}}"#),
    ]
}

fn by_bytes(body: &str) -> Request {
    parse_request(&chat_route(), body.as_bytes()).unwrap()
}

fn counted(body: &str, model: &str) -> Option<u64> {
    tokens_of(&chat_route(), body.as_bytes(), SELLER, model)
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
    ];
    for (vocabulary, text, expected) in table {
        assert_eq!(vocabulary.count(text), expected, "{vocabulary:?} {text:?}");
    }
}

#[test]
fn a_count_is_between_the_texts_tokens_and_the_bytes() {
    for (name, text) in TEXTS {
        let text = text.repeat(50);
        for (model, vocabulary) in [("gpt-5.5", Vocabulary::O200k), ("gpt-4-turbo", Vocabulary::Cl100k)] {
            for body in bodies(&text) {
                let (bytes, least) = (by_bytes(&body), vocabulary.count(&text));
                let tokens = counted(&body, model).unwrap();
                let bound = bytes.ask_with_count(tokens).input_tokens;
                assert!(least < tokens && tokens < bytes.ask.input_tokens, "{name}, {model}: {least} {tokens} {}", bytes.ask.input_tokens);
                assert!(tokens < bound && bound <= bytes.ask.input_tokens, "{name}, {model}: {tokens} {bound}");
            }
        }
    }
}

/// Two strings that the provider sets side by side are never more tokens than they are counted with.
#[test]
fn a_cut_anywhere_counts_no_less_than_the_whole() {
    for (name, text) in TEXTS {
        for vocabulary in [Vocabulary::O200k, Vocabulary::Cl100k] {
            let whole = vocabulary.count(text);
            for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
                let (left, right) = text.split_at(at);
                assert!(vocabulary.count(left) + vocabulary.count(right) + 2 >= whole, "{name} at {at}");
            }
        }
    }
}

#[test]
fn text_made_to_be_slow_is_counted_all_the_same() {
    let texts = ["a", "A", " ", "\n", " \n", "🙂", "中", "中A", "aA", "'s", "1", "\u{301}", "=", "/\n", "\u{0}"];
    for unit in texts {
        let text = unit.repeat(1_000_000 / unit.len());
        for vocabulary in [Vocabulary::O200k, Vocabulary::Cl100k] {
            let tokens = vocabulary.count(&text);
            assert!(tokens > 0 && tokens <= text.len() as u64, "{unit:?}: {tokens}");
        }
    }
}

#[test]
fn only_a_public_vocabulary_counts() {
    let table = [
        ("openai", "gpt-5.5", Some(Vocabulary::O200k)),
        ("openai", "gpt-5", Some(Vocabulary::O200k)),
        ("azure", "gpt-4o-mini-2024-07-18", Some(Vocabulary::O200k)),
        ("github-copilot", "gpt-4.1", Some(Vocabulary::O200k)),
        ("openai", "o3-mini", Some(Vocabulary::O200k)),
        ("openai", "gpt-4", Some(Vocabulary::Cl100k)),
        ("openai", "gpt-4-turbo", Some(Vocabulary::Cl100k)),
        ("openai", "gpt-3.5-turbo", Some(Vocabulary::Cl100k)),
        ("openai", "gpt-6", None),
        ("openai", "gpt-50", None),
        ("openai", "gpt-4.7", None),
        ("openai", "o30", None),
        ("openai", "gpt-oss-120b", None),
        ("github-copilot", "claude-sonnet-5", None),
        ("deepseek", "gpt-4o", None),
        ("mistral", "mistral-large", None),
        ("xai", "gpt-5", None),
        ("", "gpt-5", None),
    ];
    for (seller, model, expected) in table {
        assert_eq!(Vocabulary::of(seller, model), expected, "{seller} {model}");
        let [body, ..] = bodies("Hi");
        assert_eq!(tokens_of(&chat_route(), body.as_bytes(), seller, model).is_some(), expected.is_some(), "{seller} {model}");
    }
}

#[test]
fn what_is_no_text_keeps_its_bound_or_its_unknown() {
    let part = |part: &str| format!(r#"{{"model":"gpt-5","messages":[{{"role":"user","content":[{part}]}}]}}"#);
    let image = part(r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}"#);
    assert!(counted(&image, "gpt-5").is_some_and(|tokens| tokens > 85 + 8 * 170));
    let file = part(r#"{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA"}}"#);
    assert_eq!(counted(&file, "gpt-5"), None);
    assert_eq!(counted(&part(r#"{"type":"file","file":{"file_id":"f"}}"#), "gpt-5"), None);
    let responses = Route { operation: Operation::Responses, dialect: Dialect::OpenAi, ..chat_route() };
    assert_eq!(tokens_of(&responses, br#"{"model":"gpt-5","input":"x"}"#, SELLER, "gpt-5"), None);
}
