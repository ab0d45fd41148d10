//! What the config accepts, what it refuses, and that its documentation can't drift.

use std::path::Path;

use super::keys::{KEYS, SECTIONS};
use super::*;

fn load_str(text: &str) -> Result<Config, ConfigError> {
    load_text(text, Path::new("mete.toml"), &[], &Environment::new())
}

const PROVIDER: &str = "[[providers]]\nname = \"p\"\ndialect = \"openai\"\nbase_url = \"http://127.0.0.1:9001\"\n";
const BUDGET: &str = "[[budgets]]\nname = \"b\"\nlimit_usd = \"1\"\n";
const TAG: &str = "[[virtual_tags]]\nname = \"team\"\n";

#[test]
fn a_bad_file_is_refused_with_its_line_its_key_and_what_to_write() {
    let cases: &[(String, &str)] = &[
        ("[server]\nlisen = \"x\"\n".into(), "mete.toml:2: server.lisen: unknown key `lisen`; did you mean `listen`?"),
        ("[servr]\n".into(), "mete.toml:1: servr: unknown key `servr`; did you mean `server`?"),
        ("\n[colours]\n".into(), "mete.toml:2: colours: unknown key `colours`; docs/configuration.md lists all keys"),
        (
            format!("{BUDGET}spent_usd = 1\n"),
            "mete.toml:4: budgets[0].spent_usd: unknown key `spent_usd`; docs/configuration.md lists all keys",
        ),
        ("[server]\nlisten = \"here\"\n".into(), "mete.toml:2: server.listen: `here` is not an address"),
        (
            "[server]\nlisten = \"0.0.0.0:1\"\nauthentication = \"passthrough\"\n".into(),
            "mete.toml:3: server.authentication: `passthrough` on an address that others can reach",
        ),
        (
            "[server]\nauthentication = \"open\"\n".into(),
            "mete.toml:2: server.authentication: unknown variant `open`, expected one of `auto`, `keyed`, `passthrough`",
        ),
        ("[timeouts]\ntotal_ms = 0\n".into(), "mete.toml:2: timeouts.total_ms: 0 is out of range; write a number from 1 to 86400000"),
        ("[timeouts]\ntotal_ms = -1\n".into(), "mete.toml:2: timeouts.total_ms: invalid value: integer `-1`, expected u64"),
        ("[ledger]\nclamp = \"yes\"\n".into(), "mete.toml:2: ledger.clamp: invalid type: string \"yes\", expected a boolean"),
        ("[log]\nlevel = \"mete=loud\"\n".into(), "mete.toml:2: log.level:"),
        ("x = [\n".into(), "mete.toml:"),
        (PROVIDER.replace("9001", "9001/v1"), "mete.toml:4: providers[0].base_url: `http://127.0.0.1:9001/v1` ends with the API's version"),
        (PROVIDER.replace("http://", "ftp://"), "providers[0].base_url: `ftp://127.0.0.1:9001` is neither http nor https"),
        (PROVIDER.replace("http://", "http://me:secret@"), "providers[0].base_url: a URL with a password would end up in logs"),
        (PROVIDER.replace("\"p\"", "\"P p\""), "mete.toml:2: providers[0].name: a provider's name has 1 to 64 lower-case letters"),
        (format!("{PROVIDER}{PROVIDER}"), "mete.toml:6: providers[1].name: `p` is defined twice"),
        (format!("{PROVIDER}fallback = [\"q\"]\n"), "mete.toml:5: providers[0].fallback[0]: there is no provider `q`"),
        (format!("{PROVIDER}fallback = [\"p\"]\n"), "`p` is this provider itself"),
        (format!("{PROVIDER}models = [\"a*b\"]\n"), "mete.toml:5: providers[0].models[0]: `a*b` can't be matched"),
        (format!("{PROVIDER}api_key = \"sk-1\"\n"), "unknown key `api_key`"),
        ("[[providers]]\nname = \"p\"\n".into(), "mete.toml:1: providers[0]: missing field `dialect`"),
        (format!("{BUDGET}{BUDGET}"), "mete.toml:5: budgets[1].name: `b` is defined twice"),
        (
            BUDGET.replace("\"1\"", "-7"),
            "mete.toml:3: budgets[0].limit_usd: `-7`: below zero; write an amount of zero or more; write an amount",
        ),
        (
            BUDGET.replace("\"1\"", "2.5"),
            "mete.toml:3: budgets[0].limit_usd: a bare fraction is not exact; write the amount in quotes, such as \"2.5\"",
        ),
        (BUDGET.replace("\"1\"", "\"NaN\""), "mete.toml:3: budgets[0].limit_usd: `NaN`:"),
        (BUDGET.replace("\"1\"", "\"1e400\""), "mete.toml:3: budgets[0].limit_usd: `1e400`:"),
        (BUDGET.replace("\"1\"", "9223372036854775807"), "above one billion dollars"),
        (BUDGET.replace("\"1\"", "\"0.0000000001\""), "more than nine digits after the point"),
        ("[[budgets]]\nname = \"b\"\n".into(), "mete.toml:1: budgets[0]: missing field `limit_usd`"),
        (format!("{BUDGET}time_zone = \"Mars\"\n"), "mete.toml:4: budgets[0].time_zone: `Mars` is not a time zone; write an IANA name"),
        (
            format!("{BUDGET}on_exceed = \"downgrade\"\n"),
            "mete.toml:4: budgets[0].on_exceed: `downgrade` is not available yet; write \"block\" or \"shadow\"",
        ),
        (format!("{BUDGET}grant_share_percent = 0\n"), "budgets[0].grant_share_percent: 0 is out of range; write a number from 1 to 100"),
        (format!("{BUDGET}per = [\"a\", \"a\"]\n"), "mete.toml:4: budgets[0].per: `a` is named twice"),
        (format!("{TAG}ruls = []\n"), "mete.toml:3: virtual_tags[0].ruls: unknown key `ruls`; did you mean `rules`?"),
        (
            format!("{TAG}rules = [\n{{ value = \"a\" }},\n{{ value = \"a\", wen = \"true\" }},\n]\n"),
            "mete.toml:5: virtual_tags[0].rules[1].wen: unknown key `wen`; did you mean `when`?",
        ),
        (
            format!("{TAG}[[virtual_tags.rules]]\nvalue = \"a\"\nwhen = \"team == 1\"\n"),
            "mete.toml:5: virtual_tags[0].rules[0].when: behind `==` or `!=` stands a number, and a text is needed",
        ),
        (
            format!("{TAG}rules = [\n{{ value = \"a\" }},\n{{ value = \"a\", when = \"user ==\" }},\n]\n"),
            "mete.toml:5: virtual_tags[0].rules[1].when: the expression can't be read at line 1, character 8",
        ),
        (
            format!("{TAG}rules = [{{ copy = \"a\", value = \"b\" }}]\n"),
            "mete.toml:3: virtual_tags[0].rules[0]: a rule sets one thing; write exactly one of",
        ),
        (format!("{TAG}rules = [{{ when = \"true\" }}]\n"), "mete.toml:3: virtual_tags[0].rules[0]: a rule sets one thing"),
        (format!("{TAG}rules = [{{ lookup = \"people\", by = \"user\" }}]\n"), "virtual_tags[0].rules[0]: `lookup` needs `by`, "),
        (format!("{TAG}rules = [{{ value = \"a\", by = \"user\" }}]\n"), "virtual_tags[0].rules[0]: `by` and `column` belong to `lookup`"),
        (
            format!("{TAG}rules = [{{ lookup = \"people\", by = \"user\", column = \"team\" }}]\n"),
            "mete.toml:3: virtual_tags[0].rules[0].lookup: there is no look-up table `people`; there are no tables",
        ),
        (
            format!("{TAG}rules = [{{ value = \"a\", from = \"soon\" }}]\n"),
            "mete.toml:3: virtual_tags[0].rules[0].from: `soon` is not a time; write a date such as 2026-07-01",
        ),
        (TAG.replace("team", "model"), "mete.toml:2: virtual_tags[0].name: `model` is a fact of each call that Mete finds out itself"),
        (TAG.to_owned(), "mete.toml:1: virtual_tags[0]: it has neither rules nor a default; write at least one rule"),
        (
            "[[lookups]]\nname = \"people\"\nfile = \"nowhere.csv\"\n".into(),
            "mete.toml:3: lookups[0].file: nowhere.csv: it can't be read (No such file or directory (os error 2)); paths are relative to this file",
        ),
        ("[[required_tags]]\nname = \"key\"\n".into(), "mete.toml:2: required_tags[0].name: `key` is a fact of each call"),
        (
            "[[required_tags]]\nname = \"team\"\ndefault = \"a\"\n".into(),
            "mete.toml:3: required_tags[0].default: a default is only used with `on_missing = \"default\"`",
        ),
        (
            "[[required_tags]]\nname = \"team\"\non_missing = \"default\"\n".into(),
            "mete.toml:1: required_tags[0].default: an empty value is none; write at least one character",
        ),
        (format!("{BUDGET}match = {{ team = \"a\\u0000\" }}\n"), "mete.toml:4: budgets[0].match: a name or value has a control character"),
    ];
    for (text, expected) in cases {
        let error = load_str(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}\n  said   {error}\n  wanted {expected}");
    }
}

#[test]
fn every_fault_of_a_file_is_told_at_once() {
    let error = load_str(&format!("{}{}", PROVIDER.replace("http:", "ftp:"), BUDGET.replace("\"1\"", "-7"))).unwrap_err();
    assert_eq!(error.faults.len(), 2, "{error}");
}

#[test]
fn the_least_config_of_the_contract_is_read() {
    let text = r#"
[[providers]]
name = "openai"
dialect = "openai"
base_url = "http://127.0.0.1:9001"
api_key_env = "OPENAI_API_KEY"
seller = "openai"
region = ""
models = ["*"]
[providers.aliases]
team-sonnet = "claude-sonnet-5"

[[budgets]]
name = "search-team"
limit_usd = "25.00"
window = "month"
time_zone = "Europe/Berlin"
match = { team = "search" }
per = []
on_exceed = "block"

[prices]
extra = ["my-prices.jsonl"]
"#;
    let env = Environment::from([("OPENAI_API_KEY".to_owned(), "sk-canary".to_owned())]);
    let config = load_text(text, Path::new("/etc/mete/mete.toml"), &[], &env).unwrap();
    assert_eq!(config.budgets[0].limit, Some(money::Nanos::new(25_000_000_000)));
    assert_eq!(config.budgets[0].window, ledger::Window::Month);
    assert_eq!(config.prices, [PathBuf::from("/etc/mete/my-prices.jsonl")]);
    assert_eq!(config.providers()[0].aliases["team-sonnet"], "claude-sonnet-5");
    assert_eq!(config.providers()[0].api_key.as_ref().map(gateway::Secret::expose), Some("sk-canary"));
    assert!(!format!("{config:?}").contains("sk-canary"), "a secret must not be shown");
}

#[test]
fn who_may_call_follows_the_listener_and_the_keys() {
    use gateway::Authentication::{Keyed, Passthrough};
    let cases = [
        ("", false, Passthrough),
        ("", true, Keyed),
        ("listen = \"0.0.0.0:4141\"", false, Keyed),
        ("listen = \"[::1]:4141\"", false, Passthrough),
        ("authentication = \"keyed\"", false, Keyed),
        ("authentication = \"passthrough\"", true, Passthrough),
    ];
    for (line, has_keys, expected) in cases {
        let config = load_str(&format!("[server]\n{line}\n")).unwrap();
        assert_eq!(config.settings(has_keys).authentication, expected, "{line} {has_keys}");
    }
}

#[test]
fn without_providers_the_three_vendors_are_built_in() {
    let config = load_str("").unwrap();
    let names: Vec<_> = config
        .providers()
        .iter()
        .map(|provider| (provider.name.as_str(), provider.seller.as_str(), provider.base_url.to_string()))
        .collect();
    assert_eq!(
        names,
        [
            ("openai", "openai", "https://api.openai.com/".to_owned()),
            ("anthropic", "anthropic", "https://api.anthropic.com/".to_owned()),
            ("gemini", "google", "https://generativelanguage.googleapis.com/".to_owned()),
        ]
    );
    assert_eq!(config.notices.len(), 3, "each missing key is told");
}

#[test]
fn the_environment_moves_the_built_in_providers_but_never_in_a_circle() {
    let cases = [
        ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/", 0, "http://127.0.0.1:9/"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:4141/run/rt_x/openai/v1", 0, "https://api.openai.com/"),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:9", 1, "http://127.0.0.1:9/"),
        ("GOOGLE_GEMINI_BASE_URL", "", 2, "https://generativelanguage.googleapis.com/"),
    ];
    for (variable, url, index, expected) in cases {
        let env = Environment::from([(variable.to_owned(), url.to_owned())]);
        let config = load_text("", Path::new("mete.toml"), &[], &env).unwrap();
        assert_eq!(config.providers()[index].base_url.to_string(), expected, "{variable}={url}");
    }
}

#[test]
fn every_effective_value_says_where_it_came_from() {
    let env = Environment::from([("K".to_owned(), "sk-canary".to_owned())]);
    let text = format!("[server]\nlisten = \"127.0.0.1:1\"\n{PROVIDER}api_key_env = \"K\"\n{BUDGET}match = {{ team = \"a\" }}\n");
    let flags = [("server.listen".to_owned(), "127.0.0.1:7".to_owned())];
    let config = load_text(&text, Path::new("mete.toml"), &flags, &env).unwrap();
    let printed = effective::text(&config.effective);
    for line in [
        "listen = \"127.0.0.1:7\"  # flag",
        "wait_ms = 20000  # default",
        "name = \"p\"  # mete.toml:4",
        "seller = \"openai\"  # default",
        "api_key_env = \"K\"  # mete.toml:7",
        "# api_key = (set)  # env K",
        "limit_usd = \"1\"  # mete.toml:10",
        "match = { team = \"a\" }  # mete.toml:11",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line} is not in\n{printed}");
    }
    assert!(!printed.contains("sk-canary"));
    let again = load_text(&printed, Path::new("printed.toml"), &[], &env).unwrap();
    assert_eq!(again.budgets, config.budgets, "what is printed means the same");
    assert_eq!(again.listen, config.listen);
}

#[test]
fn the_table_of_keys_is_exactly_what_the_file_takes() {
    let full =
        format!("{PROVIDER}{BUDGET}{TAG}rules = [{{}}]\n[[lookups]]\nname = \"t\"\nfile = \"t.csv\"\n[[required_tags]]\nname = \"team\"\n");
    let mut typed = locate::parse(&full).unwrap();
    typed.providers[0].seller = "openai".to_owned();
    typed.virtual_tags[0].rules[0] = every_rule_key();
    let mut table = toml::Table::try_from(&typed).unwrap();
    let mut rule = table["virtual_tags"][0]["rules"][0].as_table().unwrap().clone();
    rule.iter_mut().for_each(|(_, value)| *value = "".into());
    table["virtual_tags"][0]["rules"] = toml::Value::Array(Vec::new());
    table.insert("virtual_tags.rules".to_owned(), toml::Value::Array(vec![rule.into()]));
    for section in SECTIONS {
        let value = &table[section.name];
        let fields = if section.repeats { value[0].as_table().unwrap() } else { value.as_table().unwrap() };
        let taken: Vec<&str> = fields.keys().map(String::as_str).collect();
        let mut documented: Vec<&str> = KEYS.iter().filter(|row| row.section == section.name).map(|row| row.key).collect();
        let mut taken = taken;
        taken.sort_unstable();
        documented.sort_unstable();
        assert_eq!(taken, documented, "{}", section.name);
        for row in KEYS.iter().filter(|row| row.section == section.name && !row.default.is_empty() && row.key != "seller") {
            assert_eq!(fields[row.key].to_string(), row.default, "default of {}.{}", row.section, row.key);
        }
    }
    assert_eq!(table.len(), SECTIONS.len());
}

/// A rule with something under each key: what is empty isn't written.
fn every_rule_key() -> typed::RuleSection {
    let x = || "x".to_owned();
    typed::RuleSection { when: x(), from: x(), until: x(), value: x(), copy: x(), lookup: x(), by: x(), column: x() }
}

/// A directory of one test, without anything in it.
fn directory(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("mete-config-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn rules_and_their_tables_are_read_printed_and_named_by_the_version() {
    let dir = directory("rules");
    let text = r#"
[[lookups]]
name = "people"
file = "people.csv"

[[virtual_tags]]
name = "team"
default = "nobody"
rules = [
    { when = 'user.startsWith("ci-")', value = "ci", until = "2026-07-01" },
    { lookup = "people", by = "user", column = "team" },
]

[[virtual_tags]]
name = "cost_center"
[[virtual_tags.rules]]
copy = "team"
from = "2026-01-01T00:00:00+01:00"

[[required_tags]]
name = "project"
on_missing = "default"
default = "shared"
"#;
    let load = |text: &str| load_text(text, &dir.join("mete.toml"), &[], &Environment::new());
    let table = |rows: &str| std::fs::write(dir.join("people.csv"), format!("user,team\n{rows}")).unwrap();
    table("ann,search\n");
    let config = load(text).unwrap();
    let settings = config.settings(false);
    let rules = settings.rules.as_ref().unwrap();
    let mut call = std::collections::BTreeMap::from([("user".to_owned(), "ann".to_owned())]);
    rules.apply(&mut call, &[], rules::instant("2026-02-01").unwrap());
    let told: Vec<String> = call.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(told, ["cost_center=search", "project=shared", "team=search", "user=ann"]);
    assert_eq!(config.lookups, [dir.join("people.csv")]);

    // A version names the text, and behind it the rules with what their tables have.
    let (of_text, of_rules) = settings.version.split_once('+').unwrap();
    assert_eq!((of_text.len(), of_rules), (12, rules.version()));
    assert_eq!(config.version, settings.version);
    table("ann,search\nbob,ads\n");
    let with_bob = load(text).unwrap().version;
    assert!(with_bob.starts_with(of_text) && with_bob != settings.version, "{with_bob} after {}", settings.version);
    assert_eq!(load_str("").unwrap().version.len(), 12, "without rules nothing is added");

    // What is printed means the same.
    let printed = effective::text(&config.effective);
    assert!(printed.contains("rules = [{ until = \"2026-07-01\", value = \"ci\", when = "), "{printed}");
    let again = load(&printed).unwrap().version;
    assert_eq!(again.split_once('+').unwrap().1, with_bob.split_once('+').unwrap().1, "{printed}");

    // Faults of a table say its line, and stand where the file is named.
    table("ann,search\nann,ads\n,web\n");
    let error = load(text).unwrap_err().to_string();
    for expected in [
        "mete.toml:4: lookups[0].file: people.csv: line 3: `ann` is there twice from the same time, first in line 2",
        "mete.toml:4: lookups[0].file: people.csv: line 4: the key is empty",
    ] {
        assert!(error.contains(expected), "{error}");
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn the_reference_is_what_is_committed() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    if std::env::var_os("METE_WRITE_DOCS").is_some() {
        std::fs::write(&file, reference()).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == reference(), "docs/configuration.md is stale; run `METE_WRITE_DOCS=1 cargo test -p server reference`");
}
