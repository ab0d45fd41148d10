//! Secrets and texts that nobody else has are put into every place that takes one; then every output is searched for them:
//! log lines at the chattiest level, each file of the data directory, the admin API, commands, metrics, arguments.
//!
//! Shown once by design, and therefore not searched: the answers that make a key or a run, the line with the admin token at
//! the first start, and the file `admin.token`, which commands of the same user read.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::effort;
use crate::raw;
use crate::routes;
use crate::support::{Fake, Mete, command};
use crate::target::CONFIG;

/// Texts of a call that may stay nowhere.
const TEXTS: [&str; 7] = [
    "canary-prompt-7f3a",
    "canary-system-19c2",
    "canary-argument-55d0",
    "canary-completion-8e61",
    "canary-cookie-31bb",
    "canary-file-a0c4.wav",
    "canary-own-key-77aa",
];

/// One output and its name.
struct Output {
    name: String,
    bytes: Vec<u8>,
}

struct Session {
    fake: Fake,
    mete: Mete,
    secrets: Vec<String>,
    outputs: Vec<Output>,
}

impl Session {
    fn start() -> Self {
        let fake = Fake::start();
        let config = CONFIG.replace("MODE", "keyed") + "\n[log]\nlevel = \"trace\"\nformat = \"json\"\n";
        let mete = Mete::start(&fake, &config);
        let secrets = vec!["sk-canary-provider-key".to_owned(), mete.admin_token.clone()];
        Self { fake, mete, secrets, outputs: Vec::new() }
    }

    fn admin(&self, method: &str, path: &str, body: &str) -> raw::Answer {
        let lines = format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", self.mete.admin_token);
        raw::request(&self.mete.address, method, path, &lines, body.as_bytes())
    }

    fn made(&mut self, path: &str, body: serde_json::Value, fields: &[&str]) -> Vec<String> {
        let answer = self.admin("POST", path, &body.to_string());
        assert_eq!(answer.status, 200, "{}", answer.text);
        let document = answer.json();
        let made: Vec<String> = fields.iter().map(|field| document[*field].as_str().unwrap().to_owned()).collect();
        self.secrets.extend(made.clone());
        made
    }

    /// A call with canaries wherever a text goes; what comes back is an output for secrets.
    fn call(&mut self, key: &str, path: &str, body: &str) {
        let lines = format!(
            "authorization: Bearer {key}\r\ncontent-type: application/json\r\ncookie: s=canary-cookie-31bb\r\nproxy-authorization: canary-own-key-77aa\r\nx-mete-tags: feature=visible-tag\r\n"
        );
        let answer = raw::request(&self.mete.address, "POST", path, &lines, body.as_bytes());
        self.keep(&format!("answer of {path}"), without_texts(&answer.text).into_bytes());
    }

    fn keep(&mut self, name: &str, bytes: Vec<u8>) {
        self.outputs.push(Output { name: name.to_owned(), bytes });
    }

    fn talk(&mut self, key: &str) {
        let faults = [
            "",
            "fault=http_401",
            "fault=http_400",
            "fault=http_500",
            "fault=html_error",
            "fault=reset_after_chunks_2",
            "fault=not_json",
            "fault=usage_missing",
        ];
        for fault in faults {
            let say = format!("canary-prompt-7f3a [[sim output=8 text=\\\"canary-completion-8e61\\\" {fault}]]");
            for stream in ["false", "true"] {
                let chat = format!(
                    r#"{{"model":"gpt-5.5","stream":{stream},"messages":[{{"role":"system","content":"canary-system-19c2"}},{{"role":"assistant","content":null,"tool_calls":[{{"id":"c","type":"function","function":{{"name":"f","arguments":"{{\"a\":\"canary-argument-55d0\"}}"}}}}]}},{{"role":"tool","tool_call_id":"c","content":"canary-argument-55d0"}},{{"role":"user","content":"{say}"}}],"max_completion_tokens":64}}"#
                );
                self.call(key, "/v1/chat/completions", &chat);
                let messages = format!(
                    r#"{{"model":"claude-sonnet-5","max_tokens":64,"stream":{stream},"system":"canary-system-19c2","messages":[{{"role":"user","content":"{say}"}}]}}"#
                );
                self.call(key, "/v1/messages", &messages);
                let responses = format!(
                    r#"{{"model":"gpt-5.5","max_output_tokens":64,"stream":{stream},"instructions":"canary-system-19c2","input":"{say}"}}"#
                );
                self.call(key, "/v1/responses", &responses);
            }
            let gemini =
                format!(r#"{{"contents":[{{"role":"user","parts":[{{"text":"{say}"}}]}}],"generationConfig":{{"maxOutputTokens":64}}}}"#);
            self.call(key, "/v1beta/models/gemini-2.5-pro:generateContent", &gemini);
            self.call(key, "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", &gemini);
        }
        for refused in [
            r#"{"model":"gpt-99-nobody","messages":[{"role":"user","content":"canary-prompt-7f3a"}]}"#,
            r#"{"model":"gpt-5.5","messages":[{"role":"user","content":"canary-prompt-7f3a"}],"max_tokens":"x"}"#,
            "canary-prompt-7f3a",
            "{\"model\":\"gpt-5.5\",\"messages\":[\"canary-prompt-7f3a",
        ] {
            self.call(key, "/v1/chat/completions", refused);
        }
        let form = "--XX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"canary-file-a0c4.wav\"\r\n\r\ncanary-prompt-7f3a\r\n--XX--\r\n";
        let lines = format!("authorization: Bearer {key}\r\ncontent-type: multipart/form-data; boundary=XX\r\n");
        raw::request(&self.mete.address, "POST", "/v1/audio/transcriptions", &lines, form.as_bytes());
        for line in ["authorization: Bearer canary-own-key-77aa", "x-api-key: canary-own-key-77aa"] {
            raw::request(&self.mete.address, "POST", "/v1/chat/completions", &format!("{line}\r\n"), b"{}");
        }
    }

    /// Everything that can be read of the server from outside.
    fn collect(&mut self) {
        for route in routes::admin().into_iter().filter(|route| route.method == "GET") {
            let answer = self.admin("GET", &route.path, "");
            self.keep(&route.path, answer.text.into_bytes());
        }
        for path in ["/metrics", "/healthz"] {
            let answer = raw::request(&self.mete.address, "GET", path, "", b"");
            self.keep(path, answer.text.into_bytes());
        }
        let call = self.mete.json(&["calls", "list"])[0]["call_id"].as_str().unwrap().to_owned();
        let backup = self.mete.dir.path().join("copy.db").display().to_string();
        let commands: [&[&str]; 9] = [
            &["keys", "list"],
            &["budgets", "list"],
            &["calls", "list"],
            &["explain", &call],
            &["runs", "list"],
            &["verify"],
            &["doctor"],
            &["prices", "unknown"],
            &["backup", "create", &backup],
        ];
        for arguments in commands {
            let output = command(self.mete.dir.path()).args(arguments).output().unwrap();
            self.keep(&format!("mete {arguments:?}"), [output.stdout, output.stderr].concat());
        }
        let pid = self.mete.pid();
        self.keep("arguments", fs::read(format!("/proc/{pid}/cmdline")).unwrap());
        let log = self.mete.log();
        let log: String =
            log.lines().filter(|line| !line.starts_with("admin token, shown this once: ")).map(|line| format!("{line}\n")).collect();
        self.keep("log", log.into_bytes());
        let dir = self.mete.dir.path().to_owned();
        self.files(&dir);
    }

    fn files(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.files(&path);
            } else if path.file_name().is_some_and(|name| name != "admin.token")
                && let Ok(bytes) = fs::read(&path)
            {
                self.keep(&format!("file {}", path.file_name().unwrap().to_string_lossy()), bytes);
            }
        }
    }

    fn hits(&self) -> Vec<String> {
        let texts = TEXTS.iter().map(|text| (*text).to_owned());
        let wanted: Vec<String> = self.secrets.iter().cloned().chain(texts).collect();
        let found = |output: &Output| {
            let text = String::from_utf8_lossy(&output.bytes);
            let has = |canary: &&String| {
                text.contains(canary.as_str()) || text.contains(&hex(canary)) || text.contains(&hex(canary).to_ascii_uppercase())
            };
            wanted.iter().filter(has).map(|canary| format!("{canary:.24} in {}", output.name)).collect::<Vec<_>>()
        };
        self.outputs.iter().flat_map(found).collect()
    }

    fn mentions(&self, name: &str, word: &str) -> bool {
        self.outputs.iter().any(|output| output.name.contains(name) && String::from_utf8_lossy(&output.bytes).contains(word))
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// What its own caller may read: the completion, and the refusal that quotes a piece of the request.
fn without_texts(answer: &str) -> String {
    TEXTS.iter().fold(answer.to_owned(), |answer, text| answer.replace(text, ""))
}

#[test]
fn no_secret_and_no_prompt_is_in_any_output() {
    let mut session = Session::start();
    let key = session
        .made("/api/v1/keys", json!({"name": "visible-key", "attributes": {"team": "hostile"}, "client_may_set": ["feature"]}), &["secret"])
        .remove(0);
    session.secrets.push("canary-run-credential-40de".to_owned());
    let run = session.made(
        "/api/v1/runs",
        json!({"name": "visible-run", "credentials": {"openai": "canary-run-credential-40de"}}),
        &["token", "key"],
    );
    session.talk(&key);
    session.talk(&run[1]);
    session.call(
        "none",
        &format!("/run/{}/openai/v1/chat/completions", run[0]),
        r#"{"model":"gpt-5.5","messages":[{"role":"user","content":"canary-prompt-7f3a"}],"max_completion_tokens":64}"#,
    );
    session.collect();
    let log = session.mete.log();
    session.keep("log before the crash", log.lines().filter(|line| !line.starts_with("admin token")).collect::<String>().into_bytes());
    session.mete = session.mete.kill_and_restart();
    session.talk(&key);
    session.collect();
    let record = session.fake.provider.books().bill(0).to_string();
    assert!(!record.contains("x-mete-") && !record.contains("\"cookie\""), "headers of Mete's own or of the browser reached the provider");
    let revoked = session.admin("GET", "/api/v1/keys", "").json();
    let id = revoked.as_array().unwrap().iter().find(|row| row["name"] == "visible-key").unwrap()["id"].as_str().unwrap().to_owned();
    session.admin("DELETE", &format!("/api/v1/keys/{id}"), "");
    let after = raw::request(&session.mete.address, "POST", "/v1/chat/completions", &format!("authorization: Bearer {key}\r\n"), b"{}");
    assert_eq!((after.status, after.code().as_deref()), (401, Some("invalid_key")), "a revoked key is dead at once");
    let hits = session.hits();
    assert!(hits.is_empty(), "{} hits:\n{}", hits.len(), hits.join("\n"));
    // The search looks where something is: names that may be seen are found in the very same outputs.
    for (output, word) in [
        ("mete [\"keys\"", "visible-key"),
        ("/api/v1/calls", "visible-tag"),
        ("file mete.db", "visible-tag"),
        ("copy.db", "visible-tag"),
        ("log", "TRACE"),
    ] {
        assert!(session.mentions(output, word), "{word} isn't in {output}, so nothing was searched there");
    }
    let canaries = session.secrets.len() + TEXTS.len();
    effort::proof(
        "canaries in every output",
        &[("canaries planted", canaries), ("outputs searched", session.outputs.len()), ("hits", hits.len())],
        &[],
    );
}
