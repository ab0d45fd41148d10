//! TOML with comments, line by line.

use std::collections::BTreeMap;

use toml::Value;

/// A config file that is being written.
#[derive(Debug, Default)]
pub(super) struct TomlText(String);

impl TomlText {
    /// A comment; line breaks and control characters can't get out of it.
    pub fn comment(&mut self, text: &str) {
        let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        self.0.push_str(&format!("# {text}\n"));
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.0.push('\n');
    }

    /// `[section]` or `[[section]]`.
    pub fn heading(&mut self, heading: &str) {
        self.0.push_str(&format!("{heading}\n"));
    }

    /// `key = value`.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.0.push_str(&format!("{key} = {}\n", value.into()));
    }

    /// `key = "text"`, unless the text is empty.
    pub fn set_text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.set(key, text);
        }
    }

    /// `key = ["a", "b"]`, unless there are none.
    pub fn set_list(&mut self, key: &str, items: &[String]) {
        if !items.is_empty() {
            self.set(key, items.to_vec());
        }
    }

    /// `key = { a = "b" }`, unless there are none.
    pub fn set_map(&mut self, key: &str, entries: &BTreeMap<String, String>) {
        if !entries.is_empty() {
            let table: toml::Table = entries.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
            self.set(key, table);
        }
    }

    /// The text.
    pub fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_comment() {
        let mut text = TomlText::default();
        text.comment("from a\n[server]\rb\u{1b}");
        assert_eq!(text.finish(), "# from a [server] b \n");
    }
}
