//! Finds cycles among the top-level modules of the crates of layers 0 to 2.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

const CRATES: &[&str] = &["money", "pricing", "ledger", "dialects", "store"];

type Graph = BTreeMap<String, BTreeSet<String>>;

/// No module of these crates uses, however indirectly, a module that uses it.
pub fn check(root: &Path) -> anyhow::Result<()> {
    for name in CRATES {
        let source = root.join("crates").join(name).join("src");
        if let Some(cycle) = find_cycle(&graph(&source)?) {
            bail!("crate `{name}`: {}", cycle.join(" → "));
        }
    }
    Ok(())
}

fn graph(source: &Path) -> anyhow::Result<Graph> {
    let lib = std::fs::read_to_string(source.join("lib.rs")).with_context(|| source.display().to_string())?;
    let homes = homes(&lib);
    let mut graph = Graph::new();
    for file in rust_files(source)? {
        let Some(module) = module_of(source, &file) else { continue };
        let text = std::fs::read_to_string(&file)?;
        let used = used_names(&without_tests(&text));
        let targets = used.iter().filter_map(|name| homes.get(name).cloned()).filter(|target| *target != module);
        graph.entry(module.clone()).or_default().extend(targets);
    }
    Ok(graph)
}

/// Which top-level module each name of the crate's root comes from: modules themselves and what `lib.rs` re-exports.
fn homes(lib: &str) -> BTreeMap<String, String> {
    let mut homes = BTreeMap::new();
    let code: String = lib.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join(" ");
    for statement in code.split(';').map(str::trim) {
        let statement = statement.rsplit(']').next().unwrap_or(statement).trim();
        if let Some(module) = statement.strip_prefix("pub mod ").or_else(|| statement.strip_prefix("mod ")) {
            homes.insert(module.trim().to_owned(), module.trim().to_owned());
        }
        if let Some((module, names)) = statement.strip_prefix("pub use ").and_then(|path| path.split_once("::")) {
            for name in names.split(['{', '}', ',', ':']).map(str::trim).filter(|name| !name.is_empty()) {
                homes.insert(name.to_owned(), module.trim().to_owned());
            }
        }
    }
    homes
}

fn rust_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        }
        if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

fn module_of(source: &Path, file: &Path) -> Option<String> {
    let first = file.strip_prefix(source).ok()?.components().next()?;
    let name = first.as_os_str().to_str()?.trim_end_matches(".rs").to_owned();
    (name != "lib").then_some(name)
}

/// Unit tests may look anywhere.
fn without_tests(text: &str) -> String {
    text.split("#[cfg(test)]").next().unwrap_or(text).to_owned()
}

/// First path segments after `crate::`, in code and in grouped imports.
fn used_names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let group = rest.strip_prefix('{').and_then(|group| group.split_once(';')).map(|(group, _)| group);
        let candidates = group.map_or_else(|| vec![rest], |group| group.split([',', '{', '}']).collect());
        for candidate in candidates {
            let name: String = candidate.trim().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            names.insert(name);
        }
    }
    names
}

fn find_cycle(graph: &Graph) -> Option<Vec<String>> {
    let mut finished = BTreeSet::new();
    graph.keys().find_map(|start| walk(graph, start, &mut Vec::new(), &mut finished))
}

fn walk(graph: &Graph, module: &str, path: &mut Vec<String>, finished: &mut BTreeSet<String>) -> Option<Vec<String>> {
    if let Some(at) = path.iter().position(|earlier| earlier == module) {
        let mut cycle = path[at..].to_vec();
        cycle.push(module.to_owned());
        return Some(cycle);
    }
    if finished.contains(module) {
        return None;
    }
    path.push(module.to_owned());
    let targets = graph.get(module).into_iter().flatten();
    let found = targets.into_iter().find_map(|target| walk(graph, target, path, finished));
    path.pop();
    finished.insert(module.to_owned());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_found_and_named() {
        let graph = |arrows: &[(&str, &str)]| {
            let mut graph = Graph::new();
            for (from, to) in arrows {
                graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
            }
            graph
        };
        assert_eq!(find_cycle(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
        let cycle = find_cycle(&graph(&[("a", "b"), ("b", "c"), ("c", "b")])).unwrap();
        assert_eq!(cycle, ["b", "c", "b"]);
    }

    #[test]
    fn names_lead_to_their_modules() {
        let homes = homes("//! Doc; with a semicolon.\nmod nanos;\n#[cfg(x)]\npub mod rate;\npub use nanos::{Nanos, AmountError};\n");
        assert_eq!(homes.get("Nanos").map(String::as_str), Some("nanos"));
        assert_eq!(homes.get("rate").map(String::as_str), Some("rate"));
        let used = used_names("use crate::{Nanos, rate::Rate};\nlet x = crate::other::f();");
        assert!(used.is_superset(&["Nanos", "rate", "other"].map(str::to_owned).into()), "{used:?}");
    }
}
