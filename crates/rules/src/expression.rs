//! [`Expression`]: a condition in CEL that can't fail, run long or recurse deep on what a call brings.
//!
//! All attributes are texts, so types are checked when the expression is compiled: what compares a text with a number is
//! refused then, not found out by a call. The part of CEL that is left has no loops (`all`, `exists`, `map`, `filter`), no
//! arithmetic and no conversions, so the work is at most the length of the expression times that of the attributes. Regular
//! expressions are literals, compiled once, of bounded size, and take time linear in the text.
//!
//! A missing attribute is the empty text, as it is for a budget's `per`.

use std::collections::BTreeMap;
use std::sync::Arc;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::common::types::{CelBool, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::extractors::This;
use cel::{Context, Env};
use regex::{Regex, RegexBuilder};

use crate::text::{check_cell, check_name, short};

/// The longest expression.
pub const EXPRESSION_BYTES_MAX: usize = 1024;
/// How deep an expression may be nested, as it is written and as a tree.
const DEPTH_MAX: u16 = 24;
/// The largest regular expression, compiled.
const PATTERN_BYTES_MAX: usize = 64 * 1024;
/// How deep a regular expression may be nested.
const PATTERN_DEPTH_MAX: u32 = 24;
/// The identifier under which every attribute can be reached by its name: `attributes["a-b"]`.
const ATTRIBUTES: &str = "attributes";
/// Stands before an attribute's name in a compiled expression, so that none is taken for one of CEL's types (`type`, `int`).
const MARK: char = '@';

/// What an expression reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) attributes: &'a BTreeMap<String, String>,
    pub(crate) facts: &'a [(&'a str, &'a str)],
}

impl<'a> View<'a> {
    /// A fact, else an attribute, else the empty text. Attributes were judged when they came; a fact that no attribute could be,
    /// such as a model's name of a million letters, is empty.
    pub(crate) fn get(&self, name: &str) -> &'a str {
        match self.facts.iter().find(|(fact, _)| *fact == name) {
            Some((_, value)) if check_cell(value).is_ok() => value,
            Some(_) => "",
            None => self.attributes.get(name).map(String::as_str).unwrap_or_default(),
        }
    }
}

impl VariableResolver for View<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        Some(CowVal::owned(CelString::from(self.get(variable.strip_prefix(MARK)?))))
    }
}

/// A condition.
pub(crate) struct Expression {
    tree: IdedExpr,
    patterns: Arc<BTreeMap<String, Regex>>,
    /// Attributes that it reads.
    pub(crate) reads: Vec<String>,
}

impl core::fmt::Debug for Expression {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Expression").field("reads", &self.reads).finish_non_exhaustive()
    }
}

/// What expressions are compiled and evaluated in: CEL's functions, without its macros and optional values.
pub(crate) fn language() -> Arc<Env> {
    Arc::new(Env::default().with_optional_support(false).with_stdlib())
}

impl Expression {
    /// Reads an expression.
    pub(crate) fn compile(language: &Env, text: &str) -> Result<Self, String> {
        if text.len() > EXPRESSION_BYTES_MAX {
            return Err(format!("the expression has {} bytes; the most are {EXPRESSION_BYTES_MAX}", text.len()));
        }
        let mut tree = language.parser().max_recursion_depth(DEPTH_MAX).parse(text).map_err(|errors| syntax(&errors))?;
        let mut check = Check::default();
        let kind = check.expression(&mut tree, 0)?;
        if kind != Kind::Truth {
            return Err(format!("the expression is {}; write a condition, such as `team == \"search\"`", kind.words()));
        }
        Ok(Self { tree, patterns: Arc::new(check.patterns), reads: check.reads })
    }

    /// Whether it holds. Types were checked, so evaluation has no way to fail; if it does, it doesn't hold.
    pub(crate) fn holds(&self, language: &Arc<Env>, view: &View<'_>) -> bool {
        let mut context = Context::with_env(Arc::clone(language));
        context.set_variable_resolver(view);
        if !self.patterns.is_empty() {
            let patterns = Arc::clone(&self.patterns);
            let matches = move |This(text): This<Arc<String>>, pattern: Arc<String>| -> bool {
                patterns.get(pattern.as_str()).is_some_and(|pattern| pattern.is_match(&text))
            };
            if context.add_function("matches", matches).is_err() {
                return false;
            }
        }
        let value = cel::Value::resolve_val(&self.tree, &context);
        value.is_ok_and(|value| value.downcast_ref::<CelBool>().is_some_and(|truth| *truth.inner()))
    }
}

fn too_deep() -> String {
    format!("the expression is nested deeper than {DEPTH_MAX}; make several rules of it")
}

fn syntax(errors: &cel::ParseErrors) -> String {
    let Some(first) = errors.errors.first() else { return "the expression can't be read".to_owned() };
    if errors.errors.iter().any(|error| error.msg.contains("recursion limit")) {
        return too_deep();
    }
    let what = first.msg.split(" expecting ").next().unwrap_or_default();
    let (line, letter) = first.pos;
    format!("the expression can't be read at line {line}, character {letter}: {}", short(what.trim_start_matches("Syntax error: ")))
}

/// What a part of an expression is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Truth,
    Texts,
}

impl Kind {
    const fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Truth => "a condition",
            Self::Texts => "a list of texts",
        }
    }
}

/// Checks an expression's types, and makes every attribute an identifier with [`MARK`].
#[derive(Default)]
struct Check {
    patterns: BTreeMap<String, Regex>,
    reads: Vec<String>,
}

impl Check {
    fn expression(&mut self, part: &mut IdedExpr, depth: u16) -> Result<Kind, String> {
        if depth > DEPTH_MAX {
            return Err(too_deep());
        }
        if let Some(name) = attribute(&part.expr)? {
            check_name(&name)?;
            part.expr = Expr::Ident(format!("{MARK}{name}"));
            self.reads.push(name);
            return Ok(Kind::Text);
        }
        match &mut part.expr {
            Expr::Literal(literal) => kind_of(literal),
            Expr::List(list) => {
                for element in &mut list.elements {
                    self.expect(element, Kind::Text, "in a list", depth)?;
                }
                Ok(Kind::Texts)
            }
            Expr::Call(call) if call.target.is_some() => self.method(call, depth),
            Expr::Call(call) => self.operator(call, depth),
            _ => Err(unavailable("a part of this expression")),
        }
    }

    fn expect(&mut self, part: &mut IdedExpr, kind: Kind, place: &str, depth: u16) -> Result<(), String> {
        let found = self.expression(part, depth + 1)?;
        if found == kind { Ok(()) } else { Err(format!("{place} stands {}, and {} is needed", found.words(), kind.words())) }
    }

    fn method(&mut self, call: &mut CallExpr, depth: u16) -> Result<Kind, String> {
        let place = format!("`{}`", short(&call.func_name));
        let kind = match (call.func_name.as_str(), call.args.len()) {
            ("startsWith" | "endsWith" | "contains" | "matches", 1) => Kind::Truth,
            ("size", 0) => Kind::Number,
            _ => return Err(unavailable(&place)),
        };
        if let Some(target) = &mut call.target {
            self.expect(target, Kind::Text, &format!("before {place}"), depth)?;
        }
        for argument in &mut call.args {
            self.expect(argument, Kind::Text, &format!("in {place}"), depth)?;
        }
        if call.func_name == "matches" {
            self.pattern(call.args.first())?;
        }
        Ok(kind)
    }

    fn pattern(&mut self, argument: Option<&IdedExpr>) -> Result<(), String> {
        let Some(Expr::Literal(LiteralValue::String(pattern))) = argument.map(|argument| &argument.expr) else {
            return Err("`matches` takes a regular expression in quotes; one that is worked out would be compiled by each call".to_owned());
        };
        let pattern = pattern.inner();
        let compiled = RegexBuilder::new(pattern)
            .size_limit(PATTERN_BYTES_MAX)
            .dfa_size_limit(PATTERN_BYTES_MAX)
            .nest_limit(PATTERN_DEPTH_MAX)
            .build();
        let compiled = compiled.map_err(|why| {
            let last = why.to_string();
            format!("the regular expression `{}` can't be used: {}", short(pattern), last.lines().last().unwrap_or_default())
        })?;
        self.patterns.insert(pattern.to_owned(), compiled);
        Ok(())
    }

    fn operator(&mut self, call: &mut CallExpr, depth: u16) -> Result<Kind, String> {
        let name = call.func_name.clone();
        match (name.as_str(), call.args.as_mut_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
                self.expect(left, Kind::Truth, "beside `&&` or `||`", depth)?;
                self.expect(right, Kind::Truth, "beside `&&` or `||`", depth)?;
                Ok(Kind::Truth)
            }
            (operators::LOGICAL_NOT, [inner]) => self.expect(inner, Kind::Truth, "behind `!`", depth).map(|()| Kind::Truth),
            (operators::CONDITIONAL, [condition, then, otherwise]) => {
                self.expect(condition, Kind::Truth, "before `?`", depth)?;
                let kind = self.expression(then, depth + 1)?;
                self.expect(otherwise, kind, "behind `:`", depth)?;
                Ok(kind)
            }
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
                let kind = self.expression(left, depth + 1)?;
                self.expect(right, kind, "behind `==` or `!=`", depth)?;
                Ok(Kind::Truth)
            }
            (operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS, [left, right]) => {
                let kind = self.expression(left, depth + 1)?;
                if !matches!(kind, Kind::Text | Kind::Number) {
                    return Err(format!("{} has no order; compare two texts or two numbers", kind.words()));
                }
                self.expect(right, kind, "behind the comparison", depth)?;
                Ok(Kind::Truth)
            }
            (operators::IN, [left, right]) => {
                self.expect(left, Kind::Text, "before `in`", depth)?;
                self.expect(right, Kind::Texts, "behind `in`", depth)?;
                Ok(Kind::Truth)
            }
            ("size", [text]) => self.expect(text, Kind::Text, "in `size`", depth).map(|()| Kind::Number),
            _ => Err(unavailable(&format!("`{}`", short(name.trim_matches('_'))))),
        }
    }
}

/// The attribute that a part names: `team`, `attributes.team` or `attributes["team"]`.
fn attribute(part: &Expr) -> Result<Option<String>, String> {
    let is_all = |part: &IdedExpr| matches!(&part.expr, Expr::Ident(name) if name == ATTRIBUTES);
    match part {
        Expr::Ident(name) if name == ATTRIBUTES => {
            Err(format!("`{ATTRIBUTES}` alone is no value; name one, such as `{ATTRIBUTES}[\"cost-center\"]`"))
        }
        Expr::Ident(name) => Ok(Some(name.trim_start_matches('.').to_owned())),
        Expr::Select(select) if is_all(&select.operand) && !select.test => Ok(Some(select.field.clone())),
        Expr::Select(select) => {
            Err(format!("an attribute has no parts; for a name with a point write `{ATTRIBUTES}[\"….{}\"]`", short(&select.field)))
        }
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [all, IdedExpr { expr: Expr::Literal(LiteralValue::String(name)), .. }] if is_all(all) => Ok(Some(name.inner().to_owned())),
            _ => Err(format!("only `{ATTRIBUTES}` takes brackets, with a name in quotes: `{ATTRIBUTES}[\"cost-center\"]`")),
        },
        _ => Ok(None),
    }
}

fn kind_of(literal: &LiteralValue) -> Result<Kind, String> {
    match literal {
        LiteralValue::String(_) => Ok(Kind::Text),
        LiteralValue::Boolean(_) => Ok(Kind::Truth),
        LiteralValue::Int(_) => Ok(Kind::Number),
        LiteralValue::Null => Err("there is no null; a missing attribute is the empty text: `team == \"\"`".to_owned()),
        _ => Err("attributes are texts; write texts in quotes, and whole numbers only beside `size`".to_owned()),
    }
}

fn unavailable(what: &str) -> String {
    format!(
        "{what} isn't available in rules; there are ==, !=, <, <=, >, >=, in, &&, ||, !, ?:, startsWith, endsWith, contains, matches and size"
    )
}
