//! What a condition may say, what it means, and that no text makes it fail, run long or recurse deep.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use rules::{Attributes, Definitions, EXPRESSION_BYTES_MAX, Facts, Rule, RuleSet, Value, VirtualTag};

const FACTS: Facts = Facts { known: &["key", "model"], later: &["provider"] };
/// What the stack of a thread is at least where a config is read or a call is served.
const STACK_BYTES: usize = 1 << 20;

fn compile(when: &str) -> Result<RuleSet, String> {
    let rule = Rule { from: None, until: None, when: Some(when.to_owned()), value: Value::Literal("yes".to_owned()) };
    let tag = VirtualTag { name: "holds".to_owned(), rules: vec![rule], default: Some("no".to_owned()) };
    let definitions = Definitions { tags: vec![tag], ..Definitions::default() };
    RuleSet::compile(definitions, &FACTS).map_err(|faults| {
        assert_eq!((faults.len(), faults[0].place.as_str()), (1, "tags[0].rules[0].when"));
        faults[0].problem.clone()
    })
}

fn holds(set: &RuleSet, attributes: &Attributes) -> bool {
    let mut attributes = attributes.clone();
    set.apply(&mut attributes, &[("model", "gpt-5")], jiff::Timestamp::UNIX_EPOCH);
    attributes["holds"] == "yes"
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_condition_means_what_cel_means_and_a_missing_attribute_is_the_empty_text() {
    let call =
        attributes(&[("team", "search"), ("a-b", "dash"), ("x.y", "point"), ("user", "zoë@example.org"), ("type", "t"), ("model", "no")]);
    let cases = [
        (r#"team == "search""#, true),
        (r#"team == 'search'"#, true),
        (r#"team != "search""#, false),
        (r#"team == "Search""#, false),
        (r#"attributes["a-b"] == "dash""#, true),
        (r#"attributes["x.y"] == "point" && attributes.team == "search""#, true),
        (r#".team == "search""#, true),
        (r#"nobody == """#, true),
        (r#"attributes["no-body"].size() == 0"#, true),
        (r#"nobody.startsWith("a")"#, false),
        (r#"team in ["search", "ads"]"#, true),
        (r#"!(team in ["ads"]) && (user.endsWith("@example.org") || false)"#, true),
        (r#"user.contains("oë")"#, true),
        (r#"user.size() == 15 && size(user) >= 15"#, true),
        (r#"user.matches("^zo.@")"#, true),
        (r#"user.matches(r"^\w+@example\.org$") && team.matches("(?i)^SEARCH$")"#, true),
        (r#"user.matches("^oë")"#, false),
        (r#"model == "gpt-5""#, true),
        (r#"model.startsWith("no")"#, false),
        (r#"team < "t" && team >= "search""#, true),
        (r#"(team == "search" ? user : team) == user"#, true),
        (r#"type == "t" && int == "" && string == """#, true),
        (r#"user == "zo\u00eb@example.org""#, true),
        (r#"true"#, true),
    ];
    for (text, expected) in cases {
        assert_eq!(holds(&compile(text).unwrap_or_else(|why| panic!("{text}: {why}")), &call), expected, "{text}");
    }
}

#[test]
fn what_could_fail_later_is_refused_now_and_says_what_to_write() {
    let long = format!("team == \"{}\"", "a".repeat(EXPRESSION_BYTES_MAX));
    let cases = [
        ("team", "the expression is a text; write a condition, such as `team == \"search\"`"),
        ("", "the expression can't be read at line 1, character 1: mismatched input '<EOF>'"),
        ("team == ", "the expression can't be read at line 1, character 9"),
        ("team == \"a", "the expression can't be read at line 1, character 9"),
        ("team ==\n== \"a\"", "the expression can't be read at line 2, character 1"),
        ("team == 1", "behind `==` or `!=` stands a number, and a text is needed"),
        ("team > true", "behind the comparison stands a condition, and a text is needed"),
        ("true < false", "a condition has no order; compare two texts or two numbers"),
        ("team == null", "there is no null; a missing attribute is the empty text"),
        ("team == 1.5", "attributes are texts"),
        ("team == b\"a\"", "attributes are texts"),
        ("team && true", "beside `&&` or `||` stands a text, and a condition is needed"),
        ("!team", "behind `!` stands a text"),
        ("team ? true : false", "before `?` stands a text"),
        ("true ? team : 1", "behind `:` stands a number"),
        ("team in \"abc\"", "behind `in` stands a text, and a list of texts is needed"),
        ("team in [\"a\", 1]", "in a list stands a number"),
        ("\"a\" in attributes", "`attributes` alone is no value"),
        ("attributes[team] == \"a\"", "only `attributes` takes brackets, with a name in quotes"),
        ("team[0] == \"a\"", "only `attributes` takes brackets"),
        ("team.name == \"a\"", "an attribute has no parts; for a name with a point write `attributes[\"….name\"]`"),
        ("has(attributes.team)", "`has` isn't available in rules; there are ==, !=,"),
        ("[\"a\"].exists(x, x == team)", "`exists` isn't available in rules"),
        ("[\"a\"].map(x, x + x) == [team]", "`map` isn't available in rules"),
        ("team + \"a\" == \"aa\"", "`+` isn't available in rules"),
        ("int(team) == 1", "`int` isn't available in rules"),
        ("team.matches(user)", "`matches` takes a regular expression in quotes"),
        ("team.matches(\"[\")", "the regular expression `[` can't be used: error: unclosed character class"),
        ("team.matches(\"(a{1000}){1000}\")", "can't be used: Compiled regex exceeds size limit of 65536 bytes"),
        ("team.startsWith(\"a\", \"b\")", "`startsWith` isn't available in rules"),
        ("startsWith(team, \"a\")", "`startsWith` isn't available in rules"),
        ("Team{name: team} == Team{}", "a part of this expression isn't available in rules"),
        ("provider == \"openai\"", "`provider` isn't known yet when rules are applied; known facts are key, model"),
        ("attributes[\"provider\"] == \"openai\"", "`provider` isn't known yet"),
        ("attributes[\"a b\"] == \"\"", "`a b` is no attribute's name"),
        ("日本 == \"\"", "the expression can't be read"),
        (long.as_str(), "bytes; the most are 1024"),
    ];
    for (text, expected) in cases {
        let said = compile(text).map(drop).expect_err(text);
        assert!(said.contains(expected), "{text}\n  said   {said}\n  wanted {expected}");
    }
}

#[test]
fn deep_and_long_expressions_are_refused_within_a_small_stack() {
    let nested = |open: &str, middle: &str, close: &str| {
        let count = (EXPRESSION_BYTES_MAX - middle.len()) / (open.len() + close.len());
        format!("{}{middle}{}", open.repeat(count), close.repeat(count))
    };
    let chain = |first: &str, next: &str, last: &str| {
        let count = (EXPRESSION_BYTES_MAX - first.len() - last.len()) / next.len();
        format!("{first}{}{last}", next.repeat(count))
    };
    let refused = [
        nested("(", "true", ")"),
        nested("[", "", "]"),
        nested("{1:", "2", "}"),
        nested("size(", "team", ")"),
        nested("\"a\" in [", "", "]"),
        chain("", "(", ""),
        chain("true", "?true", ""),
        chain("true", "?true:true", ""),
        chain("true", "==true", ""),
        chain("team", ".a", ""),
        chain("team", "[0]", ""),
        chain("team", ".size()", ""),
        // What stands in a comment or in a text isn't what is nested.
        chain("// \"\n", "(", ""),
    ];
    let taken = [
        nested("!!", "true", ""),
        chain("true", "&&true", ""),
        chain("true", "||true", ""),
        chain("team in [\"a\"", ",\"a\"", "]"),
        chain("\"", "(", "\" == team"),
    ];
    let work = move || {
        for text in refused {
            compile(&text).map(drop).expect_err(&text);
        }
        for text in taken {
            holds(&compile(&text).unwrap_or_else(|why| panic!("{text}: {why}")), &attributes(&[("team", "a")]));
        }
    };
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).unwrap().join().unwrap();
}

#[test]
fn a_pattern_that_backtracks_elsewhere_takes_no_time_here() {
    // Exponential for engines that backtrack: thirty letters would take minutes there, and here are 256.
    let set = compile(r#"team.matches("^(a+)+$") || team.matches("^(a|a?)+$") || team.matches("(.*)(.*)(.*)(.*)x$")"#).unwrap();
    let hostile = "a".repeat(255) + "!";
    assert!(!holds(&set, &attributes(&[("team", &hostile)])));
}

/// A condition with a meaning of its own here, against which the crate's is held.
#[derive(Clone, Debug)]
enum Condition {
    Equals(Text, Text),
    Before(Text, Text),
    StartsWith(Text, Text),
    EndsWith(Text, Text),
    Contains(Text, Text),
    OneOf(Text, Vec<Text>),
    Longer(Text, usize),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    If(Box<Condition>, Box<Condition>, Box<Condition>),
}

#[derive(Clone, Debug)]
enum Text {
    Attribute(&'static str),
    Named(&'static str),
    Literal(String),
}

impl Text {
    fn written(&self) -> String {
        match self {
            Self::Attribute(name) => (*name).to_owned(),
            Self::Named(name) => format!("attributes[\"{name}\"]"),
            Self::Literal(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        }
    }

    fn meant<'a>(&'a self, attributes: &'a Attributes) -> &'a str {
        match self {
            Self::Attribute(name) | Self::Named(name) => attributes.get(*name).map_or("", String::as_str),
            Self::Literal(text) => text,
        }
    }
}

impl Condition {
    fn written(&self) -> String {
        match self {
            Self::Equals(a, b) => format!("{} == {}", a.written(), b.written()),
            Self::Before(a, b) => format!("{} < {}", a.written(), b.written()),
            Self::StartsWith(a, b) => format!("{}.startsWith({})", a.written(), b.written()),
            Self::EndsWith(a, b) => format!("{}.endsWith({})", a.written(), b.written()),
            Self::Contains(a, b) => format!("{}.contains({})", a.written(), b.written()),
            Self::OneOf(a, list) => format!("{} in [{}]", a.written(), list.iter().map(Text::written).collect::<Vec<_>>().join(", ")),
            Self::Longer(a, size) => format!("{}.size() > {size}", a.written()),
            Self::Not(a) => format!("!({})", a.written()),
            Self::And(a, b) => format!("({}) && ({})", a.written(), b.written()),
            Self::Or(a, b) => format!("({}) || ({})", a.written(), b.written()),
            Self::If(a, b, c) => format!("({}) ? ({}) : ({})", a.written(), b.written(), c.written()),
        }
    }

    fn meant(&self, on: &Attributes) -> bool {
        match self {
            Self::Equals(a, b) => a.meant(on) == b.meant(on),
            Self::Before(a, b) => a.meant(on) < b.meant(on),
            Self::StartsWith(a, b) => a.meant(on).starts_with(b.meant(on)),
            Self::EndsWith(a, b) => a.meant(on).ends_with(b.meant(on)),
            Self::Contains(a, b) => a.meant(on).contains(b.meant(on)),
            Self::OneOf(a, list) => list.iter().any(|b| a.meant(on) == b.meant(on)),
            Self::Longer(a, size) => a.meant(on).chars().count() > *size,
            Self::Not(a) => !a.meant(on),
            Self::And(a, b) => a.meant(on) && b.meant(on),
            Self::Or(a, b) => a.meant(on) || b.meant(on),
            Self::If(a, b, c) => {
                if a.meant(on) {
                    b.meant(on)
                } else {
                    c.meant(on)
                }
            }
        }
    }
}

const NAMES: [&str; 4] = ["team", "user", "env", "type"];

fn value() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ab]{1,3}", "\\PC{0,12}"]
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        prop::sample::select(&NAMES[..]).prop_map(Text::Attribute),
        prop::sample::select(&["team", "a-b", "x.y"][..]).prop_map(Text::Named),
        value().prop_map(Text::Literal),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        (text(), text()).prop_map(|(a, b)| Condition::Equals(a, b)),
        (text(), text()).prop_map(|(a, b)| Condition::Before(a, b)),
        (text(), text()).prop_map(|(a, b)| Condition::StartsWith(a, b)),
        (text(), text()).prop_map(|(a, b)| Condition::EndsWith(a, b)),
        (text(), text()).prop_map(|(a, b)| Condition::Contains(a, b)),
        (text(), prop::collection::vec(text(), 0..4)).prop_map(|(a, list)| Condition::OneOf(a, list)),
        (text(), 0_usize..6).prop_map(|(a, size)| Condition::Longer(a, size)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let boxed = inner.prop_map(Box::new).boxed();
        prop_oneof![
            boxed.clone().prop_map(Condition::Not),
            (boxed.clone(), boxed.clone()).prop_map(|(a, b)| Condition::And(a, b)),
            (boxed.clone(), boxed.clone()).prop_map(|(a, b)| Condition::Or(a, b)),
            (boxed.clone(), boxed.clone(), boxed).prop_map(|(a, b, c)| Condition::If(a, b, c)),
        ]
    })
}

fn call() -> impl Strategy<Value = Attributes> {
    let name = prop::sample::select(&["team", "user", "env", "type", "a-b", "x.y"][..]).prop_map(str::to_owned);
    prop::collection::btree_map(name, value(), 0..6)
}

proptest! {
    #[test]
    fn every_condition_holds_exactly_where_its_meaning_does(condition in condition(), call in call()) {
        let written = condition.written();
        prop_assume!(written.len() <= EXPRESSION_BYTES_MAX);
        let set = compile(&written).map_err(|why| TestCaseError::fail(format!("{written}: {why}")))?;
        prop_assert_eq!(holds(&set, &call), condition.meant(&call), "{}", written);
    }

    #[test]
    fn any_text_is_compiled_or_refused(text in "\\PC{0,64}", words in prop::collection::vec(prop::sample::select(
        &["team", "attributes", "[", "]", "(", ")", "{", "}", ".", "?", ":", "==", "&&", "!", "-", "in", "\"a\"", "r\"", "'", "\\", "1", "0x", "u", "1e9", "matches", "size", ",", "//", "\n", "`", "true", "null"][..]
    ), 0..40)) {
        for text in [text, words.join(" "), words.concat()] {
            if let Ok(set) = compile(&text) {
                holds(&set, &BTreeMap::new());
            }
        }
    }
}
