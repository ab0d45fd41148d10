//! How a client says who it is, in the forms that the three vendors take.

use super::Record;
use http::HeaderMap;

/// A credential and how it came.
pub struct Key {
    form: &'static str,
    value: String,
}

impl Key {
    /// Writes down how it came and its last four characters, never more.
    pub fn note(&self, record: &mut Record) {
        record.auth = self.form.to_owned();
        let start = self.value.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
        record.key_last4 = self.value.get(start..).unwrap_or_default().to_owned();
    }

    /// Why no provider would take this key. A gateway's own virtual key is worth nothing here.
    pub fn refusal(&self) -> Option<&'static str> {
        let is_virtual = self.value.starts_with("mk_");
        (is_virtual || self.value == "invalid").then_some("Incorrect API key provided.")
    }
}

/// The credential of a request.
pub fn find(headers: &HeaderMap, query: &str) -> Option<Key> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
    let in_query = query.split('&').find_map(|pair| pair.strip_prefix("key=")).map(str::to_owned);
    let forms = [("x-api-key", text("x-api-key")), ("x-goog-api-key", text("x-goog-api-key")), ("bearer", bearer), ("query", in_query)];
    forms.into_iter().find_map(|(form, value)| Some(Key { form, value: value.filter(|value| !value.is_empty())? }))
}

/// The query with any key taken out.
pub fn without_key(query: &str) -> String {
    query.split('&').filter(|pair| !pair.starts_with("key=")).collect::<Vec<_>>().join("&")
}
