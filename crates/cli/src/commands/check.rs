//! `mete verify`, `mete doctor` and `mete audit`: is all well, and who changed what.

use serde_json::{Value, json};
use server::{Api, DoctorOptions, Level};

use crate::context::{Context, accepted};
use crate::exit;
use crate::output::{self, Column, Kind};

const AUDIT: &[Column] = &[
    Column("TIME", "/time", Kind::Text),
    Column("WHO", "/actor", Kind::Text),
    Column("WHAT", "/action", Kind::Text),
    Column("OF", "/subject", Kind::Text),
    Column("BEFORE", "/before", Kind::Text),
    Column("AFTER", "/after", Kind::Text),
];

/// The oracle on a data directory.
pub fn verify(context: &Context, full: bool) -> anyhow::Result<u8> {
    let data = context.data()?;
    anyhow::ensure!(context.has_records()?, exit::NoRecords(data.display().to_string()));
    let report = server::verify(&data, full)?;
    output::print(context.format, &report, |report| {
        let count = |name: &str| output::cell(report.get(name), Kind::Count);
        let violations = report["violations"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut lines = vec![format!("{} budgets, {} postings, {} open holds", count("budgets"), count("postings"), count("open_holds"))];
        lines.extend(violations.iter().map(|violation| format!("violation: {}", output::cell(Some(violation), Kind::Text))));
        lines.push(if report["ok"] == json!(true) { "ok: the journal and the books agree" } else { "not ok" }.to_owned());
        lines.join("\n")
    });
    Ok(if report["ok"] == json!(true) { exit::OK } else { exit::FAILED })
}

/// What is misconfigured.
pub async fn doctor(context: &Context, connect: bool) -> anyhow::Result<u8> {
    let connect_to = context.connect()?;
    if let Some(api) = Api::running(&connect_to).await
        && context.config.is_none()
        && let Some(file) = accepted(api.get("/config").await?)?["file"].as_str()
    {
        output::talk(&format!("a server runs with {file}; name it with --config to have it looked at"));
    }
    let options = DoctorOptions {
        config: context.config.clone(),
        data: context.data()?,
        prices: context.prices.clone(),
        connect,
        env: context.env.clone(),
    };
    let findings = server::doctor(&options).await;
    let document = Value::Array(
        findings.iter().map(|finding| json!({"level": word(finding.level), "what": finding.what, "remedy": finding.remedy})).collect(),
    );
    output::print(context.format, &document, |_| {
        let line = |finding: &server::Finding| match finding.remedy.as_str() {
            "" => format!("{:<8} {}", word(finding.level), output::clean(&finding.what)),
            remedy => format!("{:<8} {}\n         → {}", word(finding.level), output::clean(&finding.what), output::clean(remedy)),
        };
        findings.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    let failed = findings.iter().any(|finding| finding.level == Level::Error);
    Ok(if failed { exit::FAILED } else { exit::OK })
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Ok => "ok",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

/// Who changed what, newest first.
pub async fn audit(context: &Context, limit: u32) -> anyhow::Result<()> {
    let rows = accepted(context.api_of_records().await?.get(&format!("/audit?limit={limit}")).await?)?;
    output::print(context.format, &rows, |rows| output::table(rows, AUDIT, "nothing was changed yet"));
    Ok(())
}
