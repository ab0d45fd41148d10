//! The reference of all keys, made from the table of keys: `docs/configuration.md`.

use super::keys::{KEYS, SECTIONS, SectionDoc};

/// The whole reference, as Markdown: the text of `docs/configuration.md`.
#[must_use]
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    for section in SECTIONS {
        text.push_str(&section_text(section));
    }
    text
}

const HEAD: &str = "# Configuration

*Made from the code: `METE_WRITE_DOCS=1 cargo test -p server`. Do not edit.*

`mete serve --config mete.toml` reads this file. Every key has a default unless it says *needed*; an unknown key is an error that
names file, line and key. Flags win over the file, the file over the defaults. `mete serve --print-config` shows every
effective value and where it came from.

Mete reads the file, its price files and its look-up tables again when they change, on `SIGHUP` and on `POST /api/v1/reload`; a bad file
changes nothing, and says so in the log, in `/healthz` and in `/metrics`. Calls in flight end under the version that admitted them. The
version names the file and the flags; with rules it is followed by `+` and a name of the rules and the contents of their tables. Each call records it.

```toml
[[providers]]
name = \"openai\"
dialect = \"openai\"
base_url = \"https://api.openai.com\"
api_key_env = \"OPENAI_API_KEY\"

[[budgets]]
name = \"search-team\"
limit_usd = \"25.00\"
window = \"month\"
time_zone = \"Europe/Berlin\"
match = { team = \"search\" }
```
";

fn section_text(section: &SectionDoc) -> String {
    let heading = if section.repeats { format!("[[{}]]", section.name) } else { format!("[{}]", section.name) };
    let mut text = format!("\n## `{heading}`\n\n{}\n\n| key | value | default | meaning |\n|---|---|---|---|\n", section.doc);
    for row in KEYS.iter().filter(|row| row.section == section.name) {
        let plain = row.default.starts_with(|c: char| c.is_ascii_alphabetic()) && !matches!(row.default, "true" | "false");
        let default = match row.default {
            "" => "*needed*".to_owned(),
            words if plain => words.to_owned(),
            code => format!("`{code}`"),
        };
        text.push_str(&format!("| `{}` | {} | {default} | {} |\n", row.key, row.kind, row.doc));
    }
    text
}
