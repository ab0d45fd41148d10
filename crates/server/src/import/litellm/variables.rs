//! `os.environ/NAME`: values that the config takes from the environment.

use super::super::report::Report;
use super::super::tree::At;
use crate::Environment;

/// Where values of variables are looked up: the config's own `environment_variables`, then the environment.
pub(super) struct Variables<'a> {
    own: Option<At<'a>>,
    environment: &'a Environment,
}

/// The variable that a value names, if it names one.
pub(super) fn named(text: &str) -> Option<&str> {
    let name = text.strip_prefix("os.environ/")?;
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    (!name.is_empty() && name.len() <= 128 && name.chars().all(is_letter) && !name.starts_with(|first: char| first.is_ascii_digit()))
        .then_some(name)
}

impl<'a> Variables<'a> {
    pub fn of(root: &At<'a>, environment: &'a Environment) -> Self {
        Self { own: root.get("environment_variables"), environment }
    }

    /// A value that Mete must have in its config: as written, or as its variable says now. Never for secrets.
    pub fn value(&self, at: &At<'_>, report: &mut Report) -> Result<String, String> {
        let text = at.text().ok_or("this is no address; write one")?;
        let Some(name) = named(text) else { return Ok(text.to_owned()) };
        let own = self.own.as_ref().and_then(|own| own.get(name));
        let value = own.as_ref().and_then(At::text).or_else(|| self.environment.get(name).map(String::as_str));
        let value = value.filter(|value| !value.trim().is_empty() && named(value).is_none());
        let value =
            value.ok_or_else(|| format!("{name} is not set here, and an address stands in Mete's config; set it and import again"))?;
        report
            .changed(&at.path, format!("the address is written into the config as {name} has it now; Mete reads only keys from variables"));
        Ok(value.to_owned())
    }
}
