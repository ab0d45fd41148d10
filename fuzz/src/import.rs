//! Another gateway's files: refused with one short reason, or a plan that the config's own reader and the price book take, in which no
//! key that stood in the file is.

use std::path::Path;
use std::time::UNIX_EPOCH;

use server::Environment;
use server::config::load_text;
use server::import::litellm::{Source, Sources, plan};

pub const WORDS: &[&str] = &[
    "model_list:\n",
    "  - model_name: a\n",
    "    litellm_params:\n",
    "      model: openai/gpt-5.5\n",
    "      model: azure/x\n",
    "      api_base: http://127.0.0.1:1/v1\n",
    "      api_key: sk-canary\n",
    "      api_key: os.environ/K\n",
    "      input_cost_per_token: 1.25e-06\n",
    "litellm_settings:\n",
    "  max_budget: ",
    "  budget_duration: 30d\n",
    "router_settings:\n",
    "  fallbacks: [{a: [b]}]\n",
    "  model_group_alias: {c: a}\n",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!str ",
    "---\n",
    "|\n",
    "? ",
    "{\"team_id\": \"t\", \"max_budget\": 1e2}",
    "{\"keys\": [",
    "\"models\": [\"a/*\"]",
    "\"blocked\": true",
    "null",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "- ",
    ",",
    "\n",
    "\t",
    "\"",
    "1e400",
    "-0",
];

/// Longest sentence of a refusal.
const REASON_BYTES_MAX: usize = 600;

/// First byte: which of the three files it is.
pub fn run(input: &[u8]) {
    let mut rest = input;
    let Some(which) = crate::choose(&[0, 1, 2], &mut rest) else { return };
    let bytes = |index: usize| Source { name: "file", bytes: if *which == index { rest } else { b"[]" } };
    let config = if *which == 0 { rest } else { b"{}".as_slice() };
    let environment = Environment::default();
    let plan = plan(&Sources {
        config: Source { name: "file", bytes: config },
        teams: (*which != 0).then(|| bytes(1)),
        keys: (*which != 0).then(|| bytes(2)),
        environment: &environment,
        now: UNIX_EPOCH,
        prices_file: "p.jsonl",
    });
    match plan {
        Err(error) => {
            assert!(!error.problem.is_empty() && error.problem.len() < REASON_BYTES_MAX, "{error}");
            assert!(!error.problem.starts_with("what would be written"), "{error}");
        }
        Ok(plan) => {
            let config = load_text(&plan.config, Path::new("mete.toml"), &[], &environment).expect("what is written is read");
            assert_eq!(config.budgets.len(), plan.report.taken.budgets);
            assert_eq!(config.prices.is_empty(), plan.prices.is_empty());
            assert!(plan.report.changed.iter().all(|changed| !changed.path.is_empty() && !changed.what.is_empty()));
            assert!(plan.report.left.iter().all(|left| !left.why.is_empty()));
        }
    }
}
