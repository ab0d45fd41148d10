//! Stage 2, which attributes: from the key, the run, headers, the body, and what known agents already send.
//!
//! Who wins, from the weakest: what agents send by themselves, Mete's own headers, the run's tags, the key's attributes, virtual tags.

use std::sync::Arc;

use dialects::Request;
use http::HeaderMap;
use jiff::Timestamp;
use ledger::{Attributes, RunId};
use rules::{Facts, RuleSet};
use store::{Books, RunRecord, run_text};

use crate::authenticate::{Caller, run_of_token};
use crate::denied::{Denied, Step, echo};

/// Facts of a call that only Mete sets, and which of them are known when rules are applied: the others are found out when a provider is
/// chosen.
pub const FACTS: Facts = Facts { known: &["key", "run", "model"], later: &["parent", "provider", "seller", "region", "tier", "dialect"] };

/// Whether an attribute is a fact of a call, which neither a client nor a definition can set.
#[must_use]
pub fn is_fact(name: &str) -> bool {
    FACTS.known.contains(&name) || FACTS.later.contains(&name)
}

/// Labels that agents send unasked and that every key lets them set: they can't move money to another payer.
const LABELS: [&str; 8] = ["agent", "session", "thread", "turn", "originator", "device", "openai_organization", "openai_project"];

const TAGS_MAX: usize = 32;
const NAME_BYTES_MAX: usize = 64;
const VALUE_BYTES_MAX: usize = 256;

/// What is known of a call.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) attributes: Arc<Attributes>,
    pub(crate) run: Option<Arc<RunRecord>>,
    pub(crate) is_codex: bool,
}

impl Identity {
    pub(crate) fn run_id(&self) -> Option<RunId> {
        self.run.as_ref().map(|run| run.id)
    }
}

/// Collects the attributes. `request` says what it does of its client.
pub(crate) fn identify(
    books: &Books,
    caller: &Caller,
    headers: &HeaderMap,
    request: &Request,
    rules: Option<&RuleSet>,
    at: Timestamp,
) -> Step<Identity> {
    let said = dialects::attributes_from_headers(headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))));
    let run = run(books, caller, headers)?;
    let allowed = Allowed::of(caller);
    let mut attributes = Attributes::new();
    // Unmodified clients send these unasked, so one that isn't allowed is left out, where an explicit tag is refused.
    for (name, value) in request.attributes.iter().chain(&said.attributes) {
        if allowed.unasked(name) && check_name(name).is_ok() && check_value(name, value).is_ok() {
            attributes.insert(name.clone(), value.clone());
        }
    }
    for (name, value) in explicit(headers)? {
        allowed.explicit(&name)?;
        attributes.insert(name, value);
    }
    if let Some(run) = &run {
        attributes.extend(run.start.tags.clone());
        if let Some(session) = &run.start.session {
            attributes.insert("session".to_owned(), session.clone());
        }
        attributes.insert("run".to_owned(), run_text(run.id));
    }
    if let Some(key) = caller.key() {
        attributes.extend(key.attributes.clone());
        attributes.insert("key".to_owned(), key.name.clone());
    }
    tag(rules, &mut attributes, &request.model, at);
    Ok(Identity { attributes: Arc::new(attributes), run, is_codex: said.is_codex })
}

/// Sets virtual tags and fills in required ones. Rules see the model by the name that was asked for.
pub(crate) fn tag(rules: Option<&RuleSet>, attributes: &mut Attributes, model: &str, at: Timestamp) {
    if let Some(rules) = rules {
        rules.apply(attributes, &[("model", model)], at);
    }
}

/// Refuses a call that lacks a required tag, and says how to send each that it lacks.
pub(crate) fn require(rules: Option<&RuleSet>, caller: &Caller, identity: &Identity) -> Step<()> {
    let missing: Vec<&str> = rules.map(|rules| rules.missing(&identity.attributes).collect()).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    let allowed = Allowed::of(caller);
    let (own, fixed): (Vec<&str>, Vec<&str>) = missing.iter().partition(|name| allowed.unasked(name));
    let mut ways = Vec::new();
    if !own.is_empty() {
        let pairs: Vec<String> = own.iter().map(|name| format!("{name}=VALUE")).collect();
        ways.push(format!("send the header `x-mete-tags: {}`", pairs.join(",")));
    }
    if !fixed.is_empty() {
        let flags: String = fixed.iter().map(|name| format!(" --attribute {name}=VALUE")).collect();
        ways.push(format!("use a key that has them, made by `mete keys create NAME{flags}`"));
    }
    let named: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
    let message = format!("this call lacks {}, which every call needs here; {}", named.join(", "), ways.join(", and "));
    Err(Denied::bad_request("tag_required", message).with("missing", missing))
}

/// The run of the key or the path, else the one that `x-mete-run` names by its token.
fn run(books: &Books, caller: &Caller, headers: &HeaderMap) -> Step<Option<Arc<RunRecord>>> {
    let Some(named) = text(headers, "x-mete-run")? else { return Ok(caller.run.clone()) };
    let run = match store::parse_run(&named) {
        // An id isn't a secret, so it only repeats what the key or the path already says.
        Some(id) if caller.run.as_ref().is_some_and(|run| run.id == id) => return Ok(caller.run.clone()),
        Some(_) => {
            return Err(Denied::forbidden(
                "run_mismatch",
                "`x-mete-run` takes the run's token (`rt_…`), or the id of the caller's own run",
            ));
        }
        None => run_of_token(books, &named)?,
    };
    match &caller.run {
        Some(own) if own.id != run.id => {
            Err(Denied::forbidden("run_mismatch", "`x-mete-run` names another run than the key or the address"))
        }
        _ => Ok(Some(run)),
    }
}

/// The tags that a client sets by `x-mete-tags` and `x-mete-session`, as a call reads them, before it is asked who may set them.
///
/// # Errors
/// What is wrong with them, as the client is told.
pub fn read_tags(headers: &HeaderMap) -> Result<Attributes, String> {
    explicit(headers).map_err(|denied| denied.denial.message.clone())
}

/// Tags that the client sets by Mete's own headers.
fn explicit(headers: &HeaderMap) -> Step<Attributes> {
    let mut tags = Attributes::new();
    if let Some(list) = text(headers, "x-mete-tags")? {
        for pair in list.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| invalid_tags(&format!("`{}` isn't `name=value`", echo(pair))))?;
            let (name, value) = (decode(name.trim())?, decode(value.trim())?);
            check_name(&name)?;
            check_value(&name, &value)?;
            if tags.insert(name.clone(), value).is_some() {
                return Err(invalid_tags(&format!("`{name}` stands there twice")));
            }
        }
    }
    if tags.len() > TAGS_MAX {
        return Err(invalid_tags(&format!("there are more than {TAGS_MAX}")));
    }
    if let Some(session) = text(headers, "x-mete-session")? {
        check_value("session", &session)?;
        tags.insert("session".to_owned(), session);
    }
    Ok(tags)
}

fn text(headers: &HeaderMap, name: &str) -> Step<Option<String>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Denied::bad_request("invalid_header", format!("`{name}` stands there twice")));
    }
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| Denied::bad_request("invalid_header", format!("`{name}` isn't UTF-8")))?;
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

fn invalid_tags(why: &str) -> Box<Denied> {
    Denied::bad_request("invalid_tags", format!("`x-mete-tags` must be `name=value,name2=value2`, percent-encoded: {why}"))
}

fn check_name(name: &str) -> Step<()> {
    let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX;
    if fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) {
        return Ok(());
    }
    Err(invalid_tags(&format!("the name `{}` must be 1 to {NAME_BYTES_MAX} letters, digits, `_`, `-` or `.`", echo(name))))
}

fn check_value(name: &str, value: &str) -> Step<()> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(invalid_tags(&format!("the value of `{name}` is longer than {VALUE_BYTES_MAX} bytes")));
    }
    if value.chars().any(char::is_control) {
        return Err(invalid_tags(&format!("the value of `{name}` has control characters")));
    }
    Ok(())
}

/// Undoes percent-encoding, strictly.
fn decode(text: &str) -> Step<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits =
            others.get(..2).and_then(|pair| std::str::from_utf8(pair).ok()).filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
            .ok_or_else(|| invalid_tags("a `%` isn't followed by two hex digits"))?;
        bytes.push(byte);
        rest = &others[2..];
    }
    String::from_utf8(bytes).map_err(|_| invalid_tags("a value isn't UTF-8"))
}

/// Which attributes a caller may set.
enum Allowed<'a> {
    /// Without a virtual key: anything but facts.
    Anything,
    /// What the key lists, beside labels.
    Listed(&'a [String]),
}

impl<'a> Allowed<'a> {
    fn of(caller: &'a Caller) -> Self {
        caller.key().map_or(Self::Anything, |key| Self::Listed(&key.client_may_set))
    }

    fn unasked(&self, name: &str) -> bool {
        !is_fact(name) && (LABELS.contains(&name) || self.lists(name))
    }

    fn explicit(&self, name: &str) -> Step<()> {
        if is_fact(name) {
            return Err(Denied::bad_request(
                "reserved_attribute",
                format!("`{name}` is a fact of the call and can't be set by the client"),
            ));
        }
        if LABELS.contains(&name) || self.lists(name) {
            return Ok(());
        }
        let message = format!(
            "this key doesn't let clients set `{name}`; a key that does is made by `mete keys create NAME --client-may-set {name}`"
        );
        Err(Denied::forbidden("attribute_not_allowed", message))
    }

    fn lists(&self, name: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Listed(names) => names.iter().any(|listed| listed == name || listed == "*"),
        }
    }
}
