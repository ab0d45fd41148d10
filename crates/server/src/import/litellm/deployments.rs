//! `model_list`: each entry is a deployment, a model of some provider under a name that clients use.

use http::Uri;

use super::super::report::Report;
use super::super::tree::At;
use super::variables::Variables;
use super::vendors::{self, Vendor};
use super::{Draft, ImportError};

/// Where calls go, and with which key: what makes one provider of Mete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    pub vendor: &'static Vendor,
    pub base_url: String,
    pub api_key_env: String,
    pub region: String,
    pub retries: u32,
}

/// One entry of `model_list` that can be taken over.
#[derive(Clone, Debug)]
pub(super) struct Deployment<'a> {
    /// The entry.
    pub at: At<'a>,
    /// The name that clients use.
    pub name: &'a str,
    /// The model's name at the provider.
    pub upstream: &'a str,
    pub connection: Connection,
}

/// Reads all entries. One that can't be taken over is told with its reason, which also holds for everything in it.
pub(super) fn read<'a>(root: &At<'a>, variables: &Variables<'_>, draft: &mut Draft) -> Result<Vec<Deployment<'a>>, ImportError> {
    let Some(list) = root.get("model_list").filter(|list| !list.is_null()) else { return Ok(Vec::new()) };
    draft.expect_list(&list)?;
    let retries = retries(root, &mut draft.report);
    let mut deployments = Vec::new();
    for at in list.items() {
        draft.expect_map(&at)?;
        match deployment(&at, variables, retries, &mut draft.report) {
            Ok(deployment) => deployments.push(deployment),
            Err((path, why)) => {
                draft.report.left(&path, why);
                draft.skipped.push(at.path.clone());
            }
        }
    }
    Ok(deployments)
}

type Refusal = (String, String);

fn deployment<'a>(at: &At<'a>, variables: &Variables<'_>, retries: u32, report: &mut Report) -> Result<Deployment<'a>, Refusal> {
    let missing = |key: &str| (at.path.clone(), format!("it has no `{key}`; LiteLLM wants one for every model"));
    let name = at.get("model_name").and_then(|name| name.text()).ok_or_else(|| missing("model_name"))?;
    let params = at.get("litellm_params").ok_or_else(|| missing("litellm_params"))?;
    let model = params.get("model").ok_or_else(|| missing("litellm_params.model"))?;
    let text = model.text().ok_or_else(|| missing("litellm_params.model"))?;
    let custom = params.get("custom_llm_provider").and_then(|custom| custom.text());
    let (vendor, upstream) = vendors::of_model(text, custom).map_err(|why| (model.path.clone(), why))?;
    for (path, text) in [(format!("{}.model_name", at.path), name), (model.path.clone(), upstream)] {
        let is_name = crate::config::budgets::check_text(text).is_ok();
        if !is_name {
            return Err((path, "this is no name of a model that Mete could route; write 1 to 256 printable characters".to_owned()));
        }
    }
    let base_url = base_url(&params, vendor, variables, report)?;
    let region = params.get("region_name").and_then(|region| region.text()).unwrap_or_default().to_owned();
    let own = ["num_retries", "max_retries"].iter().find_map(|key| params.get(key)).and_then(|at| self::own_retries(&at, report));
    let connection = Connection { vendor, base_url, api_key_env: key(&params, vendor, report), region, retries: own.unwrap_or(retries) };
    Ok(Deployment { at: at.clone(), name, upstream, connection })
}

/// The address without `/v1`.
fn base_url(params: &At<'_>, vendor: &Vendor, variables: &Variables<'_>, report: &mut Report) -> Result<String, Refusal> {
    let given = ["api_base", "base_url"].iter().find_map(|key| params.get(key)).filter(|at| !at.is_null());
    let Some(at) = given else {
        if vendor.base_url.is_empty() {
            return Err((params.path.clone(), "it has no `api_base`, so that its address isn't known; write one".to_owned()));
        }
        return Ok(vendor.base_url.to_owned());
    };
    let text = variables.value(&at, report).map_err(|why| (at.path.clone(), why))?;
    let url = trimmed(&text, vendor).map_err(|why| (at.path.clone(), why.to_owned()))?;
    if vendor.name == vendors::AZURE {
        if let Some(version) = params.get("api_version").filter(|version| version.text().is_some()) {
            report.changed(&version.path, "Mete calls Azure's `/openai/v1`, which takes no `api-version`");
        }
    } else if vendor.name.starts_with("ollama") {
        report.changed(&at.path, "Mete calls Ollama's `/v1`, which speaks OpenAI's language, not its own API");
    } else if vendor.dialect == crate::config::typed::DialectWord::OpenAi && !text.trim_end_matches('/').ends_with("/v1") {
        report.changed(&at.path, "Mete adds `/v1` to the address, as in `/v1/chat/completions`; LiteLLM adds only what comes behind it");
    }
    Ok(url)
}

fn trimmed(text: &str, vendor: &Vendor) -> Result<String, &'static str> {
    let usage = "this is no address that Mete could take: write scheme, host and path, without a password and without a query";
    let mut url = text.trim().trim_end_matches('/');
    for end in ["/v1/messages", "/v1/chat/completions", "/v1beta", "/v1"] {
        url = url.strip_suffix(end).unwrap_or(url);
    }
    let parsed: Uri = url.parse().map_err(|_| usage)?;
    let is_plain = parsed.authority().is_some_and(|authority| !authority.as_str().contains('@')) && parsed.query().is_none();
    if !is_plain || !matches!(parsed.scheme_str(), Some("http" | "https")) {
        return Err(usage);
    }
    if vendor.name != vendors::AZURE {
        return Ok(url.to_owned());
    }
    if url.contains("/deployments/") {
        return Err("the address names a deployment; write only the resource's, as in `https://NAME.openai.azure.com`");
    }
    Ok(if url.ends_with("/openai") { url.to_owned() } else { format!("{url}/openai") })
}

/// The variable with the provider's key. A key that stands in the file is not copied.
fn key(params: &At<'_>, vendor: &Vendor, report: &mut Report) -> String {
    let Some(at) = params.get("api_key") else { return vendor.key_env.to_owned() };
    let Some(text) = at.text() else { return vendor.key_env.to_owned() };
    if let Some(name) = super::variables::named(text) {
        return name.to_owned();
    }
    let fitting = || format!("{}_API_KEY", vendor.name.to_ascii_uppercase().replace('-', "_"));
    let variable = if vendor.key_env.is_empty() { fitting() } else { vendor.key_env.to_owned() };
    report.changed(&at.path, format!("the key stands in the file and was not copied; put it into the variable {variable}"));
    variable
}

/// `num_retries` for every deployment.
fn retries(root: &At<'_>, report: &mut Report) -> u32 {
    let places = [("router_settings", "num_retries"), ("litellm_settings", "num_retries")];
    let found = places.iter().find_map(|(section, key)| root.get(section)?.get(key));
    found.and_then(|at| own_retries(&at, report)).unwrap_or(0)
}

/// Retries, at most ten, which is what Mete takes.
fn own_retries(at: &At<'_>, report: &mut Report) -> Option<u32> {
    let text = at.look()?;
    let Ok(count) = text.parse::<u32>() else {
        report.left(&at.path, "this is no number of retries; set `retries` of the provider");
        at.take();
        return None;
    };
    at.take();
    if count > 10 {
        report.changed(&at.path, "Mete tries one provider again at most 10 times");
    }
    Some(count.min(10))
}
