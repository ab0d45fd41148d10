//! What the doctor finds, and that it says what to do.

use server::{DoctorOptions, Environment, Level, doctor};

use crate::harness::{CONFIG, Dir, Server};

async fn findings(config: &str, env: &[(&str, &str)]) -> Vec<server::Finding> {
    let dir = Dir::new();
    let file = dir.write("mete.toml", config);
    let env: Environment = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    doctor(&DoctorOptions { config: Some(file), data: dir.path().join("data"), connect: true, env, ..DoctorOptions::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_found_with_its_remedy() {
    let provider = "[[providers]]\nname = \"p\"\ndialect = \"openai\"\nbase_url = \"http://127.0.0.1:9\"\napi_key_env = \"K\"\n";
    let cases = [
        (String::new(), Level::Warning, "provider openai at https://api.openai.com/: no key"),
        (String::new(), Level::Warning, "no budget limits anything"),
        ("[server]\nlisten = \"x\"\n".to_owned(), Level::Error, "mete.toml:2: server.listen"),
        ("[server]\nlisten = \"0.0.0.0:1\"\n".to_owned(), Level::Warning, "can be reached from other machines"),
        (provider.to_owned(), Level::Error, "127.0.0.1:9 can't be reached"),
        (provider.to_owned(), Level::Ok, "provider p at http://127.0.0.1:9/: has a key"),
        (provider.replace("127.0.0.1:9", "192.0.2.1"), Level::Warning, "without TLS, its key in the clear"),
        (
            format!("{provider}[[budgets]]\nname = \"tiny\"\nlimit_usd = \"0.000001\"\n"),
            Level::Warning,
            "budget tiny: $0.000001 is less than one typical call",
        ),
        ("[prices]\nextra = [\"absent.jsonl\"]\n".to_owned(), Level::Error, "absent.jsonl"),
    ];
    for (config, level, what) in cases {
        let all = findings(&config, &[("K", "sk-canary")]).await;
        let found = all.iter().find(|finding| finding.level == level && finding.what.contains(what));
        let found = found.unwrap_or_else(|| panic!("{level:?} {what} is not in {all:#?}"));
        assert_eq!(found.remedy.is_empty(), level == Level::Ok, "{found:?}");
        assert!(!format!("{all:?}").contains("sk-canary"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_installation_has_no_errors_and_a_rejected_reload_is_told() {
    let server = Server::start().await;
    let options = DoctorOptions { config: Some(server.config.clone()), data: server.dir.path().join("data"), ..DoctorOptions::default() };
    let all = doctor(&options).await;
    assert!(all.iter().all(|finding| finding.level != Level::Error), "{all:#?}");
    for what in ["a server runs at http://127.0.0.1:", "the journal adds up", "budget from-file: $25.00"] {
        assert!(all.iter().any(|finding| finding.what.contains(what)), "{what} is not in {all:#?}");
    }
    server.dir.write("mete.toml", &CONFIG.replace("25.00", "x"));
    server.running.reload().await.unwrap_err();
    let all = doctor(&options).await;
    assert!(all.iter().any(|finding| finding.what.contains("its last reload was rejected")), "{all:#?}");
    server.stop().await;
}
