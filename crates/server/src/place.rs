//! Where things are: the data directory when none is named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The environment variables of the process, handed in by its edge.
pub type Environment = BTreeMap<String, String>;

/// The platform's data directory for Mete: `METE_DATA`, else `$XDG_DATA_HOME/mete`, else `~/Library/Application Support/mete`
/// where that folder exists, else `~/.local/share/mete`. `None` when not even a home is known.
#[must_use]
pub fn default_data_dir(env: &Environment) -> Option<PathBuf> {
    let named = |key: &str| env.get(key).filter(|value| !value.is_empty());
    if let Some(dir) = named("METE_DATA") {
        return Some(PathBuf::from(dir));
    }
    if let Some(dir) = named("XDG_DATA_HOME").filter(|dir| Path::new(dir).is_absolute()) {
        return Some(Path::new(dir).join("mete"));
    }
    let home = PathBuf::from(named("HOME").or_else(|| named("USERPROFILE"))?);
    let mac = home.join("Library/Application Support");
    Some(if cfg!(target_os = "macos") { mac.join("mete") } else { home.join(".local/share/mete") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_data_directory_follows_the_environment() {
        type Case<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);
        let cases: &[Case<'_>] = &[
            (&[("METE_DATA", "/d"), ("HOME", "/h")], Some("/d")),
            (&[("METE_DATA", ""), ("HOME", "/h")], Some("/h/.local/share/mete")),
            (&[("XDG_DATA_HOME", "/x"), ("HOME", "/h")], Some("/x/mete")),
            (&[("XDG_DATA_HOME", "relative"), ("HOME", "/h")], Some("/h/.local/share/mete")),
            (&[], None),
        ];
        for (variables, expected) in cases {
            let env = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            assert_eq!(default_data_dir(&env), expected.map(PathBuf::from), "{variables:?}");
        }
    }
}
