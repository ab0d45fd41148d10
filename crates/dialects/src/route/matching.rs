//! How a path is compared with the table.

use super::{Dialect, Row, TABLE};

/// A path without its run prefix.
pub(super) struct Target<'p> {
    /// The dialect that the run prefix names.
    pub(super) dialect: Option<Dialect>,
    pub(super) run_token: Option<&'p str>,
    path: &'p str,
}

/// The rows of one path, whatever their methods.
pub(super) struct Found {
    pub(super) rows: Vec<&'static Row>,
    /// The path as the table spells it, version included.
    pub(super) path: String,
    pub(super) model: Option<String>,
}

impl<'p> Target<'p> {
    /// Takes `/run/<token>/<dialect>` off; `None` when a prefix is malformed.
    pub(super) fn of(path: &'p str) -> Option<Self> {
        let Some(rest) = path.strip_prefix("/run/") else {
            return Some(Self { dialect: None, run_token: None, path });
        };
        let (token, rest) = rest.split_once('/')?;
        let (dialect, own) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let is_token = (1..=128).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        is_token.then_some(())?;
        Some(Self { dialect: Some(Dialect::from_name(dialect)?), run_token: Some(token), path: own })
    }

    /// Finds the rows of the path. Behind a run prefix the version may be missing, because some clients take a base URL
    /// with it and some without.
    pub(super) fn rows(&self) -> Option<Found> {
        self.rows_at(self.path).or_else(|| match self.dialect? {
            Dialect::Gemini => self.rows_at(&format!("/v1beta{}", self.path)),
            _ => self.rows_at(&format!("/v1{}", self.path)),
        })
    }

    fn rows_at(&self, path: &str) -> Option<Found> {
        let mut model = None;
        let rows: Vec<_> = TABLE.iter().filter(|row| self.may_be(row) && matches(row.path, path, &mut model)).collect();
        (!rows.is_empty()).then(|| Found { rows, path: path.to_owned(), model })
    }

    fn may_be(&self, row: &Row) -> bool {
        // Gemini's `GET /v1/models` and the probe differ between dialects in nothing but the host.
        self.dialect.is_none_or(|dialect| dialect == row.dialect || row.path == "/")
    }
}

/// Whether `path` is of the form `pattern`; sets the model that it names.
fn matches(pattern: &str, path: &str, model: &mut Option<String>) -> bool {
    let Some(brace) = pattern.bytes().position(|byte| byte == b'{') else { return pattern == path };
    let (before, after) = (&pattern[..brace], pattern[brace..].trim_start_matches("{model}"));
    let Some(named) = path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) else { return false };
    let is_action = named.contains(':')
        && ["generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"]
            .iter()
            .any(|action| named.ends_with(action));
    let is_model = is_name(named) && !(after.is_empty() && is_action);
    if is_model {
        *model = Some(named.to_owned());
    }
    is_model
}

fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._@:".contains(&byte);
    (1..=256).contains(&text.len()) && text.bytes().all(is_plain) && text.bytes().any(|byte| byte != b'.')
}
