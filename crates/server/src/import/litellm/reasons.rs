//! Why a setting of LiteLLM isn't taken over, and what to do instead: the first row that fits its path counts.

/// Part of a path without indexes, and the sentence.
const REASONS: &[(&str, &str)] = &[
    ("environment_variables.", "set it in the environment of `mete serve`; Mete's config holds no values of variables"),
    ("general_settings.master_key", "not copied: `mete serve` makes an admin token of its own at its first start and shows it once"),
    ("general_settings.database", "Mete keeps its own database in the directory of `--data`"),
    ("general_settings.alerting", "Mete sends no alerts itself; alert on `/metrics`"),
    ("general_settings.max_parallel_requests", "Mete limits calls at a time by key: `mete keys update KEY --concurrency N`"),
    ("general_settings.global_max_parallel_requests", "Mete limits calls at a time by key: `mete keys update KEY --concurrency N`"),
    ("general_settings", "Mete has no such setting of its admin side; docs/configuration.md lists those that it has"),
    ("callback", "Mete sends no call to others: ask `mete calls list`, the admin API or `/metrics`"),
    ("litellm_settings.cache", "Mete answers no call from a cache of its own; what the provider caches is counted and priced"),
    ("drop_params", "Mete forwards a request as the client wrote it and drops no parameter; the client must send what the model takes"),
    ("modify_params", "Mete forwards a request as the client wrote it"),
    (
        "context_window_fallbacks",
        "Mete falls back when an attempt fails, not when a prompt is too long; the client must choose a longer model",
    ),
    ("content_policy_fallbacks", "Mete falls back when an attempt fails, not when an answer is refused"),
    ("fallbacks", "no group of this name was taken over"),
    ("routing_strategy", "Mete spreads no calls: the first deployment of a name is called, and the others follow when it fails"),
    ("router_settings.redis", "Mete is one process with its own ledger and needs no Redis"),
    ("allowed_fails", "Mete keeps no provider out after failures; each call tries the chain anew"),
    ("cooldown", "Mete keeps no provider out after failures; each call tries the chain anew"),
    ("retry_policy", "Mete retries failed connections, 429 and 5xx alike: `retries` of the provider"),
    ("azure_ad", "Mete sends a key and renews no token of Entra; give the deployment an `api_key`"),
    ("tenant_id", "Mete sends a key and renews no token of Entra; give the deployment an `api_key`"),
    ("client_secret", "Mete sends a key and renews no token of Entra; give the deployment an `api_key`"),
    ("num_retries", "another place has one too, which counts"),
    ("budget_reset_at", "Mete's windows begin on the calendar"),
    ("soft_budget", "Mete's budgets have no soft limit; a second budget with `on_exceed = \"shadow\"` tells without refusing"),
    ("guardrails", "Mete reads no content and changes none"),
    ("mcp", "Mete is no gateway for MCP servers"),
    ("team_member", "LiteLLM's members have no equal: a budget with `per = [\"user\"]` limits each user of a team"),
    ("members", "Mete has no user accounts; a key's attribute `user` says whose it is"),
    ("timeout", "Mete's timeouts hold for all providers: `[timeouts]`"),
    ("rpm", "Mete limits requests a minute by key: `mete keys create NAME --requests-per-minute N`"),
    ("tpm", "Mete limits tokens a minute by key: `mete keys create NAME --tokens-per-minute N`"),
    ("budget_duration", "there is no budget beside it that it would be the window of"),
    ("max_budget", "Mete has no budget of this kind; `mete budgets set` makes one on any attribute"),
    ("_cost", "the price file has no such price; `mete prices set SELLER/MODEL --meter METER --price USD` adds one"),
    ("model_info", "what is known of a model stands in Mete's price book; `mete prices show MODEL` shows it"),
    (".token", "a key's secret can't be taken over: LiteLLM keeps only a hash. Make a new key with the command below"),
    ("spend", "what was spent under LiteLLM stays there; Mete's budgets begin at zero"),
    ("litellm_params", "Mete adds nothing to a request; the client sends its own parameters"),
    ("model_list", "Mete has nothing like it"),
    ("include", "only this file is read; put the included ones into it and import again"),
    ("total_count", "it counts the rows of the answer"),
    ("total_pages", "it counts the pages of the answer; give all of them"),
    ("current_page", "it counts the pages of the answer; give all of them"),
    ("created_at", "a record of LiteLLM's database"),
    ("updated_at", "a record of LiteLLM's database"),
    ("created_by", "a record of LiteLLM's database"),
    ("updated_by", "a record of LiteLLM's database"),
    ("metadata", "free text of LiteLLM; a key's attributes say what is known of its calls"),
];

const UNKNOWN: &str = "Mete has nothing like it";
const SKIPPED: &str = "it belongs to something that was not taken over (its reason is listed beside it)";

/// The sentence for a path. `skipped` are paths whose own reason is told already.
pub(super) fn of(path: &str, skipped: &[String]) -> &'static str {
    let is_below = |outer: &String| path.strip_prefix(outer.as_str()).is_some_and(|rest| rest.starts_with(['.', '[']));
    if skipped.iter().any(is_below) {
        return SKIPPED;
    }
    let plain = without_indexes(path);
    REASONS.iter().find(|(part, _)| plain.contains(part)).map_or(UNKNOWN, |(_, why)| why)
}

/// `model_list[0].rpm` → `model_list.rpm`.
fn without_indexes(path: &str) -> String {
    let mut plain = String::new();
    let mut is_inside = false;
    for letter in path.chars() {
        match letter {
            '[' => is_inside = true,
            ']' => is_inside = false,
            _ if !is_inside => plain.push(letter),
            _ => {}
        }
    }
    plain
}
