//! Server tools, audio, images and embeddings.

use dialects::Operation::{Chat, Embeddings, GeminiEmbed, ImageEdits, Images, Responses, Speech, StreamGenerate, Transcriptions};
use serde_json::{Value, json};

use crate::case::Case;
use crate::shapes::{gemini, message};

pub fn cases() -> Vec<Case> {
    [tools(), media(), works(), embeddings()].concat()
}

fn tools() -> Vec<Case> {
    let usage = json!({"input_tokens": 1_000, "output_tokens": 500});
    let item = |kind: &str, more: Value| {
        let mut item = json!({"type": kind, "id": "t1", "status": "completed"});
        more.as_object().into_iter().flatten().for_each(|(name, value)| item[name] = value.clone());
        item
    };
    let search = |action: &str| item("web_search_call", json!({"action": {"type": action, "query": "q"}}));
    let used = |name: &str, head: Value, expected: &str| Case::answer(name, Responses, "o/card", usage.clone(), head).is(expected);
    let grounded = |name: &str, model: &str, queries: Value, expected: &str| {
        let head = json!({"modelVersion": model, "candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP",
            "groundingMetadata": {"webSearchQueries": queries}}]});
        Case::answer(name, StreamGenerate, "g/card", json!({"promptTokenCount": 1_000, "candidatesTokenCount": 500}), head).is(expected)
    };
    vec![
        message(
            "68 a web search counts from usage",
            json!({"input_tokens": 10_682, "output_tokens": 510, "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 3}}),
            "49_696_000",
        ),
        used("68 a tool that is offered and not used is free", json!({"tools": [{"type": "web_search"}], "output": []}), "6_250_000"),
        used(
            "68 searches cost, opening and reading pages doesn't",
            json!({"output": [search("search"), search("open_page"), search("find_in_page"), search("search")]}),
            "26_250_000",
        ),
        used(
            "68 searches that the response counts itself",
            json!({"tool_usage": {"web_search": {"num_requests": 3}}, "output": [search("search")]}),
            "36_250_000",
        ),
        used("68 a search in files", json!({"output": [item("file_search_call", json!({}))]}), "8_750_000"),
        used(
            "68 code runs cost by container",
            json!({"output": [item("code_interpreter_call", json!({"container_id": "c1"})), item("code_interpreter_call", json!({"container_id": "c1"})), item("code_interpreter_call", json!({"container_id": "c2"}))]}),
            "66_250_000",
        ),
        used("68 a fee has no tier", json!({"service_tier": "flex", "output": [search("search")]}), "13_125_000"),
        Case::usage(
            "68 searches of a server that counts as Anthropic does, chat",
            Chat,
            "o/card",
            json!({"prompt_tokens": 1_000, "completion_tokens": 500, "server_tool_use": {"web_search_requests": 2}}),
        )
        .is("26_250_000"),
        grounded("68 each query costs since Gemini 3", "gemini-3-pro", json!(["a", "b"]), "34_250_000"),
        grounded("68 a prompt that searched costs once up to Gemini 2.5", "gemini-2.5-pro", json!(["a", "b"]), "20_250_000"),
        grounded("68 grounding that is offered and not used is free", "gemini-3-pro", json!([]), "6_250_000"),
        gemini(
            "68 what a tool brought in is input",
            "g/card",
            json!({"promptTokenCount": 1_000, "toolUsePromptTokenCount": 3_000, "candidatesTokenCount": 500}),
            "10_000_000",
        ),
        used(
            "68 a tool without a fee in the book is unpriced",
            json!({"output": [item("image_generation_call", json!({"result": "AAAA"}))]}),
            "unpriced: no price is known for tool_call image_generation of model `o/card` of seller `o`",
        ),
    ]
}

fn media() -> Vec<Case> {
    let details = |input: u64, output: u64| (json!({"audio_tokens": input}), json!({"audio_tokens": output}));
    let (inside, made) = details(400, 300);
    vec![
        Case::usage(
            "71 audio tokens are apart from text",
            Chat,
            "o/audio",
            json!({"prompt_tokens": 1_000, "completion_tokens": 500, "prompt_tokens_details": inside, "completion_tokens_details": made}),
        )
        .is("43_500_000"),
        Case::usage(
            "71 audio that may have been cached isn't cheaper than text that was",
            Chat,
            "o/audio",
            json!({"prompt_tokens": 1_000, "completion_tokens": 0, "prompt_tokens_details": {"audio_tokens": 400, "cached_tokens": 500}}),
        )
        .is("17_500_000"),
        gemini(
            "71 audio and cached audio, gemini",
            "g/media",
            json!({"promptTokenCount": 1_000, "cachedContentTokenCount": 300, "candidatesTokenCount": 100,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 600}, {"modality": "AUDIO", "tokenCount": 400}],
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 100}, {"modality": "TEXT", "tokenCount": 200}]}),
            "820_000",
        ),
        gemini(
            "70 images that are made cost their own rate, gemini",
            "g/media",
            json!({"promptTokenCount": 1_000, "candidatesTokenCount": 1_300, "thoughtsTokenCount": 100,
                "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1_290}]}),
            "39_530_000",
        ),
    ]
}

/// Images, speech and transcripts: by tokens where the answer counts them, else by what the request says.
fn works() -> Vec<Case> {
    let images = |name: &str, usage: Value, expected: &str| Case::usage(name, Images, "o/gpt-image-1", usage).is(expected);
    let made = |name: &str, members: &str, expected: &str| {
        let body = format!(r#"{{"model":"dall-e-3","prompt":"a cat"{members}}}"#);
        let head = json!({"data": [{"b64_json": "AAAA"}, {"b64_json": "AAAA"}]});
        Case::answer(name, Images, "o/dall-e-3", Value::Null, head).asked("/v1/images/generations", &body).is(expected)
    };
    let heard = |name: &str, model: &str, usage: Value, expected: &str| Case::usage(name, Transcriptions, model, usage).is(expected);
    vec![
        images(
            "70 text in, image in and image out at their own rates",
            json!({"input_tokens": 50, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}, "output_tokens": 272, "total_tokens": 322}),
            "11_330_000",
        ),
        images("70 image tokens that aren't told apart are text", json!({"input_tokens": 50, "output_tokens": 272}), "11_130_000"),
        Case::usage(
            "70 an edit's cached text and images",
            ImageEdits,
            "o/gpt-image-1",
            json!({"input_tokens": 50, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40, "cached_tokens": 30,
                "cached_tokens_details": {"text_tokens": 4, "image_tokens": 26}}, "output_tokens": 1}),
        )
        .is("280_000"),
        images("74 image tokens that can't be true", json!({"input_tokens": -1, "output_tokens": 1}), "refused: input_tokens is negative"),
        made("70 by image, size and quality", r#","n":2"#, "80_000_000"),
        made("70 a larger size", r#","n":2,"size":"1024x1792""#, "160_000_000"),
        made("70 a better quality", r#","n":2,"quality":"hd""#, "160_000_000"),
        made("70 what is made counts, not what was asked for", r#","n":5"#, "80_000_000"),
        made(
            "70 a size without a price",
            r#","size":"256x256""#,
            "unpriced: no price is known for image standard 256x256 of model `o/dall-e-3` of seller `o`",
        ),
        heard("71 a transcript by seconds", "o/whisper-1", json!({"type": "duration", "seconds": 42}), "4_200_000"),
        heard(
            "71 a part of a second is one",
            "o/whisper-1",
            serde_json::from_str(r#"{"type":"duration","seconds":41.2}"#).unwrap(),
            "4_200_000",
        ),
        heard(
            "71 a transcript by tokens, audio apart",
            "o/audio",
            json!({"type": "tokens", "input_tokens": 14, "input_token_details": {"text_tokens": 4, "audio_tokens": 10}, "output_tokens": 45}),
            "860_000",
        ),
        Case::usage("71 speech by characters", Speech, "o/tts-1", Value::Null)
            .asked("/v1/audio/speech", r#"{"model":"tts-1","voice":"alloy","input":"Grüße 😀"}"#)
            .is("105_000"),
        Case::usage("71 speech by tokens", Speech, "o/audio", json!({"input_tokens": 14, "output_tokens": 101})).is("8_115_000"),
        Case::hold(
            "70 a hold for images",
            "o/dall-e-3",
            "/v1/images/generations",
            r#"{"model":"dall-e-3","prompt":"x","n":2,"quality":"hd"}"#,
            0,
        )
        .is("160_000_000"),
        Case::hold("71 a hold for speech", "o/tts-1", "/v1/audio/speech", r#"{"model":"tts-1","voice":"alloy","input":"Hello."}"#, 0)
            .is("90_000"),
    ]
}

fn embeddings() -> Vec<Case> {
    vec![
        Case::usage("72 an embedding", Embeddings, "o/embedding", json!({"prompt_tokens": 8_000, "total_tokens": 8_000})).is("160_000"),
        Case::usage("72 an embedding that states its total alone", Embeddings, "o/embedding", json!({"total_tokens": 8_000})).is("160_000"),
        Case::usage("72 an embedding, gemini", GeminiEmbed, "g/embedding", json!({"promptTokenCount": 8_000})).is("1_200_000"),
        Case::usage("72 an embedding by a chat model's input rate", Embeddings, "o/tuned", json!({"prompt_tokens": 8_000}))
            .is("20_000_000"),
        Case::usage("72 an embedding without counts", Embeddings, "o/embedding", Value::Null).is("missing"),
    ]
}
