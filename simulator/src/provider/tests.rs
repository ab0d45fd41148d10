//! The provider from outside, over loopback: what each dialect looks like, what is billed, what faults do.

mod dialects;
mod faults;
mod wire;

use super::books::{Record, Status};
use super::{Options, Provider};
use crate::client::{Answered, Client};
use http::Method;
use serde_json::{Value, json};

struct World {
    provider: Provider,
    client: Client,
}

impl World {
    async fn start() -> Self {
        Self { provider: Provider::start(Options::default()).await.unwrap(), client: Client::default() }
    }

    async fn post(&self, path: &str, body: &Value) -> Answered {
        self.try_post(path, body).await.unwrap()
    }

    async fn try_post(&self, path: &str, body: &Value) -> Result<Answered, String> {
        let url = format!("{}{path}", self.provider.base_url());
        let headers = [("x-api-key".to_owned(), "sk-abcd1234".to_owned())];
        self.client.send(Method::POST, &url, &headers, body.to_string().into_bytes()).await
    }

    /// The last record.
    fn last(&self) -> Record {
        self.provider.books().since(0).pop().unwrap()
    }

    /// Waits until nothing is on its way, for ends that the client doesn't see.
    async fn settled(&self) -> Record {
        for _ in 0..500 {
            if self.provider.books().since(0).iter().all(|record| record.status != Status::Received) {
                return self.last();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("a request never ended: {:?}", self.last());
    }
}

fn whole(answered: &Answered) -> Value {
    assert_eq!(answered.status, 200, "{}", text(answered));
    serde_json::from_slice(&answered.body).unwrap()
}

fn text(answered: &Answered) -> String {
    String::from_utf8_lossy(&answered.body).into_owned()
}

/// The `data:` documents of a stream; `[DONE]` is a text.
fn events(answered: &Answered) -> Vec<Value> {
    text(answered)
        .split(['\n', '\r'])
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data)))
        .collect()
}

/// A chat request with these words in its prompt.
fn chat(words: &str, is_streamed: bool) -> Value {
    json!({
        "model": "gpt-5.5", "stream": is_streamed, "max_completion_tokens": 1000,
        "messages": [{ "role": "user", "content": format!("[[sim {words}]]") }],
    })
}

/// A messages request with these words in its prompt.
fn message(words: &str, is_streamed: bool) -> Value {
    json!({
        "model": "claude-sonnet-5", "stream": is_streamed, "max_tokens": 1000,
        "messages": [{ "role": "user", "content": format!("[[sim {words}]]") }],
    })
}

/// A responses request with these words in its prompt.
fn response(words: &str, is_streamed: bool) -> Value {
    json!({ "model": "gpt-5.5", "stream": is_streamed, "max_output_tokens": 1000, "input": format!("[[sim {words}]]") })
}

/// A generate request with these words in its prompt.
fn generate(words: &str) -> Value {
    json!({ "contents": [{ "role": "user", "parts": [{ "text": format!("[[sim {words}]]") }] }], "generationConfig": { "maxOutputTokens": 1000 } })
}
