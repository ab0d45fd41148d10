//! Small configs as tables, the fixture as a whole, and what must hold of any input: every key is used or listed, no secret comes out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::import::Taken;
use crate::import::tree::Kind;

const FIXTURE: &str = "../../fixtures/litellm/team-proxy";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(FIXTURE).join(name)
}

fn read_fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

fn plan_of(config: &[u8], teams: Option<&[u8]>, keys: Option<&[u8]>) -> Result<Plan, ImportError> {
    plan(&Sources {
        config: Source { name: "config.yaml", bytes: config },
        teams: teams.map(|bytes| Source { name: "teams.json", bytes }),
        keys: keys.map(|bytes| Source { name: "keys.json", bytes }),
        environment: &Environment::from([("BASE".to_owned(), "http://127.0.0.1:9/v1".to_owned())]),
        now: SystemTime::now(),
        prices_file: "mete.prices.jsonl",
    })
}

/// What a config becomes: the lines of `mete.toml` behind the head, then `price`, `changed` and `left` lines.
fn check(config: &str, expected: &str) {
    let plan = plan_of(config.as_bytes(), None, None).unwrap();
    let head = plan.config.find("authentication = \"keyed\"\n").unwrap() + "authentication = \"keyed\"\n".len();
    let mut found: Vec<String> =
        plan.config[head..].lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect();
    found.extend(plan.prices.lines().map(|line| format!("price {line}")));
    found.extend(plan.report.changed.iter().map(|changed| format!("changed {}", changed.path)));
    found.extend(plan.report.left.iter().map(|left| format!("left {}", left.path)));
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found, expected, "\n{}\n", found.join("\n"));
}

#[test]
fn the_fixture_becomes_exactly_the_committed_files() {
    let (config, teams, keys) = (read_fixture("config.yaml"), read_fixture("teams.json"), read_fixture("keys.json"));
    let plan = plan_of(&config, Some(&teams), Some(&keys)).unwrap();
    let report = format!("{}\n", serde_json::to_string_pretty(&plan.report).unwrap());
    for (name, text) in [("mete.toml", &plan.config), ("mete.prices.jsonl", &plan.prices), ("report.json", &report)] {
        if std::env::var_os("METE_WRITE_DOCS").is_some() {
            std::fs::write(fixture(name), text).unwrap();
        }
        let committed = std::fs::read_to_string(fixture(name)).unwrap_or_default();
        assert_eq!(text, &committed, "{name} is stale: METE_WRITE_DOCS=1 cargo test -p server litellm");
    }
}

#[test]
fn the_config_s_own_reader_takes_the_files_and_means_what_was_meant() {
    let environment = Environment::from([("AZURE_API_KEY".to_owned(), "k".to_owned())]);
    let config = config::load(Some(&fixture("mete.toml")), &[], &environment).unwrap();
    let azure = config.providers().iter().find(|provider| provider.name == "azure").unwrap();
    assert_eq!(azure.base_url.to_string(), "https://acme.openai.azure.com/openai");
    assert_eq!((azure.seller.as_str(), azure.region.as_str(), azure.retries), ("azure", "eastus", 2));
    assert_eq!(azure.aliases["smart"], "prod-gpt-55");
    assert_eq!(azure.fallback, ["openai-fallback"]);
    let team = config.budgets.iter().find(|budget| budget.name == "team-search").unwrap();
    assert_eq!((team.limit, team.window), (Some(money::Nanos::new(250_000_000_000)), ledger::Window::Month));
    assert_eq!(team.time_zone, "Europe/Berlin");
    assert_eq!(config.prices, [fixture("mete.prices.jsonl")]);
    let rows = dialects::price_book::read(&std::fs::read_to_string(&config.prices[0]).unwrap()).unwrap();
    let book = crate::prices::embedded().with_extra(rows).unwrap();
    let query = |seller: &str, model: &str| pricing::PriceQuery::new(seller, model, jiff::Timestamp::now());
    assert_eq!(book.sku(&query("azure", "prod-gpt-55")).as_deref(), Some("openai/gpt-5.5"));
    assert_eq!(book.sku(&query("hosted_vllm", "qwen3-32b")).as_deref(), Some("hosted_vllm/qwen3-32b"));
}

/// What a key may use, given the models that it and its team list: the commands' models, or nothing where there is no command.
fn models_of_key(config: &str, key: &str, team: &str) -> Option<Vec<String>> {
    let teams = format!(r#"[{{"team_id": "t", "models": {team}}}]"#);
    let keys = format!(r#"{{"keys": [{{"key_alias": "k", "team_id": "t", "models": {key}}}]}}"#);
    let plan = plan_of(config.as_bytes(), Some(teams.as_bytes()), Some(keys.as_bytes())).unwrap();
    let key = plan.report.keys.iter().find(|key| key.name == "k")?;
    let words = key.arguments.iter().zip(key.arguments.iter().skip(1));
    Some(words.filter(|(flag, _)| *flag == "--model").map(|(_, model)| model.clone()).collect())
}

#[test]
fn a_key_never_may_use_more_models_than_it_did() {
    let groq = "model_list: [{model_name: groq/*, litellm_params: {model: groq/*}}]";
    let both =
        "model_list: [{model_name: groq/*, litellm_params: {model: groq/*}}, {model_name: smart, litellm_params: {model: openai/gpt-5.5}}]";
    let cases: &[(&str, &str, &str, Option<&[&str]>)] = &[
        (both, "[]", "[]", Some(&[])),
        (both, r#"["all-proxy-models"]"#, "[]", Some(&[])),
        (both, r#"["smart"]"#, "[]", Some(&["smart"])),
        (both, "[]", r#"["smart"]"#, Some(&["smart"])),
        (both, r#"["all-team-models"]"#, r#"["smart"]"#, Some(&["smart"])),
        (both, r#"["smart", "groq/llama"]"#, r#"["smart"]"#, Some(&["smart"])),
        (both, r#"["groq/llama"]"#, r#"["smart"]"#, None),
        (both, r#"["groq/llama"]"#, "[]", Some(&["llama"])),
        (both, r#"["groq/*"]"#, "[]", None),
        (groq, r#"["groq/*"]"#, "[]", Some(&["*"])),
        (both, r#"["groq/smart"]"#, "[]", None),
        (both, r#"[{"a": 1}]"#, "[]", None),
        (both, r#"["smart", "a\nb"]"#, "[]", None),
        (both, r#""smart""#, "[]", None),
        (both, "null", "[]", Some(&[])),
        (both, r#"["gone"]"#, "[]", Some(&["gone"])),
    ];
    for (config, key, team, expected) in cases {
        let expected = expected.map(|models| models.iter().map(|model| (*model).to_owned()).collect());
        assert_eq!(models_of_key(config, key, team), expected, "key {key}, team {team}");
    }
}

#[test]
fn a_team_that_the_config_knows_by_its_id_has_one_name() {
    let config = "litellm_settings: {default_team_settings: [{team_id: t1, max_budget: 3}]}";
    let teams = br#"[{"team_id": "t1", "team_alias": "search", "max_budget": 5}]"#;
    let plan = plan_of(config.as_bytes(), Some(teams), None).unwrap();
    let read = config::load_text(&plan.config, Path::new("mete.toml"), &[], &Environment::new()).unwrap();
    let teams: Vec<_> = read.budgets.iter().map(|budget| budget.matches["team"].as_str()).collect();
    assert_eq!(teams, ["search", "search"], "a budget on an id would match no key");
    assert_eq!(plan.report.taken.teams, 1);
    assert_eq!(plan.report.keys[0].arguments, ["keys", "create", "search", "--attribute", "team=search"]);
}

/// The first block of a language on the page about coming from LiteLLM.
fn of_the_page(language: &str) -> String {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/coming-from-litellm.md")).unwrap();
    let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_page_s_example_becomes_what_the_page_says() {
    let config = of_the_page("yaml").replace("os.environ/AZURE_API_BASE", "os.environ/BASE");
    check(
        &config,
        r#"[[providers]]
           name = "openai-fallback"
           dialect = "openai"
           base_url = "https://api.openai.com"
           api_key_env = "OPENAI_API_KEY"
           seller = "openai"
           models = []
           aliases = { smart = "gpt-5.5" }
           [[providers]]
           name = "azure"
           dialect = "openai"
           base_url = "http://127.0.0.1:9/openai"
           api_key_env = "AZURE_API_KEY"
           seller = "azure"
           models = ["smart"]
           aliases = { smart = "prod" }
           fallback = ["openai-fallback"]
           [[budgets]]
           name = "everything"
           limit_usd = "500.00"
           window = "month"
           [prices]
           extra = ["mete.prices.jsonl"]
           price {"type":"alias","seller":"azure","name":"prod","sku":"openai/gpt-5.5"}
           changed model_list[0].litellm_params.api_base
           changed model_list[1].litellm_params.api_key
           changed model_list[1]
           left model_list[0].litellm_params.rpm"#,
    );
    let behind = of_the_page("toml").lines().map(str::trim).collect::<Vec<_>>().join("\n");
    config::load_text(&behind, Path::new("mete.toml"), &[], &Environment::new()).unwrap();
}

#[test]
fn an_alias_a_key_and_an_address_become_a_provider() {
    check(
        "model_list: [{model_name: a, litellm_params: {model: openai/gpt-5.5, api_key: os.environ/MINE, api_base: os.environ/BASE}}]",
        r#"[[providers]]
           name = "openai"
           dialect = "openai"
           base_url = "http://127.0.0.1:9"
           api_key_env = "MINE"
           seller = "openai"
           models = ["a"]
           aliases = { a = "gpt-5.5" }
           changed model_list[0].litellm_params.api_base"#,
    );
}

#[test]
fn names_that_share_a_chain_share_a_provider_and_others_do_not() {
    check(
        "
        model_list:
          - {model_name: gpt-5.5, litellm_params: {model: openai/gpt-5.5}}
          - {model_name: gpt-5-mini, litellm_params: {model: openai/gpt-5-mini}}
          - {model_name: gpt-5.4, litellm_params: {model: openai/gpt-5.4}}
          - {model_name: gpt-5.4, litellm_params: {model: openai/gpt-5.4, api_key: os.environ/SECOND, num_retries: 12}}
        litellm_settings: {default_fallbacks: [gpt-5-mini], fallbacks: [{gpt-5.5: []}]}
        ",
        r#"[[providers]]
           name = "openai-fallback"
           dialect = "openai"
           base_url = "https://api.openai.com"
           api_key_env = "OPENAI_API_KEY"
           seller = "openai"
           models = []
           aliases = { "gpt-5.4" = "gpt-5-mini", "gpt-5.5" = "gpt-5-mini" }
           [[providers]]
           name = "openai"
           dialect = "openai"
           base_url = "https://api.openai.com"
           api_key_env = "OPENAI_API_KEY"
           seller = "openai"
           models = ["gpt-5.5"]
           fallback = ["openai-fallback"]
           [[providers]]
           name = "openai-2"
           dialect = "openai"
           base_url = "https://api.openai.com"
           api_key_env = "OPENAI_API_KEY"
           seller = "openai"
           models = ["gpt-5-mini"]
           [[providers]]
           name = "openai-fallback-2"
           dialect = "openai"
           base_url = "https://api.openai.com"
           api_key_env = "SECOND"
           seller = "openai"
           models = []
           aliases = { "gpt-5.4" = "gpt-5.4" }
           retries = 10
           [[providers]]
           name = "openai-3"
           dialect = "openai"
           base_url = "https://api.openai.com"
           api_key_env = "OPENAI_API_KEY"
           seller = "openai"
           models = ["gpt-5.4"]
           fallback = ["openai-fallback-2", "openai-fallback"]
           changed model_list[3].litellm_params.num_retries
           changed model_list[3]
           left litellm_settings.fallbacks[0]["gpt-5.5"]"#,
    );
}

#[test]
fn a_wildcard_is_taken_where_the_name_goes_on_as_it_came() {
    check(
        "
        model_list:
          - {model_name: openai/*, litellm_params: {model: openai/*}}
          - {model_name: groq/*, litellm_params: {model: groq/*}}
          - {model_name: claude-*, litellm_params: {model: anthropic/claude-*}}
          - {model_name: my-*, litellm_params: {model: openai/gpt-*}}
          - {model_name: '*-mini', litellm_params: {model: openai/*-mini}}
        ",
        r#"[[providers]]
           name = "openai"
           dialect = "openai"
           base_url = "https://api.openai.com"
           api_key_env = "OPENAI_API_KEY"
           seller = "openai"
           models = ["*"]
           [[providers]]
           name = "anthropic"
           dialect = "anthropic"
           base_url = "https://api.anthropic.com"
           api_key_env = "ANTHROPIC_API_KEY"
           seller = "anthropic"
           models = ["claude-*"]
           changed model_list[0].model_name
           changed model_list[2].litellm_params.model
           left model_list[1].model_name
           left model_list[3].model_name
           left model_list[4].model_name"#,
    );
}

#[test]
fn prices_are_read_as_they_are_written_and_never_through_a_float() {
    check(
        "
        model_list:
          - model_name: a
            litellm_params: {model: openai_like/m, api_base: http://h/v1, input_cost_per_token: 0.000001234567890123456, output_cost_per_token: 1.25e-06}
            model_info: {input_cost_per_token: 5, output_cost_per_image: '0.04', input_cost_per_audio_token: nan}
        ",
        r#"[[providers]]
           name = "openai_like"
           dialect = "openai"
           base_url = "http://h"
           api_key_env = "OPENAI_LIKE_API_KEY"
           seller = "openai_like"
           models = ["a"]
           aliases = { a = "m" }
           [prices]
           extra = ["mete.prices.jsonl"]
           price {"seller":"openai_like","sku":"openai_like/m","meter":"input_tokens","price":"1.234567890123456"}
           price {"seller":"openai_like","sku":"openai_like/m","meter":"output_tokens","price":"1.25"}
           price {"seller":"openai_like","sku":"openai_like/m","meter":"image","price":"0.04"}
           price {"type":"alias","seller":"openai_like","name":"m","sku":"openai_like/m"}
           left model_list[0].model_info.input_cost_per_audio_token
           left model_list[0].model_info.input_cost_per_token"#,
    );
}

#[test]
fn what_is_out_of_reach_is_told_with_everything_in_it() {
    check(
        "
        model_list:
          - {model_name: a, litellm_params: {model: vertex_ai/gemini-2.5-pro, vertex_project: p}}
          - {model_name: b, litellm_params: {model: nowhere/x}}
          - {model_name: c, litellm_params: {model: hosted_vllm/x}}
          - {model_name: d, litellm_params: {model: azure/x, api_base: https://user:canary@h/}}
          - {model_name: e, litellm_params: {model: some-model}}
          - {litellm_params: {model: openai/x}}
          - {model_name: f, litellm_params: {model: openai/x, api_base: os.environ/NOT_SET}}
        ",
        "left model_list[0].litellm_params.model
         left model_list[1].litellm_params.model
         left model_list[2].litellm_params
         left model_list[3].litellm_params.api_base
         left model_list[4].litellm_params.model
         left model_list[5]
         left model_list[6].litellm_params.api_base
         left model_list[0].litellm_params.vertex_project
         left model_list[5].litellm_params.model",
    );
}

#[test]
fn what_is_wrong_is_one_clear_error_with_its_line() {
    let bomb: String = (1..12).map(|level| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(","))).collect();
    let cases: Vec<(Vec<u8>, Option<usize>, &str)> = vec![
        (b"model_list: []\nmodel_list: []\n".to_vec(), Some(2), "`model_list` is written twice"),
        (b"a: {b: 1, b: 2}".to_vec(), Some(1), "`b` is written twice"),
        (format!("a0: &a0 [x]\n{bomb}").into_bytes(), None, "more than 100000 values"),
        (b"a: &a [*a]".to_vec(), Some(1), "inside the value that it names"),
        ([b"a: ".to_vec(), vec![b'['; 100_000]].concat(), Some(1), "recursion limit"),
        ([b"\n".to_vec(), b"- ".repeat(50_000)].concat(), Some(2), "nest deeper than 64"),
        (b"a: \xff".to_vec(), None, "byte 3 isn't UTF-8"),
        (b"a: 1\n---\nb: 2\n".to_vec(), None, "a second document"),
        (b"a: !!python/object:os.system x".to_vec(), Some(1), "tag of its own"),
        (b"a: [1".to_vec(), None, "no YAML"),
        (b"- a".to_vec(), Some(1), "the file must be a mapping"),
        (b"x: 1\nmodel_list: 5".to_vec(), Some(2), "model_list must be a list"),
        (b"model_list:\n  - 5".to_vec(), Some(2), "model_list[0] must be a mapping"),
        (b"router_settings: [1]".to_vec(), Some(1), "router_settings must be a mapping"),
        (b"? [a]\n: b".to_vec(), None, "a key is a list or a mapping"),
        (b"a: {<<: 5}".to_vec(), Some(1), "`<<` merges mappings only"),
        (vec![b' '; 17 * 1024 * 1024], None, "larger than 16 MiB"),
    ];
    for (config, line, problem) in cases {
        let shown = String::from_utf8_lossy(&config[..config.len().min(60)]).into_owned();
        let Err(error) = plan_of(&config, None, None) else { panic!("{shown} is taken") };
        assert!(error.problem.contains(problem), "{shown}: {error}");
        assert!(line.is_none() || error.line == line, "{shown}: {error}");
        assert!(error.to_string().len() < 300, "{shown}: {error}");
    }
    let exports: &[(&[u8], &str)] = &[
        (br#"{"keys": [], "keys": []}"#, "no JSON"),
        (b"{", "no JSON"),
        (b"5", "must be a list"),
        (br#"{"teams": {}}"#, "must be a list"),
        (b"[5]", "teams[0] must be a mapping"),
        (b"\xff", "UTF-8"),
    ];
    for (teams, problem) in exports {
        let error = plan_of(b"", Some(teams), None).unwrap_err();
        assert!(error.problem.contains(problem) && error.file == "teams.json", "{error}");
    }
}

#[test]
fn nothing_at_all_is_a_config_too() {
    for empty in ["", "# nothing\n", "model_list:\n", "litellm_settings: ~\n"] {
        let plan = plan_of(empty.as_bytes(), None, None).unwrap();
        assert_eq!((plan.report.taken, plan.prices.as_str()), (Taken::default(), ""), "{empty}");
    }
}

#[test]
fn a_name_from_outside_stays_a_name() {
    let config = r#"{"model_list": [{"model_name": "a\"]\n[server]\nlisten = \"0.0.0.0:1", "litellm_params": {"model": "openai/gpt-5.5"}},
        {"model_name": "b\"] # {", "litellm_params": {"model": "openai/gpt-5.5"}}], "litellm_settings": {"tag_budget_config": {"x\"y = z": {"max_budget": 1}}}}"#;
    let plan = plan_of(config.as_bytes(), None, None).unwrap();
    let read = config::load_text(&plan.config, Path::new("mete.toml"), &[], &Environment::new()).unwrap();
    assert_eq!(read.providers()[0].aliases.keys().collect::<Vec<_>>(), ["b\"] # {"]);
    assert_eq!(read.budgets[0].matches["tag"], "x\"y = z");
    assert_eq!(plan.report.left[0].path, "model_list[0].model_name");
}

/// A tree as JSON, which YAML reads too, with aliases and merges written out.
fn as_json(node: &crate::import::tree::Node) -> Value {
    match &node.kind {
        Kind::Scalar { text, plain: true } if text.is_empty() || text == "null" => Value::Null,
        Kind::Scalar { text, plain: true } => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        Kind::Scalar { text, .. } => json!(text),
        Kind::List(items) => items.iter().map(as_json).collect(),
        Kind::Map(entries) => Value::Object(entries.iter().map(|(name, node)| (name.clone(), as_json(node))).collect()),
    }
}

/// The JSON pointers of every mapping of a document.
fn mappings(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            found.push(pointer.to_owned());
            for (name, below) in entries {
                mappings(below, &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, below)| mappings(below, &format!("{pointer}/{index}"), found));
        }
        _ => {}
    }
}

/// The three documents of the fixture.
struct Documents([Value; 3]);

impl Documents {
    fn read() -> Self {
        let config = as_json(&yaml::read("config.yaml", &read_fixture("config.yaml")).unwrap());
        let [teams, keys] = ["teams.json", "keys.json"].map(|name| serde_json::from_slice(&read_fixture(name)).unwrap());
        Self([config, teams, keys])
    }

    /// The plan with one of them changed.
    fn plan_with(&self, which: usize, changed: &Value) -> Result<Plan, ImportError> {
        let [config, teams, keys] = [0, 1, 2].map(|index| if index == which { changed } else { &self.0[index] }.to_string().into_bytes());
        plan_of(&config, Some(&teams), Some(&keys))
    }
}

fn left_of(plan: &Plan) -> BTreeSet<String> {
    plan.report.left.iter().map(|left| left.path.clone()).collect()
}

#[test]
fn an_unknown_key_anywhere_is_listed_by_its_path() {
    const UNKNOWN: &str = "zz_unknown";
    let mut tried = 0;
    let documents = Documents::read();
    for (which, whole) in documents.0.iter().enumerate() {
        let before = left_of(&documents.plan_with(which, whole).unwrap());
        let mut places = Vec::new();
        mappings(whole, "", &mut places);
        for place in places {
            for value in [json!("canary-value"), json!({"deep": ["canary-value"]}), json!([]), json!({}), json!(true)] {
                let mut changed = whole.clone();
                changed.pointer_mut(&place).unwrap()[UNKNOWN] = value.clone();
                let plan = documents.plan_with(which, &changed).unwrap();
                let new: Vec<String> = left_of(&plan).difference(&before).cloned().collect();
                assert!(new.iter().any(|path| path.contains(UNKNOWN)), "{place}/{UNKNOWN} = {value} is dropped in silence: {new:?}");
                assert!(!format!("{plan:?}").contains("canary-value"), "{place}/{UNKNOWN}: a value that nobody knows came out");
                tried += 1;
            }
        }
    }
    assert!(tried > 150, "{tried} places were tried");
}

#[test]
fn any_key_may_be_missing_or_of_another_type() {
    let documents = Documents::read();
    for (which, whole) in documents.0.iter().enumerate() {
        let mut places = Vec::new();
        mappings(whole, "", &mut places);
        for place in places {
            for name in whole.pointer(&place).unwrap().as_object().unwrap().keys() {
                for value in
                    [None, Some(json!(null)), Some(json!([[1]])), Some(json!({"a": {}})), Some(json!("\u{1b}[31m\n")), Some(json!(-1e300))]
                {
                    let mut changed = whole.clone();
                    let entries = changed.pointer_mut(&place).unwrap().as_object_mut().unwrap();
                    match &value {
                        Some(value) => entries.insert(name.clone(), value.clone()),
                        None => entries.remove(name),
                    };
                    match documents.plan_with(which, &changed) {
                        Ok(plan) => assert!(!plan.config.contains('\u{1b}'), "{place}/{name}"),
                        Err(error) => assert!(!error.problem.starts_with("what would be written"), "{place}/{name} = {value:?}: {error}"),
                    }
                }
            }
        }
    }
}

#[test]
fn a_secret_of_the_input_comes_out_nowhere() {
    let (config, teams, keys) = (read_fixture("config.yaml"), read_fixture("teams.json"), read_fixture("keys.json"));
    assert!(String::from_utf8_lossy(&config).matches("canary").count() >= 4, "the fixture has secrets in it");
    let plan = plan_of(&config, Some(&teams), Some(&keys)).unwrap();
    let all = format!("{plan:?}");
    for secret in ["canary", "88dc28d0", "sk-..."] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[test]
fn bytes_that_were_damaged_never_panic() {
    let whole = read_fixture("config.yaml");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let letters = b"\n :-[]{},&*<>'\"#|!?%@`\t0e~\xff";
    for _ in 0..1_000 {
        let mut damaged = whole.clone();
        for _ in 0..=next(4) {
            let at = next(damaged.len());
            match next(3) {
                0 => damaged[at] = letters[next(letters.len())],
                1 => damaged.insert(at, letters[next(letters.len())]),
                _ => drop(damaged.remove(at)),
            }
        }
        if let Err(error) = plan_of(&damaged, None, None) {
            assert!(!error.problem.starts_with("what would be written"), "{error}\n{}", String::from_utf8_lossy(&damaged));
        }
    }
}
