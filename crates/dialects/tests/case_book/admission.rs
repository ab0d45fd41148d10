//! What a request holds, from its own bytes: input at its bytes and the template's tokens, at the dearest that could apply.

use crate::case::Case;

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const MESSAGES: &str = "/v1/messages";
const GEMINI: &str = "/v1beta/models/card:generateContent";

/// A request of a dialect whose input bound is exactly so many tokens: `{text}` stands for as much text as that needs.
fn o(name: &str, input: u64, members: &str, expected: &str) -> Vec<Case> {
    let chat = format!(r#"{{"model":"card","messages":[{{"role":"user","content":"{{text}}"}}]{members}}}"#);
    let responses = format!(r#"{{"model":"card","input":"{{text}}"{}}}"#, members.replace("max_completion_tokens", "max_output_tokens"));
    vec![
        Case::hold(&format!("{name}, chat"), "o/card", CHAT, &chat, input).is(expected),
        Case::hold(&format!("{name}, responses"), "o/card", RESPONSES, &responses, input).is(expected),
    ]
}

fn chat(name: &str, model: &str, input: u64, body: &str, expected: &str) -> Case {
    Case::hold(name, model, CHAT, body, input).is(expected)
}

fn a(name: &str, input: u64, ceiling: u64, members: &str, expected: &str) -> Case {
    let body = format!(r#"{{"model":"card","max_tokens":{ceiling},"messages":[{{"role":"user","content":"{{text}}"}}]{members}}}"#);
    Case::hold(name, "a/card", MESSAGES, &body, input).is(expected)
}

fn g(name: &str, model: &str, input: u64, config: &str, members: &str, expected: &str) -> Case {
    let body = format!(r#"{{"contents":[{{"role":"user","parts":[{{"text":"{{text}}"}}]}}],"generationConfig":{{{config}}}{members}}}"#);
    Case::hold(name, model, GEMINI, &body, input).is(expected)
}

pub fn cases() -> Vec<Case> {
    [sizes(), hidden(), tiers(), writes(), tools(), unpriced()].concat()
}

fn sizes() -> Vec<Case> {
    let user = |text: &str| format!(r#"{{"model":"card","max_completion_tokens":1000{text}}}"#);
    let none = r#","messages":[]"#;
    [
        o("3 the band above 272,000", 300_000, r#","max_completion_tokens":1000"#, "765_000_000"),
        o("7 no ceiling: the model's own", 1_000, "", "1_281_250_000"),
        o("8 a ceiling beyond the model's is the model's", 1_000, r#","max_completion_tokens":999999999"#, "1_281_250_000"),
        vec![
            chat("9 choices cost output each, input once, chat", "o/card", 1_000, r#"{"model":"card","n":4,"max_completion_tokens":500,"messages":[{"role":"user","content":"{text}"}]}"#, "21_250_000"),
            g("9 choices cost output each, input once, gemini", "g/card", 1_000, r#""maxOutputTokens":500,"candidateCount":4"#, "", "21_250_000"),
            a("3 at the limit of A", 200_000, 1_000, "", "615_000_000"),
            a("3 above the limit of A", 200_001, 1_000, "", "1_222_506_000"),
            a("8 a ceiling beyond the model's is the model's, messages", 1_000, 999_999_999, "", "963_000_000"),
            g("3 a model without bands", "g/card", 300_000, r#""maxOutputTokens":1000"#, "", "385_000_000"),
            g("3 the band above 200,000, gemini", "g/long", 300_000, r#""maxOutputTokens":1000"#, "", "612_000_000"),
            g("7 no ceiling: the model's own, gemini", "g/card", 1_000, "", "", "656_610_000"),
            chat("25 a system message", "o/card", 300_000, &user(r#","messages":[{"role":"system","content":"{text}"}]"#), "765_000_000"),
            chat("25 a tool's schema", "o/card", 300_000, &user(&format!(r#"{none},"tools":[{{"type":"function","function":{{"name":"f","description":"{{text}}"}}}}]"#)), "765_000_000"),
            chat("25 the schema of the answer", "o/card", 300_000, &user(&format!(r#"{none},"response_format":{{"type":"json_schema","json_schema":{{"name":"s","schema":{{"description":"{{text}}"}}}}}}"#)), "765_000_000"),
            a("25 a system prompt, messages", 200_001, 1_000, r#","system":[{"type":"text","text":"y"}]"#, "1_222_506_000"),
            chat("25 beside an image", "o/card", 300_000, &user(r#","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"text","text":"{text}"}]}]"#), "765_000_000"),
            chat("27 text that isn't Latin counts its bytes", "o/card", 300_000, &user(r#","messages":[{"role":"user","content":"中文中文{text}"}]"#), "765_000_000"),
            chat("76 a hold rounds up", "o/odd", 1_001, r#"{"model":"odd","max_completion_tokens":1,"messages":[{"role":"user","content":"{text}"}]}"#, "301"),
        ],
    ]
    .concat()
}

/// Input that isn't in the body is bounded by the window, or not at all.
fn hidden() -> Vec<Case> {
    let chat_part =
        |part: &str| format!(r#"{{"model":"card","max_completion_tokens":500,"messages":[{{"role":"user","content":[{part}]}}]}}"#);
    let fixed = |name: &str, model: &str, path: &str, body: &str, expected: &str| Case::hold(name, model, path, body, 0).is(expected);
    let no_bound = "no bound: input that isn't in the request, because the model's context window isn't known";
    vec![
        fixed(
            "24 continuation by id",
            "o/card",
            RESPONSES,
            r#"{"model":"card","previous_response_id":"resp_1","input":"x","max_output_tokens":500}"#,
            "1_007_500_000",
        ),
        fixed(
            "24 a stored conversation",
            "o/card",
            RESPONSES,
            r#"{"model":"card","conversation":"conv_1","input":"x","max_output_tokens":500}"#,
            "1_007_500_000",
        ),
        fixed(
            "24 a stored prompt",
            "o/card",
            RESPONSES,
            r#"{"model":"card","prompt":{"id":"pmpt_1"},"max_output_tokens":500}"#,
            "1_007_500_000",
        ),
        fixed(
            "24 continuation of a model whose window isn't known",
            "o/odd",
            RESPONSES,
            r#"{"model":"odd","previous_response_id":"resp_1","input":"x"}"#,
            no_bound,
        ),
        fixed("26 a file by id", "o/card", CHAT, &chat_part(r#"{"type":"file","file":{"file_id":"file_1"}}"#), "1_007_500_000"),
        fixed(
            "26 a document in the body, chat",
            "o/card",
            CHAT,
            &chat_part(r#"{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA"}}"#),
            "1_007_500_000",
        ),
        fixed(
            "26 a document, messages",
            "a/card",
            MESSAGES,
            r#"{"model":"card","max_tokens":1000,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}]}]}"#,
            "6_022_500_000",
        ),
        fixed(
            "26 a file by its address, gemini",
            "g/card",
            GEMINI,
            r#"{"contents":[{"parts":[{"fileData":{"mimeType":"application/pdf","fileUri":"gs://b/f"}}]}],"generationConfig":{"maxOutputTokens":1000}}"#,
            "1_260_000_000",
        ),
        fixed(
            "26 a stored cache, gemini",
            "g/card",
            GEMINI,
            r#"{"cachedContent":"cachedContents/1","contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"maxOutputTokens":1000}}"#,
            "1_260_000_000",
        ),
    ]
}

fn tiers() -> Vec<Case> {
    let tier = |tier: &str| format!(r#","service_tier":"{tier}","max_completion_tokens":500"#);
    [
        o("28 no tier", 1_000, r#","max_completion_tokens":500"#, "6_250_000"),
        o("28 auto may be served as priority", 1_000, &tier("auto"), "12_500_000"),
        o("28 priority", 1_000, &tier("priority"), "12_500_000"),
        o("28 default", 1_000, &tier("default"), "6_250_000"),
        vec![
            o("28 a regional host", 1_000, r#","max_completion_tokens":500"#, "6_875_000").swap_remove(0).region("us"),
            g("28 priority, gemini", "g/long", 1_000, r#""maxOutputTokens":500"#, r#","serviceTier":"priority""#, "9_000_000"),
            a("28 auto where nothing dearer is sold", 1_000, 500, r#","service_tier":"auto""#, "10_500_000"),
        ],
    ]
    .concat()
}

fn writes() -> Vec<Case> {
    let cached = |ttl: &str| format!(r#","system":[{{"type":"text","text":"y","cache_control":{{"type":"ephemeral"{ttl}}}}}]"#);
    let automatic = r#"{"model":"writes","max_completion_tokens":1,"messages":[{"role":"user","content":"{text}"}]}"#;
    vec![
        a("29 no cache asked for, none written", 8_000, 300, "", "28_500_000"),
        a("29 a five-minute write", 8_000, 300, &cached(""), "34_500_000"),
        a("29 a five-minute write by name", 8_000, 300, &cached(r#","ttl":"5m""#), "34_500_000"),
        a("29 a one-hour write", 8_000, 300, &cached(r#","ttl":"1h""#), "52_500_000"),
        a("29 a cache mark at the top", 8_000, 300, r#","cache_control":{"type":"ephemeral"}"#, "34_500_000"),
        chat("29 a prompt that is long enough is written unasked", "o/writes", 1_024, automatic, "2_568_000"),
        chat("29 a shorter one can't be", "o/writes", 1_023, automatic, "2_054_000"),
    ]
}

fn tools() -> Vec<Case> {
    let search = |uses: &str| format!(r#","tools":[{{"type":"web_search_20250305","name":"web_search"{uses}}}]"#);
    let responses = r#"{"model":"card","max_output_tokens":500,"max_tool_calls":2,"input":"{text}","tools":[{"type":"web_search"}]}"#;
    vec![
        a("68 a tool at all its uses, the prompt read again after each", 4_000, 1_000, &search(r#","max_uses":2"#), "161_000_000"),
        a("68 a tool without a ceiling", 4_000, 1_000, &search(""), "no bound: the tool web_search, whose number of uses has no ceiling"),
        Case::hold("68 a tool where prompt and results count once", "o/card", RESPONSES, responses, 4_000).is("55_000_000"),
    ]
}

fn unpriced() -> Vec<Case> {
    let body =
        |model: &str| format!(r#"{{"model":"{model}","max_completion_tokens":500,"messages":[{{"role":"user","content":"{{text}}"}}]}}"#);
    vec![
        chat("15 a free model holds nothing", "o/free", 1_000, &body("free"), "0"),
        chat(
            "16 a model without a price has no bound",
            "o/unheard",
            1_000,
            &body("unheard"),
            "unpriced: no price is known for model `o/unheard` of seller `o`",
        ),
        chat(
            "16 a class without a price has no bound",
            "o/tuned",
            1_000,
            &body("tuned"),
            "unpriced: no price is known for output_tokens of model `o/tuned` of seller `o`",
        ),
    ]
}
