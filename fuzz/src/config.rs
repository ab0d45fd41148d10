//! `mete.toml`: refused with a key and what to write instead, or read so that printing and reading it again changes nothing.

use std::path::Path;

use server::Environment;
use server::config::load_text;

pub const WORDS: &[&str] = &[
    "[[budgets]]\n",
    "[[providers]]\n",
    "name = \"a\"\n",
    "limit_usd = \"",
    "limit_usd = 5\n",
    "window = \"day\"\n",
    "time_zone = \"Europe/Berlin\"\n",
    "match = { team = \"x\" }\n",
    "per = [\"customer\"]\n",
    "on_exceed = \"block\"\n",
    "dialect = \"openai\"\n",
    "base_url = \"http://127.0.0.1:1\"\n",
    "api_key_env = \"K\"\n",
    "models = [\"*\"]\n",
    "[server]\n",
    "listen = \"127.0.0.1:0\"\n",
    "[limits]\n",
    "[timeouts]\n",
    "[prices]\n",
    "extra = []\n",
    "[log]\n",
    "level = \"info\"\n",
    "[providers.aliases]\n",
    "-1",
    "1e400",
    "\"\"\"",
    "'''",
    "=",
    "\n",
    "\"",
    "[",
    "]",
    "{",
    "}",
    "0x7f",
    "1979-05-27",
    "nan",
    "inf",
];

/// The text of a file.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let environment = Environment::default();
    let config = match load_text(text, Path::new("mete.toml"), &[], &environment) {
        Ok(config) => config,
        Err(error) => {
            assert!(!error.faults.is_empty(), "refused without a reason");
            let lines = text.lines().count() + 1;
            return assert!(
                error.faults.iter().all(|fault| !fault.problem.is_empty() && fault.line.is_none_or(|line| line >= 1 && line <= lines))
            );
        }
    };
    for budget in &config.budgets {
        assert!(
            budget.limit.is_none_or(|limit| limit >= money::Nanos::ZERO && limit <= money::Nanos::MAX),
            "a limit of {:?}",
            budget.limit
        );
    }
    for has_keys in [false, true] {
        let settings = config.settings(has_keys);
        assert_eq!(settings.providers.len(), config.providers().len());
    }
}
