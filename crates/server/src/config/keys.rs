//! The table of keys: one row each, from which the reference and its tests are made.

/// One key of `mete.toml`.
pub(crate) struct KeyDoc {
    /// The section: `server`, or `providers` and `budgets`, which repeat.
    pub section: &'static str,
    /// The key in it.
    pub key: &'static str,
    /// What may be written.
    pub kind: &'static str,
    /// The default as TOML; empty where the key is needed.
    pub default: &'static str,
    /// What it does, as one or two full sentences.
    pub doc: &'static str,
}

/// One section of `mete.toml`.
pub(crate) struct SectionDoc {
    /// Its name.
    pub name: &'static str,
    /// Whether it is written `[[name]]`.
    pub repeats: bool,
    /// What it is for.
    pub doc: &'static str,
}

/// The sections in the order of the reference.
pub(crate) const SECTIONS: &[SectionDoc] = &[
    SectionDoc { name: "server", repeats: false, doc: "Where Mete listens and who may call." },
    SectionDoc {
        name: "providers",
        repeats: true,
        doc: "Where calls go. Without any, OpenAI, Anthropic and Gemini are built in, with keys from `OPENAI_API_KEY`, `ANTHROPIC_API_KEY` and `GEMINI_API_KEY`; \
              `OPENAI_BASE_URL`, `ANTHROPIC_BASE_URL` and `GOOGLE_GEMINI_BASE_URL` move them elsewhere. \
              A call goes to the first provider that speaks its dialect and lists its model.",
    },
    SectionDoc {
        name: "budgets",
        repeats: true,
        doc: "Limits over the calls that match. A budget of this file is read-only in the admin API and on the command line. \
              Removing one archives it: what was spent stays on record.",
    },
    SectionDoc {
        name: "lookups",
        repeats: true,
        doc: "Look-up tables for virtual tags: who belongs to which team and cost centre, and from when. `docs/attribution.md` has examples.",
    },
    SectionDoc {
        name: "virtual_tags",
        repeats: true,
        doc: "Attributes that are worked out before a call meets a budget, in the order of this file; a later one may use an earlier one. \
              What they are worked out by has a version, which each call records.",
    },
    SectionDoc {
        name: "virtual_tags.rules",
        repeats: true,
        doc: "The rules of the virtual tag above them, in order: the first that matches wins. A rule matches where its time frame has the \
              call, its condition holds and its value isn't empty. It has exactly one of `value`, `copy` and `lookup`.",
    },
    SectionDoc {
        name: "required_tags",
        repeats: true,
        doc: "Attributes that every call needs which costs something. They are looked for behind the virtual tags; an empty value is a missing one.",
    },
    SectionDoc {
        name: "prices",
        repeats: false,
        doc: "Prices of your own. They win over the embedded price book; what `mete prices set` adds wins over both.",
    },
    SectionDoc { name: "ledger", repeats: false, doc: "How holds are granted and what they survive." },
    SectionDoc { name: "limits", repeats: false, doc: "How large things may be." },
    SectionDoc { name: "timeouts", repeats: false, doc: "How long things may take, in milliseconds." },
    SectionDoc { name: "log", repeats: false, doc: "Log lines on stderr. Prompts, completions and secrets are never logged." },
];

const fn row(section: &'static str, key: &'static str, kind: &'static str, default: &'static str, doc: &'static str) -> KeyDoc {
    KeyDoc { section, key, kind, default, doc }
}

/// Every key, by section, in the order of the reference.
pub(crate) const KEYS: &[KeyDoc] = &[
    row(
        "server",
        "listen",
        "address",
        "\"127.0.0.1:4141\"",
        "Where the data plane, the admin API, `/metrics` and `/healthz` listen. Port 0 takes a free one. Changing it needs a restart.",
    ),
    row(
        "server",
        "admin_listen",
        "address or empty",
        "\"\"",
        "Where the admin API listens instead. The data plane's listener then has no `/api`. Changing it needs a restart.",
    ),
    row(
        "server",
        "authentication",
        "`auto`, `keyed` or `passthrough`",
        "\"auto\"",
        "Who may call. `keyed` needs a virtual key. `passthrough` forwards the client's own provider key and needs a loopback listener. `auto` is `passthrough` on a loopback listener as long as there is no virtual key, else `keyed`.",
    ),
    row(
        "server",
        "hosts",
        "list of names",
        "[]",
        "Names by which browsers and clients reach the admin API beside the listen address and `localhost`. Other `Host` headers are refused, which stops DNS rebinding.",
    ),
    row("providers", "name", "name", "", "Unique name: lower-case letters, digits, `-`, `_` and `.`."),
    row("providers", "dialect", "`openai`, `anthropic` or `gemini`", "", "The language that it speaks."),
    row("providers", "base_url", "URL", "", "Where it is, without `/v1`: `https://api.openai.com`, or another gateway's address."),
    row(
        "providers",
        "subscription_url",
        "URL or empty",
        "\"\"",
        "Where calls with a client's own subscription login go instead; `/v1` is left out of the path there. Empty is the vendor's own host.",
    ),
    row(
        "providers",
        "api_key_env",
        "name of a variable or empty",
        "\"\"",
        "The environment variable with the provider's key. The key itself is never written in this file.",
    ),
    row(
        "providers",
        "use_key",
        "`virtual` or `always`",
        "\"virtual\"",
        "When that key is used: for calls made with a virtual key or a run's token, or always, which replaces a client's own credential, a subscription login included.",
    ),
    row(
        "providers",
        "seller",
        "name",
        "the dialect's vendor",
        "Whose prices apply: `openai`, `anthropic`, `google`, `azure`, `bedrock`, `xai`, `deepseek`, `mistral`, `github-copilot` or a seller of your own price file.",
    ),
    row("providers", "region", "name or empty", "\"\"", "The provider's region, where prices depend on it."),
    row(
        "providers",
        "deployment",
        "name or empty",
        "\"\"",
        "The kind of deployment, where prices depend on it, such as `data_zone` on Azure.",
    ),
    row("providers", "select", "table of names", "{}", "Further price selectors of the price book's schema."),
    row("providers", "models", "list of model names", "[\"*\"]", "What is routed here: exact names, or a prefix that ends with `*`."),
    row(
        "providers",
        "aliases",
        "table of model names",
        "{}",
        "The client's model name and the one that is sent upstream and priced: `team-sonnet = \"claude-sonnet-5\"`.",
    ),
    row(
        "providers",
        "stream_usage",
        "true or false",
        "true",
        "Whether it takes `stream_options.include_usage`. Where it does not, streams are settled by what they say of themselves.",
    ),
    row(
        "providers",
        "fallback",
        "list of provider names",
        "[]",
        "Providers of the same dialect to try next, in order, when an attempt fails before an answer. Each attempt has its own hold.",
    ),
    row(
        "providers",
        "retries",
        "0 to 10",
        "0",
        "How often one provider is tried again after a failed connection, 429, 500, 502, 503, 504 or 529.",
    ),
    row(
        "providers",
        "cost_from",
        "`book` or `provider`",
        "\"book\"",
        "Which cost binds where the provider says itself what a call cost: usage by the price book, or the provider's own figure. Both are kept, and holds are by the price book.",
    ),
    row(
        "providers",
        "zero_usage",
        "`doubted` or `trusted`",
        "\"doubted\"",
        "What counts of nothing mean beside an answer that has text: `doubted` charges it as an answer without usage (its input, and at least what was relayed), `trusted` takes zero as its cost. A model whose price is zero costs nothing either way.",
    ),
    row("budgets", "name", "name", "", "Unique name. It is the budget's identity: renaming it begins a new one."),
    row(
        "budgets",
        "limit_usd",
        "amount in quotes, or `\"none\"`",
        "",
        "The most that may be spent and held in one window, in US dollars, exact to the nano-dollar: `\"25.00\"`. `\"0\"` admits nothing. `\"none\"` only observes.",
    ),
    row(
        "budgets",
        "window",
        "`total`, `minute`, `hour`, `day`, `week` or `month`",
        "\"total\"",
        "How often the limit starts anew, on calendar boundaries of the time zone.",
    ),
    row("budgets", "time_zone", "IANA name", "\"UTC\"", "Whose calendar: `Europe/Berlin`."),
    row("budgets", "week_starts", "`monday` or `sunday`", "\"monday\"", "The first day of a week."),
    row(
        "budgets",
        "match",
        "table of attributes",
        "{}",
        "What a call must have to count here, all of it: `{ team = \"search\" }`. Empty matches every call.",
    ),
    row(
        "budgets",
        "per",
        "list of attributes",
        "[]",
        "Splits the budget: `[\"customer\"]` gives each customer the whole limit, also those never seen before. Calls without the attribute share one part, that of the empty value.",
    ),
    row(
        "budgets",
        "on_exceed",
        "`block` or `shadow`",
        "\"block\"",
        "What happens to a call that does not fit: it is refused, or it passes and is told apart. `downgrade` is not available yet.",
    ),
    row(
        "budgets",
        "measure",
        "`billed` or `list`",
        "\"billed\"",
        "What is limited: what is owed, or the list value, which also counts calls that a subscription covers.",
    ),
    row(
        "budgets",
        "unpriced",
        "`refuse`, `dearest` or `allow`",
        "\"refuse\"",
        "What happens to a call whose price is unknown: refused, held and settled at the seller's dearest model, or let through and counted apart.",
    ),
    row(
        "budgets",
        "grant_share_percent",
        "1 to 100",
        "25",
        "One call's hold takes at most this share of what is left, but never less than it needs at least.",
    ),
    row("lookups", "name", "name", "", "Unique name, by which rules look it up."),
    row(
        "lookups",
        "file",
        "file",
        "",
        "A CSV file with a header: first the key, then columns with values, and `valid_from` where they change. The path is relative to this file; it is read again when it changes.",
    ),
    row(
        "virtual_tags",
        "name",
        "name",
        "",
        "The attribute that it sets: letters, digits, `_`, `-` and `.`. Facts of a call, such as `key` and `model`, can't be set.",
    ),
    row("virtual_tags", "default", "text", "\"\"", "Its value where no rule matches. Empty: what the call brought under this name stays."),
    row("virtual_tags", "rules", "list of rules", "[]", "Its rules: tables in a list, or sections `[[virtual_tags.rules]]` below it."),
    row(
        "virtual_tags.rules",
        "when",
        "CEL expression or empty",
        "\"\"",
        "What must hold, on attributes by their names: `team == \"search\" && user.endsWith(\"@example.org\")`. `attributes[\"a-b\"]` reaches any name; a missing attribute is the empty text.",
    ),
    row(
        "virtual_tags.rules",
        "from",
        "date or RFC 3339",
        "\"\"",
        "The first instant at which the rule counts. A date is its beginning in UTC.",
    ),
    row("virtual_tags.rules", "until", "date or RFC 3339", "\"\"", "The first instant at which it no longer counts."),
    row("virtual_tags.rules", "value", "text", "\"\"", "The value itself."),
    row("virtual_tags.rules", "copy", "name of an attribute", "\"\"", "The attribute whose value is taken."),
    row(
        "virtual_tags.rules",
        "lookup",
        "name of a look-up table",
        "\"\"",
        "The table that has the value, in the row that holds at the time of the call.",
    ),
    row("virtual_tags.rules", "by", "name of an attribute", "\"\"", "With `lookup`: the attribute whose value is the key."),
    row("virtual_tags.rules", "column", "name of a column", "\"\"", "With `lookup`: the column that has the value."),
    row("required_tags", "name", "name", "", "The attribute."),
    row(
        "required_tags",
        "on_missing",
        "`refuse`, `default` or `mark`",
        "\"refuse\"",
        "What happens to a call without it: it is refused with status 400 and the code `tag_required`, the attribute gets the default, or it gets the value `untagged`.",
    ),
    row("required_tags", "default", "text", "\"\"", "The value for `on_missing = \"default\"`."),
    row(
        "prices",
        "extra",
        "list of files",
        "[]",
        "Price files in the price book's schema, one JSON row a line; paths are relative to this file. They are read again when they change.",
    ),
    row(
        "ledger",
        "survives",
        "`power-loss` or `process-crash`",
        "\"power-loss\"",
        "What an answered hold survives. `power-loss` waits for the disk (fsync). Changing it needs a restart.",
    ),
    row(
        "ledger",
        "wait_ms",
        "milliseconds",
        "20000",
        "How long a call waits for other holds to settle when it would fit without them; 0 refuses at once.",
    ),
    row(
        "ledger",
        "clamp",
        "true or false",
        "true",
        "Whether a call's output ceiling is lowered to what is left. Otherwise a call is held at its full bound or refused.",
    ),
    row(
        "ledger",
        "floor_output_tokens",
        "tokens",
        "4096",
        "The least output ceiling that is useful: below it a call is refused rather than clamped.",
    ),
    row(
        "ledger",
        "server_tool_uses",
        "count",
        "3",
        "Uses allowed to a server tool (web search and the like) that names no ceiling of its own, per call. Each use is held for, with the prompt that it reads again.",
    ),
    row("limits", "body_bytes_max", "bytes", "33554432", "The largest request body."),
    row("limits", "answer_bytes_max", "bytes", "67108864", "The largest answer that is not streamed."),
    row(
        "limits",
        "bodies_bytes_max",
        "bytes",
        "1073741824",
        "Request bodies kept in memory at a time, in all; and as much again of answers that are not streamed. What is up to 16 KiB always fits; a larger request beyond it is answered 503.",
    ),
    row("limits", "connections_max", "count", "10000", "Connections at a time. Changing it needs a restart."),
    row(
        "timeouts",
        "header_ms",
        "milliseconds",
        "10000",
        "From accepting a connection to a complete request head. Changing it needs a restart.",
    ),
    row("timeouts", "body_idle_ms", "milliseconds", "30000", "Between two pieces of a request body."),
    row("timeouts", "keep_alive_ms", "milliseconds", "75000", "How long an idle connection is kept. Changing it needs a restart."),
    row("timeouts", "connect_ms", "milliseconds", "10000", "To connect to a provider."),
    row("timeouts", "first_byte_ms", "milliseconds", "600000", "From the request sent to the first byte of the answer."),
    row("timeouts", "stream_idle_ms", "milliseconds", "300000", "Between two pieces of an answer."),
    row("timeouts", "total_ms", "milliseconds", "3600000", "A whole call."),
    row(
        "timeouts",
        "assume_grace_ms",
        "milliseconds",
        "60000",
        "How long after a call's deadline an unknown outcome stays unresolved before the hold is assumed spent.",
    ),
    row("timeouts", "drain_ms", "milliseconds", "30000", "How long open calls may go on after SIGTERM."),
    row(
        "log",
        "level",
        "`error`, `warn`, `info`, `debug`, `trace` or a filter",
        "\"info\"",
        "What is logged. Changing it needs a restart.",
    ),
    row("log", "format", "`text` or `json`", "\"text\"", "How it is logged. Changing it needs a restart."),
];

/// The key that was probably meant, for a misspelt one.
pub(crate) fn nearest(section: &str, misspelt: &str) -> Option<&'static str> {
    let known: Vec<&'static str> = if section.is_empty() {
        SECTIONS.iter().map(|row| row.name).collect()
    } else {
        KEYS.iter().filter(|row| row.section == section).map(|row| row.key).collect()
    };
    let (near, steps) = known.into_iter().map(|key| (key, distance(key, misspelt))).min_by_key(|(_, steps)| *steps)?;
    (steps <= 2).then_some(near)
}

/// How many single-character edits lie between two words.
fn distance(a: &str, b: &str) -> usize {
    let mut previous: Vec<usize> = (0..=b.chars().count()).collect();
    for (row, left) in a.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, right) in b.chars().enumerate() {
            let replace = previous[column] + usize::from(left != right);
            current.push(replace.min(previous[column + 1] + 1).min(current[column] + 1));
        }
        previous = current;
    }
    previous.last().copied().unwrap_or(0)
}
