//! What each known agent needs so that it talks to its run: variables and arguments, never the user's files.
//!
//! The facts were learnt by running the real programs (Claude Code 2.1, Codex 0.169, Gemini CLI 0.61, opencode 1.18); see
//! `docs/agents.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use serde_json::{Map, Value, json};
use server::Environment;

/// Where a run is reached.
#[derive(Clone, Debug)]
pub struct Link {
    /// The run's id, which people type.
    pub run: String,
    /// `http://127.0.0.1:4141/run/<token>`. It has a secret in it, so it goes into no argument: every user of the machine can
    /// read those.
    pub base: String,
    /// `http://127.0.0.1:4141`.
    pub root: String,
    /// The run's token.
    pub token: String,
    /// The run's own key.
    pub key: String,
    /// Dialects for which the gateway has a provider key in its config.
    pub keyed: BTreeSet<String>,
}

/// How to start the command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    /// Program and arguments.
    pub command: Vec<OsString>,
    /// Variables to set.
    pub set: BTreeMap<String, String>,
    /// Variables to take away.
    pub remove: Vec<String>,
    /// A settings file to make for the child, readable by the owner only.
    pub settings_file: Option<SettingsFile>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// A settings file of the child's own kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsFile {
    /// What stands in it.
    pub content: String,
    /// How the child finds it.
    pub told: Told,
}

/// How a child is told a file's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// By a variable.
    Variable(&'static str),
    /// By an argument in front of the others.
    Argument(&'static str),
}

impl Launch {
    fn set(&mut self, key: &str, value: impl Into<String>) {
        self.set.insert(key.to_owned(), value.into());
    }

    /// Takes a variable away from the child.
    fn unset(&mut self, key: &str) {
        self.set.remove(key);
        self.remove.push(key.to_owned());
    }

    fn insert_arguments(&mut self, arguments: &[String]) {
        let rest = self.command.split_off(1.min(self.command.len()));
        self.command.extend(arguments.iter().map(OsString::from));
        self.command.extend(rest);
    }
}

/// Dialects and the variables in which clients look for a provider key, the first that is set wins.
const KEY_VARIABLES: &[(&str, &[&str])] = &[
    ("openai", &["OPENAI_API_KEY"]),
    ("anthropic", &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"]),
    ("gemini", &["GEMINI_API_KEY", "GOOGLE_API_KEY"]),
];

/// The provider keys of the environment, by dialect. They go to the gateway's memory and are taken from the child.
pub fn credentials(env: &Environment) -> Map<String, Value> {
    let found = KEY_VARIABLES.iter().filter_map(|(dialect, names)| Some(((*dialect).to_owned(), json!(first(env, names)?))));
    // A key of another run is no provider key: a nested run finds its parent's credentials in the gateway.
    found.filter(|(_, key)| !key.as_str().is_some_and(|key| key.starts_with("mk_") || is_login(key))).collect()
}

/// Whether a credential is a subscription's login and no paid key: it stays with the child and passes through.
fn is_login(credential: &str) -> bool {
    credential.starts_with("sk-ant-oat") || credential.starts_with("eyJ")
}

fn first<'a>(env: &'a Environment, names: &[&str]) -> Option<&'a str> {
    names.iter().filter_map(|name| env.get(*name)).map(String::as_str).find(|value| !value.is_empty())
}

/// Points a command at its run.
pub fn launch(command: &[OsString], link: &Link, env: &Environment) -> Launch {
    let mut launch = Launch { command: command.to_vec(), ..Launch::default() };
    launch.set("METE_RUN", &link.run);
    let program = command.first().map(|word| Path::new(word).file_stem().unwrap_or_default().to_string_lossy().into_owned());
    // Whatever the program is, what it starts in turn finds the run and no provider's key.
    anything(&mut launch, link, env);
    match program.as_deref() {
        Some("claude") => claude(&mut launch, link, env),
        Some("codex") => codex(&mut launch, link, env),
        Some("gemini") => gemini(&mut launch, link, env),
        Some("opencode") => opencode(&mut launch, link, env),
        _ => {}
    }
    launch
}

/// Whether the child is to use the run's key in a dialect: its environment or the gateway has the provider's.
fn has_key(dialect: &str, link: &Link, env: &Environment) -> bool {
    let names = KEY_VARIABLES.iter().find(|(name, _)| *name == dialect).map_or(&[][..], |(_, names)| names);
    first(env, names).map_or_else(|| link.keyed.contains(dialect), |found| !is_login(found))
}

fn home_has(env: &Environment, file: &str) -> bool {
    env.get("HOME").is_some_and(|home| Path::new(home).join(file).exists())
}

fn claude(launch: &mut Launch, link: &Link, env: &Environment) {
    let url = format!("{}/anthropic", link.base);
    launch.set.remove("ANTHROPIC_API_KEY");
    let found = first(env, &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"]);
    let own_key = found.is_some_and(|found| !is_login(found));
    let has_login = env.contains_key("CLAUDE_CODE_OAUTH_TOKEN") || home_has(env, ".claude/.credentials.json");
    let logged_in = has_login || found.is_some_and(is_login);
    let use_run_key = own_key || (!logged_in && link.keyed.contains("anthropic"));
    let mut settings = Map::from_iter([("ANTHROPIC_BASE_URL".to_owned(), json!(url))]);
    if use_run_key {
        // With ANTHROPIC_API_KEY an interactive session first asks whether to use it; the bearer variable starts at once.
        launch.unset("ANTHROPIC_API_KEY");
        launch.set("ANTHROPIC_AUTH_TOKEN", &link.key);
        settings.insert("ANTHROPIC_AUTH_TOKEN".to_owned(), json!(link.key));
    } else if logged_in {
        launch.notes.push("Claude's own login passes through: list value is shown, $0 is billed".to_owned());
    }
    for variable in ["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX"] {
        if env.contains_key(variable) {
            launch.unset(variable);
            launch.notes.push(format!("{variable} is not set for the run, it would go around the budget"));
        }
    }
    // The user's settings file may set these variables and would win over the environment; settings on the command line win over both.
    if launch.command.iter().any(|word| word == "--settings" || word.to_string_lossy().starts_with("--settings=")) {
        launch
            .notes
            .push("your --settings are kept; if they or your settings file set ANTHROPIC_BASE_URL, the run is not bounded".to_owned());
    } else {
        let content = json!({"env": settings}).to_string();
        launch.settings_file = Some(SettingsFile { content, told: Told::Argument("--settings") });
    }
}

fn codex(launch: &mut Launch, link: &Link, env: &Environment) {
    let own_key = first(env, &["OPENAI_API_KEY"]).is_some_and(|found| !is_login(found));
    let chatgpt = !own_key && !link.keyed.contains("openai") && home_has(env, ".codex/auth.json");
    // The run's key says whose run it is; beside a login of its own the run's token says so, in a header from the environment.
    let credential = match chatgpt {
        true => "requires_openai_auth=true,env_http_headers={\"x-mete-run\"=\"METE_RUN_TOKEN\"}",
        false => "env_key=\"METE_RUN_KEY\"",
    };
    let provider = format!("model_providers.mete={{name=\"Mete\",base_url=\"{}/v1\",{credential},wire_api=\"responses\"}}", link.root);
    launch.insert_arguments(&["-c".to_owned(), provider, "-c".to_owned(), "model_provider=\"mete\"".to_owned()]);
    launch.set("METE_RUN_KEY", &link.key);
    launch.set("METE_RUN_TOKEN", &link.token);
    launch.unset("OPENAI_API_KEY");
    if chatgpt {
        launch.notes.push("Codex's own login passes through: list value is shown, $0 is billed".to_owned());
    }
}

fn gemini(launch: &mut Launch, link: &Link, env: &Environment) {
    launch.set("GEMINI_CLI_TRUST_WORKSPACE", "true");
    if !has_key("gemini", link, env) {
        launch
            .notes
            .push("no GEMINI_API_KEY is set and the gateway has none; Gemini CLI will use its own login and is not bounded".to_owned());
        return;
    }
    launch.set("GEMINI_API_KEY", &link.key);
    launch.unset("GOOGLE_API_KEY");
    let settings = json!({"security": {"auth": {"selectedType": "gemini-api-key"}}});
    launch.settings_file = Some(SettingsFile { content: settings.to_string(), told: Told::Variable("GEMINI_CLI_SYSTEM_SETTINGS_PATH") });
}

fn opencode(launch: &mut Launch, link: &Link, env: &Environment) {
    let mut config: Value =
        env.get("OPENCODE_CONFIG_CONTENT").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({}));
    for (provider, dialect, version) in [("anthropic", "anthropic", "v1"), ("openai", "openai", "v1"), ("google", "gemini", "v1beta")] {
        let options = &mut config["provider"][provider]["options"];
        options["baseURL"] = json!(format!("{}/{dialect}/{version}", link.base));
        if has_key(dialect, link, env) {
            options["apiKey"] = json!(link.key);
        }
    }
    launch.set("OPENCODE_CONFIG_CONTENT", config.to_string());
}

/// Any program, and what it starts: the variables that SDKs read.
fn anything(launch: &mut Launch, link: &Link, env: &Environment) {
    for variable in ["OPENAI_BASE_URL", "OPENAI_API_BASE"] {
        launch.set(variable, format!("{}/openai/v1", link.base));
    }
    launch.set("ANTHROPIC_BASE_URL", format!("{}/anthropic", link.base));
    for variable in ["GOOGLE_GEMINI_BASE_URL", "GEMINI_BASE_URL"] {
        launch.set(variable, format!("{}/gemini", link.base));
    }
    replace_keys(launch, link, env);
}

/// Each provider key of the environment becomes the run's key; where the gateway has one and the environment none, too.
fn replace_keys(launch: &mut Launch, link: &Link, env: &Environment) {
    for (dialect, names) in KEY_VARIABLES {
        if !has_key(dialect, link, env) {
            continue;
        }
        let found: Vec<&str> = names.iter().copied().filter(|name| env.get(*name).is_some_and(|value| !value.is_empty())).collect();
        for name in if found.is_empty() { &names[..1] } else { &found[..] } {
            launch.set(name, &link.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn started(command: &[&str], variables: &[(&str, &str)], keyed: &[&str]) -> Launch {
        let link = Link {
            run: "R".into(),
            base: "http://m/run/T".into(),
            root: "http://m".into(),
            token: "T".into(),
            key: "mk_run".into(),
            keyed: keyed.iter().map(|d| (*d).to_owned()).collect(),
        };
        launch(&command.iter().map(OsString::from).collect::<Vec<_>>(), &link, &env(variables))
    }

    fn value<'a>(launch: &'a Launch, key: &str) -> Option<&'a str> {
        launch.set.get(key).map(String::as_str)
    }

    fn words(launch: &Launch) -> Vec<String> {
        launch.command.iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn provider_keys_stay_with_the_gateway() {
        let variables =
            [("OPENAI_API_KEY", "sk-real"), ("ANTHROPIC_API_KEY", "sk-ant-real"), ("GOOGLE_API_KEY", "g-real"), ("GEMINI_API_KEY", "")];
        let found = credentials(&env(&variables));
        assert_eq!(Value::Object(found), json!({"openai": "sk-real", "anthropic": "sk-ant-real", "gemini": "g-real"}));
        for program in ["python3", "claude", "codex", "gemini", "opencode"] {
            let launch = started(&[program, "x"], &variables, &[]);
            for (key, value) in variables.iter().filter(|(_, value)| value.ends_with("real")) {
                assert!(!value_after(&launch, key, value).ends_with("real"), "{program} is left with {key}");
            }
            assert_eq!(value(&launch, "OPENAI_BASE_URL"), Some("http://m/run/T/openai/v1"), "{program}");
            assert_eq!(value(&launch, "ANTHROPIC_BASE_URL"), Some("http://m/run/T/anthropic"), "{program}");
        }
        for left in [("OPENAI_API_KEY", "mk_parent"), ("ANTHROPIC_AUTH_TOKEN", "sk-ant-oat01-login")] {
            assert!(credentials(&env(&[left])).is_empty(), "{left:?}");
        }
        let launch = started(&["python3"], &[("ANTHROPIC_AUTH_TOKEN", "sk-ant-oat01-login")], &["anthropic"]);
        assert_eq!(value(&launch, "ANTHROPIC_AUTH_TOKEN"), None, "a login stays the child's own");
    }

    fn value_after(launch: &Launch, key: &str, before: &str) -> String {
        if launch.remove.iter().any(|removed| removed == key) {
            return String::new();
        }
        value(launch, key).unwrap_or(before).to_owned()
    }

    #[test]
    fn claude_is_pointed_by_settings_that_win_over_the_users_file() {
        let launch = started(&["claude", "-p", "hi"], &[("ANTHROPIC_API_KEY", "sk-ant-real")], &[]);
        let file = launch.settings_file.as_ref().unwrap();
        let settings: Value = serde_json::from_str(&file.content).unwrap();
        assert_eq!(file.told, Told::Argument("--settings"));
        assert_eq!(settings["env"], json!({"ANTHROPIC_BASE_URL": "http://m/run/T/anthropic", "ANTHROPIC_AUTH_TOKEN": "mk_run"}));
        assert_eq!(words(&launch)[1..], ["-p", "hi"], "nothing secret is an argument");
        assert!(launch.remove.contains(&"ANTHROPIC_API_KEY".to_owned()));
    }

    #[test]
    fn a_subscription_login_keeps_its_own_credential() {
        let launch = started(&["/usr/bin/claude"], &[("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-x")], &["anthropic"]);
        assert_eq!(value(&launch, "ANTHROPIC_AUTH_TOKEN"), None);
        assert_eq!(value(&launch, "ANTHROPIC_BASE_URL"), Some("http://m/run/T/anthropic"));
        assert!(launch.notes[0].contains("$0 is billed"));
    }

    #[test]
    fn codex_is_pointed_by_arguments() {
        let launch = started(&["codex", "exec", "hi"], &[("OPENAI_API_KEY", "sk-real")], &[]);
        assert_eq!(
            words(&launch)[1..],
            [
                "-c",
                "model_providers.mete={name=\"Mete\",base_url=\"http://m/v1\",env_key=\"METE_RUN_KEY\",wire_api=\"responses\"}",
                "-c",
                "model_provider=\"mete\"",
                "exec",
                "hi"
            ]
        );
        assert_eq!(value(&launch, "METE_RUN_KEY"), Some("mk_run"));
    }

    #[test]
    fn a_program_without_a_key_gets_one_only_where_the_gateway_has_one() {
        let launch = started(&["python3", "x.py"], &[], &["openai"]);
        assert_eq!(value(&launch, "OPENAI_API_KEY"), Some("mk_run"));
        assert_eq!(value(&launch, "ANTHROPIC_API_KEY"), None);
        assert_eq!(value(&launch, "OPENAI_BASE_URL"), Some("http://m/run/T/openai/v1"));
    }
}
