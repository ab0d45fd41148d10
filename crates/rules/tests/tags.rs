//! Virtual tags and required tags: who wins, what stays, and what a version names.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

use rules::{
    Attributes, Decision, Definitions, Facts, Missing, Required, Rule, RuleSet, Source, TAGS_MAX, Table, Value, VirtualTag, instant,
};

const FACTS: Facts = Facts { known: &["key", "model"], later: &["provider"] };

fn literal(value: &str) -> Rule {
    Rule { from: None, until: None, when: None, value: Value::Literal(value.to_owned()) }
}

fn copy(name: &str) -> Rule {
    Rule { value: Value::Copy(name.to_owned()), ..literal("") }
}

fn look_up(table: &str, by: &str, column: &str) -> Rule {
    Rule { value: Value::LookUp { table: table.to_owned(), by: by.to_owned(), column: column.to_owned() }, ..literal("") }
}

fn when(condition: &str, rule: Rule) -> Rule {
    Rule { when: Some(condition.to_owned()), ..rule }
}

fn between(from: &str, until: &str, rule: Rule) -> Rule {
    let at = |text: &str| Some(text).filter(|text| !text.is_empty()).map(|text| instant(text).unwrap());
    Rule { from: at(from), until: at(until), ..rule }
}

fn tag(name: &str, rules: Vec<Rule>, default: Option<&str>) -> VirtualTag {
    VirtualTag { name: name.to_owned(), rules, default: default.map(str::to_owned) }
}

fn required(name: &str, missing: Missing) -> Required {
    Required { name: name.to_owned(), missing }
}

fn of(tags: Vec<VirtualTag>, required: Vec<Required>) -> Definitions {
    let people = Table::read(b"user,team,cost_center\nann,search,100\nbob,,200\n").unwrap();
    Definitions { tables: [("people".to_owned(), people)].into(), tags, required }
}

fn pairs(text: &str) -> Attributes {
    text.split_whitespace().map(|pair| pair.split_once('=').unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What `brought` becomes at a time; both as `name=value` pairs.
fn check(set: &RuleSet, cases: &[(&str, &str, &str)]) {
    for (at, brought, expected) in cases {
        let mut call = pairs(brought);
        set.apply(&mut call, &[("key", "ci"), ("model", "gpt-5")], instant(at).unwrap());
        assert_eq!(call, pairs(expected), "{brought} at {at}");
    }
}

#[test]
fn the_first_rule_that_matches_wins_and_a_later_tag_uses_an_earlier_one() {
    let team = vec![
        when("user.startsWith('ci-')", literal("ci")),
        between("2026-02-01", "2026-03-01", when("env == 'prod'", literal("launch"))),
        look_up("people", "user", "team"),
        when("team != ''", copy("team")),
    ];
    let center = vec![when("team == 'ci'", literal("900")), look_up("people", "user", "cost_center"), copy("model")];
    let set = RuleSet::compile(of(vec![tag("team", team, Some("nobody")), tag("cost_center", center, None)], Vec::new()), &FACTS).unwrap();
    let (before, within) = ("2026-01-31T23:59:59.999999999Z", "2026-02-01");
    check(
        &set,
        &[
            (before, "user=ci-7 env=prod", "user=ci-7 env=prod team=ci cost_center=900"),
            (before, "user=ann env=prod", "user=ann env=prod team=search cost_center=100"),
            (within, "user=ann env=prod", "user=ann env=prod team=launch cost_center=100"),
            ("2026-02-28T23:59:59.999999999Z", "env=prod", "env=prod team=launch cost_center=gpt-5"),
            ("2026-03-01", "env=prod", "env=prod team=nobody cost_center=gpt-5"),
            (within, "user=ci-7 env=prod", "user=ci-7 env=prod team=ci cost_center=900"),
            // An empty cell is no value, so the next rule is asked.
            (before, "user=bob team=mine", "user=bob team=mine cost_center=200"),
            (before, "user=eve", "user=eve team=nobody cost_center=gpt-5"),
            (before, "", "team=nobody cost_center=gpt-5"),
        ],
    );
}

#[test]
fn without_a_match_a_default_replaces_what_came_and_without_a_default_it_stays() {
    let rules = || vec![when("env == 'prod'", literal("p"))];
    let set = RuleSet::compile(of(vec![tag("a", rules(), Some("d")), tag("b", rules(), None)], Vec::new()), &FACTS).unwrap();
    let at = "2026-01-01";
    check(&set, &[(at, "env=prod a=1 b=2", "env=prod a=p b=p"), (at, "a=1 b=2", "a=d b=2"), (at, "", "a=d")]);
}

#[test]
fn a_required_tag_is_filled_in_marked_or_missed() {
    let list = vec![
        required("team", Missing::Refuse),
        required("env", Missing::Default("dev".to_owned())),
        required("feature", Missing::Mark),
        required("owner", Missing::Refuse),
    ];
    let set = RuleSet::compile(of(vec![tag("team", vec![look_up("people", "user", "team")], None)], list), &FACTS).unwrap();
    let missing = |brought: &str| {
        let mut call = pairs(brought);
        set.apply(&mut call, &[], instant("2026-01-01").unwrap());
        set.missing(&call).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(missing(""), ["team", "owner"]);
    assert_eq!(missing("user=ann owner="), ["owner"], "a virtual tag counts, an empty value doesn't");
    assert_eq!(missing("team=t owner=o"), Vec::<String>::new());
    let at = "2026-01-01";
    check(
        &set,
        &[(at, "", "env=dev feature=untagged"), (at, "env=prod feature=f", "env=prod feature=f"), (at, "env=", "env=dev feature=untagged")],
    );
}

#[test]
fn a_fact_wins_over_an_attribute_and_one_that_no_attribute_could_be_is_empty() {
    let set = RuleSet::compile(of(vec![tag("asked", vec![copy("model")], Some("nothing"))], Vec::new()), &FACTS).unwrap();
    let long = "m".repeat(257);
    for (fact, expected) in
        [("gpt-5", "gpt-5"), ("", "nothing"), (long.as_str(), "nothing"), (&long[..256], &long[..256]), ("a\nb", "nothing")]
    {
        let mut call = pairs("model=other");
        set.apply(&mut call, &[("model", fact)], instant("2026-01-01").unwrap());
        assert_eq!((call["asked"].as_str(), call["model"].as_str()), (expected, "other"), "{fact}");
    }
}

#[test]
fn it_tells_what_set_each_tag() {
    let tags = vec![tag("a", vec![when("env == 'prod'", literal("1")), copy("model")], None), tag("b", vec![copy("none")], Some("2"))];
    let list = vec![required("c", Missing::Default("3".to_owned())), required("d", Missing::Mark), required("a", Missing::Mark)];
    let set = RuleSet::compile(of(tags, list), &FACTS).unwrap();
    let told = set.explain(&mut Attributes::new(), &[("model", "gpt-5")], instant("2026-01-01").unwrap());
    let decision = |tag: &str, value: &str, source| Decision { tag: tag.to_owned(), value: value.to_owned(), source };
    let expected = [
        decision("a", "gpt-5", Source::Rule(1)),
        decision("b", "2", Source::Default),
        decision("c", "3", Source::RequiredDefault),
        decision("d", "untagged", Source::RequiredMark),
    ];
    assert_eq!(told, expected);
}

#[test]
fn every_fault_of_definitions_is_told_with_its_place() {
    let tags = vec![
        tag("provider", vec![literal("x")], None),
        tag("model", vec![literal("x")], None),
        tag("a b", vec![literal("")], Some("a\nb")),
        tag(
            "team",
            vec![copy("provider"), copy("a b"), when("team", literal("x")), between("2026-02-01", "2026-02-01", literal("x"))],
            None,
        ),
        tag("team", Vec::new(), None),
        tag("t", vec![look_up("peple", "user", "team"), look_up("people", "user", "boss"), look_up("people", "provider", "team")], None),
    ];
    let list = vec![required("key", Missing::Mark), required("x", Missing::Default(String::new())), required("x", Missing::Refuse)];
    let faults = RuleSet::compile(of(tags, list), &FACTS).map(drop).unwrap_err();
    let told: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.place, fault.problem)).collect();
    let expected = [
        "tags[0].name: `provider` is a fact of each call that Mete finds out itself",
        "tags[1].name: `model` is a fact of each call",
        "tags[2].name: `a b` is no attribute's name",
        "tags[2].default: `ab` has a control character",
        "tags[2].rules[0].value: an empty value is none",
        "tags[3].rules[0].copy: `provider` isn't known yet when rules are applied; known facts are key, model",
        "tags[3].rules[1].copy: `a b` is no attribute's name",
        "tags[3].rules[2].when: the expression is a text",
        "tags[3].rules[3].until: 2026-02-01T00:00:00Z is not after 2026-02-01T00:00:00Z; the rule would never count",
        "tags[4].name: `team` is defined twice",
        "tags[4]: it has neither rules nor a default",
        "tags[5].rules[0].lookup: there is no look-up table `peple`; the tables are `people`",
        "tags[5].rules[1].column: `people` has no column `boss`; the columns are `team`, `cost_center`",
        "tags[5].rules[2].by: `provider` isn't known yet",
        "required[0].name: `key` is a fact of each call",
        "required[1].default: an empty value is none",
        "required[2].name: `x` is required twice",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "\n  said   {told}\n  wanted {expected}");
    }
    let many = (0..=TAGS_MAX).map(|number| tag(&format!("t{number}"), vec![literal("x")], None)).collect();
    let told = RuleSet::compile(of(many, Vec::new()), &FACTS).map(drop).unwrap_err();
    assert_eq!(told[0].problem, "there are 65 tags or rules; the most are 64");
}

#[test]
fn a_version_changes_with_everything_that_decides() {
    let version = |definitions: Definitions| RuleSet::compile(definitions, &FACTS).unwrap().version().to_owned();
    let base = || of(vec![tag("a", vec![copy("x")], None)], Vec::new());
    let with = |change: &dyn Fn(&mut Definitions)| {
        let mut definitions = base();
        change(&mut definitions);
        version(definitions)
    };
    let other = Table::read(b"user,team,cost_center\nann,search,101\nbob,,200\n").unwrap();
    let mut versions = vec![
        version(base()),
        with(&|d| d.tags[0].name = "b".to_owned()),
        with(&|d| d.tags[0].default = Some("x".to_owned())),
        with(&|d| d.tags[0].rules[0] = literal("x")),
        with(&|d| d.tags[0].rules[0] = look_up("people", "x", "team")),
        with(&|d| d.tags[0].rules[0] = when("x == ''", copy("x"))),
        with(&|d| d.tags[0].rules[0] = between("2026-01-01", "", copy("x"))),
        with(&|d| d.tags[0].rules[0] = between("", "2026-01-01", copy("x"))),
        with(&|d| d.tags[0].rules.push(copy("y"))),
        with(&|d| d.tags.push(tag("b", vec![copy("x")], None))),
        with(&|d| d.required.push(required("a", Missing::Refuse))),
        with(&|d| d.required.push(required("a", Missing::Mark))),
        with(&|d| d.required.push(required("a", Missing::Default("x".to_owned())))),
        with(&|d| drop(d.tables.insert("people".to_owned(), other.clone()))),
    ];
    assert_eq!(version(base()), versions[0], "the same definitions have the same version");
    assert!(versions.iter().all(|version| version.len() == 12));
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), 14);
}
