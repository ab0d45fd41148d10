//! Rules as the file writes them: look-up tables, virtual tags and required tags become one set of rules.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rules::{Definitions, Missing, Required, Rule, RuleSet, Table, Value, VirtualTag};

use super::budgets::short;
use super::meaning::Faults;
use super::typed::{LookUpSection, OnMissingWord, RequiredTagSection, RuleSection, Typed, VirtualTagSection};

/// The largest file of a look-up table.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Most look-up tables.
const TABLES_MAX: usize = 16;

/// The rules, if there are any. Conditions and columns are judged once every rule has its shape and every table could be read.
pub(crate) fn mean(typed: &Typed, base: &Path, faults: &mut Faults) -> Option<Arc<RuleSet>> {
    if typed.lookups.is_empty() && typed.virtual_tags.is_empty() && typed.required_tags.is_empty() {
        return None;
    }
    let mut found = Faults::new();
    let tables = tables(&typed.lookups, base, &mut found);
    let tags = typed.virtual_tags.iter().enumerate().map(|(index, section)| tag(section, index, &mut found)).collect();
    let required = typed.required_tags.iter().enumerate().map(|(index, section)| required(section, index, &mut found)).collect();
    if found.is_empty() {
        match RuleSet::compile(Definitions { tables, tags, required }, &gateway::FACTS) {
            Ok(set) => return Some(Arc::new(set)),
            Err(judged) => found.extend(judged.into_iter().map(|fault| (key(&fault.place), fault.problem))),
        }
    }
    faults.append(&mut found);
    None
}

/// The key of this file that a place in the definitions is: `tags[0].name` is `virtual_tags[0].name`.
fn key(place: &str) -> String {
    match place.strip_prefix("tags") {
        Some(rest) => format!("virtual_tags{rest}"),
        None => place.replacen("required", "required_tags", 1),
    }
}

fn tables(sections: &[LookUpSection], base: &Path, faults: &mut Faults) -> BTreeMap<String, Table> {
    let mut tables = BTreeMap::new();
    if sections.len() > TABLES_MAX {
        faults.push(("lookups".to_owned(), format!("there are {} look-up tables; the most are {TABLES_MAX}", sections.len())));
        return tables;
    }
    for (index, section) in sections.iter().enumerate() {
        if section.name.is_empty() || tables.contains_key(&section.name) {
            let problem = format!("`{}` is empty or there twice; give each look-up table a name of its own", short(&section.name));
            faults.push((format!("lookups[{index}].name"), problem));
        }
        let table = match read(&base.join(&section.file)) {
            Ok(bytes) => Table::read(&bytes),
            Err(why) => Err(vec![why]),
        };
        let table = table.unwrap_or_else(|problems| {
            let told = problems.into_iter().map(|problem| (format!("lookups[{index}].file"), format!("{}: {problem}", section.file)));
            faults.extend(told);
            Table::default()
        });
        tables.insert(section.name.clone(), table);
    }
    tables
}

/// The bytes of a file, of a bounded size.
fn read(file: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |why: std::io::Error| format!("it can't be read ({why}); paths are relative to this file");
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err("it is larger than 16 MiB; split the table".to_owned());
    }
    Ok(bytes)
}

fn tag(section: &VirtualTagSection, index: usize, faults: &mut Faults) -> VirtualTag {
    let place = format!("virtual_tags[{index}]");
    let rules = section.rules.iter().enumerate();
    let rules = rules.filter_map(|(number, rule)| self::rule(rule, &format!("{place}.rules[{number}]"), faults)).collect();
    VirtualTag { name: section.name.clone(), rules, default: written(&section.default) }
}

fn rule(section: &RuleSection, place: &str, faults: &mut Faults) -> Option<Rule> {
    let from = instant(&section.from, &format!("{place}.from"), faults);
    let until = instant(&section.until, &format!("{place}.until"), faults);
    let value = value(section).map_err(|problem| faults.push((place.to_owned(), problem.to_owned()))).ok()?;
    Some(Rule { from, until, when: written(&section.when), value })
}

fn value(section: &RuleSection) -> Result<Value, &'static str> {
    let named = [&section.by, &section.column].map(|text| written(text));
    match (written(&section.value), written(&section.copy), written(&section.lookup), named) {
        (Some(value), None, None, [None, None]) => Ok(Value::Literal(value)),
        (None, Some(name), None, [None, None]) => Ok(Value::Copy(name)),
        (None, None, Some(table), [Some(by), Some(column)]) => Ok(Value::LookUp { table, by, column }),
        (None, None, Some(_), _) => Err("`lookup` needs `by`, the attribute whose value is the key, and `column`, which has the value"),
        (_, _, None, [Some(_), _] | [_, Some(_)]) => Err("`by` and `column` belong to `lookup`; write it, or leave them out"),
        _ => Err("a rule sets one thing; write exactly one of `value`, `copy` and `lookup`"),
    }
}

fn instant(text: &str, key: &str, faults: &mut Faults) -> Option<Timestamp> {
    rules::instant(&written(text)?).map_err(|problem| faults.push((key.to_owned(), problem))).ok()
}

fn required(section: &RequiredTagSection, index: usize, faults: &mut Faults) -> Required {
    let has_default = !section.default.is_empty();
    let missing = match section.on_missing {
        OnMissingWord::Refuse => Missing::Refuse,
        OnMissingWord::Mark => Missing::Mark,
        OnMissingWord::Default => Missing::Default(section.default.clone()),
    };
    if has_default && section.on_missing != OnMissingWord::Default {
        let problem = "a default is only used with `on_missing = \"default\"`; write that, or leave the default out";
        faults.push((format!("required_tags[{index}].default"), problem.to_owned()));
    }
    Required { name: section.name.clone(), missing }
}

/// An empty text is as one that isn't written.
fn written(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}
