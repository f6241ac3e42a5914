//! Takes an expression apart before it is used: finds names that do not exist and comparisons that can never be true, and
//! replaces fields by what stands for them when it is evaluated.

use cel::{
    Env, IdedExpr, ParseErrors,
    common::{
        ast::{
            CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SelectExpr, SourceInfo, operators,
        },
        types::CelString,
    },
};
use jiff::Timestamp;

use super::{
    expressions::call,
    field_names::{FIELD, JOINED, LISTS},
    functions::{self, FUNCTIONS, TIME_TEXT},
    kind::Kind,
    literals,
    messages::{syntax_message, way_out},
};
use crate::{
    source::{Diagnostic, Diagnostics, Source, Span, nearest},
    subscriber::{normalize::normalize, times::parse_time},
};

/// What is in front of a field in placeholders, and may be here.
const SUBSCRIBER: &str = "subscriber";
/// Names of types, for `type(x) == string`.
const TYPES: [&str; 9] = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"];
/// So deep may an expression be nested.
const DEPTH_MAX: u16 = 40;

/// Resolves one expression.
pub(super) struct Resolver<'a> {
    source: &'a Source,
    now: Timestamp,
    places: SourceInfo,
    /// The names of loops around the place that is looked at, and what they are.
    scope: Vec<(String, Kind)>,
    resolved: Resolved,
}

/// What was found in an expression.
#[derive(Default)]
pub(super) struct Resolved {
    /// Names of fields, and where each is in the text.
    pub(super) fields: Vec<(String, Span)>,
    /// Words that a field with words of its own is compared with, and where each is.
    pub(super) words: Vec<(String, String, Span)>,
    pub(super) problems: Diagnostics,
}

/// An expression and what it makes.
type Typed = (IdedExpr, Kind);

impl<'a> Resolver<'a> {
    pub(super) fn new(source: &'a Source, now: Timestamp) -> Self {
        let places = SourceInfo::default();
        Self { source, now, places, scope: Vec::new(), resolved: Resolved::default() }
    }

    /// Reads the text.
    pub(super) fn parse(&mut self) -> Result<IdedExpr, Diagnostics> {
        let text = self.source.text();
        let parser = Env::stdlib().parser().enable_optional_syntax(false).max_recursion_depth(DEPTH_MAX);
        let (expr, places) = parser.parse_with_source_info(text).map_err(|errors| self.syntax(&errors))?;
        self.places = places;
        Ok(expr)
    }

    fn syntax(&self, errors: &ParseErrors) -> Diagnostics {
        let text = self.source.text();
        let byte = |column: usize| text.char_indices().nth(column).map_or(text.len(), |(at, _)| at);
        let mut found = Diagnostics::new();
        for error in &errors.errors {
            let start = byte(usize::try_from(error.pos.1 - 1).unwrap_or_default());
            let end = text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
            let is_one_equals_sign = text[start..].starts_with('=') && !text[start..].starts_with("==");
            let help = if is_one_equals_sign {
                "write `==` to compare"
            } else {
                "as in city == \"Berlin\" && \"beta\" in tags"
            };
            found.push(
                Diagnostic::error("M321", self.source, start..end, syntax_message(&error.msg)).help(help),
            );
        }
        // One slip makes the parser stumble several times.
        found.truncate(1);
        found
    }

    /// Resolves the whole condition.
    pub(super) fn whole(&mut self, expr: IdedExpr) -> IdedExpr {
        let id = expr.id;
        let (expr, kind) = self.resolve(expr);
        if !kind.is_condition() {
            self.problem(
                id,
                format!("the condition is {kind}, not true or false"),
                match kind {
                    Kind::Words => "ask for a word: \"beta\" in tags",
                    _ => "compare it, as in city == \"Berlin\"",
                },
            );
        }
        expr
    }

    pub(super) fn finish(self) -> Resolved {
        self.resolved
    }

    fn resolve(&mut self, expr: IdedExpr) -> Typed {
        let IdedExpr { id, expr } = expr;
        match expr {
            Expr::Ident(name) => self.ident(id, name),
            Expr::Select(select) => self.select(id, select),
            Expr::Call(call) => self.call(id, call),
            Expr::Comprehension(one) => self.comprehension(id, *one),
            Expr::Literal(literal) => {
                let kind = match &literal {
                    LiteralValue::Boolean(_) => Kind::Bool,
                    LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Kind::Number,
                    LiteralValue::String(_) => Kind::Text,
                    LiteralValue::Bytes(_) | LiteralValue::Null => Kind::Any,
                };
                (IdedExpr { id, expr: Expr::Literal(literal) }, kind)
            }
            Expr::List(mut list) => {
                let mut kinds = Vec::new();
                list.elements = std::mem::take(&mut list.elements)
                    .into_iter()
                    .map(|element| {
                        let (element, kind) = self.resolve(element);
                        kinds.push(kind);
                        element
                    })
                    .collect();
                let is_words = kinds.iter().all(|kind| *kind == Kind::Text);
                (IdedExpr { id, expr: Expr::List(list) }, if is_words { Kind::Words } else { Kind::Any })
            }
            Expr::Map(mut map) => {
                for entry in &mut map.entries {
                    if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                        entry.key = self.resolve(std::mem::take(&mut entry.key)).0;
                        entry.value = self.resolve(std::mem::take(&mut entry.value)).0;
                    }
                }
                (IdedExpr { id, expr: Expr::Map(map) }, Kind::Any)
            }
            Expr::Struct(one) => {
                self.problem(id, format!("unknown type `{}`", one.type_name), "a condition makes no objects");
                (IdedExpr { id, expr: Expr::Struct(one) }, Kind::Any)
            }
            Expr::Unspecified => (IdedExpr { id, expr: Expr::Unspecified }, Kind::Any),
        }
    }

    fn ident(&mut self, id: u64, name: String) -> Typed {
        let is_loop = self.scope.iter().rev().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        if let Some(kind) = is_loop {
            return (IdedExpr { id, expr: Expr::Ident(name) }, kind);
        }
        if name == "now" {
            return (call(id, "timestamp", vec![text(id, self.now.to_string())]), Kind::Time);
        }
        if name == SUBSCRIBER {
            let help = "name a field: subscriber.city, or subscriber[\"city\"]";
            self.problem(id, "`subscriber` is the whole person".to_owned(), help);
        }
        if TYPES.contains(&name.as_str()) {
            return (IdedExpr { id, expr: Expr::Ident(name) }, Kind::Any);
        }
        self.field(id, &name)
    }

    fn field(&mut self, id: u64, name: &str) -> Typed {
        let name = normalize(name);
        let kind = match name.as_str() {
            JOINED => Kind::Time,
            name if LISTS.contains(&name) => Kind::Words,
            _ => Kind::Text,
        };
        let ident = IdedExpr { id, expr: Expr::Ident(format!("{FIELD}{name}")) };
        self.resolved.fields.push((name, self.span(id)));
        (if kind == Kind::Time { call(id, "timestamp", vec![ident]) } else { ident }, kind)
    }

    fn select(&mut self, id: u64, select: SelectExpr) -> Typed {
        if is_subscriber(&select.operand) {
            let at = select.operand.id;
            let (field, kind) = self.field(at, &select.field);
            if !select.test {
                return (field, kind);
            }
            // `has(subscriber.city)`: whether there is a value.
            let test = match (kind, field.expr) {
                (Kind::Words, expr) => {
                    let size = call(id, "size", vec![IdedExpr { id, expr }]);
                    call(id, operators::GREATER, vec![size, number(id)])
                }
                (Kind::Time, Expr::Call(mut timestamp)) => {
                    let args = vec![timestamp.args.swap_remove(0), text(id, String::new())];
                    call(id, operators::NOT_EQUALS, args)
                }
                (_, expr) => {
                    call(id, operators::NOT_EQUALS, vec![IdedExpr { id, expr }, text(id, String::new())])
                }
            };
            return (test, Kind::Bool);
        }
        let (operand, kind) = self.resolve(*select.operand);
        if kind != Kind::Any {
            let message = format!("{kind} has nothing called `{}`", select.field);
            self.problem(id, message, "fields of a person have names only, as in city or subscriber.city");
        }
        let select = SelectExpr { operand: Box::new(operand), ..select };
        (IdedExpr { id, expr: Expr::Select(select) }, Kind::Any)
    }

    fn call(&mut self, id: u64, mut one: CallExpr) -> Typed {
        if one.func_name == operators::INDEX && one.args.first().is_some_and(is_subscriber) {
            if let Some(Expr::Literal(LiteralValue::String(name))) = one.args.get(1).map(|index| &index.expr)
            {
                return self.field(one.args[0].id, name.inner());
            }
            let help = "write the name between quotation marks: subscriber[\"city\"]";
            self.problem(id, "the name of a field is not a text".to_owned(), help);
            return (IdedExpr { id, expr: Expr::Call(one) }, Kind::Any);
        }
        let mut kinds = Vec::new();
        one.target = one.target.map(|target| {
            let (target, kind) = self.resolve(*target);
            kinds.push(kind);
            Box::new(target)
        });
        one.args = one
            .args
            .into_iter()
            .map(|arg| {
                let (arg, kind) = self.resolve(arg);
                kinds.push(kind);
                arg
            })
            .collect();
        if let Some(kind) = self.operator(id, &one, &kinds) {
            return (IdedExpr { id, expr: Expr::Call(one) }, kind);
        }
        let Some(kind) = functions::kind(&one.func_name) else {
            let near = nearest(&one.func_name, FUNCTIONS.iter().map(|(name, _)| *name));
            let help = near.map_or_else(
                || "functions are those of the Common Expression Language, and date()".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            self.problem(id, format!("unknown function `{}`", one.func_name), help);
            return (IdedExpr { id, expr: Expr::Call(one) }, Kind::Any);
        };
        if one.func_name == "date" {
            return (self.date(id, one, &kinds), kind);
        }
        if let Some((text, help)) = functions::unreadable(&one) {
            let message = format!("`{}` cannot read `{}`", one.func_name, text.escape_debug());
            self.problem(id, message, help);
        }
        (IdedExpr { id, expr: Expr::Call(one) }, kind)
    }

    /// `date("2026-03-01")` or `date(field)`, as a time.
    fn date(&mut self, id: u64, one: CallExpr, kinds: &[Kind]) -> IdedExpr {
        let is_text = matches!(kinds, [Kind::Text | Kind::Any]);
        if !is_text {
            self.problem(id, "`date` takes one text".to_owned(), "as in date(\"2026-03-01\")");
        }
        let arg = one.target.map(|target| *target).into_iter().chain(one.args).next().unwrap_or_default();
        if let Expr::Literal(LiteralValue::String(literal)) = &arg.expr
            && parse_time(literal.inner()).is_none()
        {
            let message = format!("`{}` is not a date", literal.inner().escape_debug());
            self.problem(id, message, "write it as 2026-03-01 or 2026-03-01T09:00:00Z");
        }
        call(id, "timestamp", vec![call(id, TIME_TEXT, vec![arg])])
    }

    /// What an operator makes; `None` for a function.
    fn operator(&mut self, id: u64, one: &CallExpr, kinds: &[Kind]) -> Option<Kind> {
        let name = one.func_name.as_str();
        for (field, word, id) in literals::compared(one) {
            let span = self.span(id);
            self.resolved.words.push((field.to_owned(), word.to_owned(), span));
        }
        Some(match (name, kinds) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, kinds) => {
                for (arg, kind) in one.args.iter().zip(kinds).filter(|(_, kind)| !kind.is_condition()) {
                    let help = "compare it, as in city == \"Berlin\"";
                    self.problem(arg.id, format!("{kind} is neither true nor false"), help);
                }
                Kind::Bool
            }
            (operators::LOGICAL_NOT, [kind]) => {
                if !kind.is_condition() {
                    let help = "compare it, as in city != \"Berlin\"";
                    self.problem(id, format!("{kind} is neither true nor false"), help);
                }
                Kind::Bool
            }
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
                if !left.meets(*right) {
                    self.problem(id, format!("{left} is never {right}"), way_out(*left, *right));
                }
                Kind::Bool
            }
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                [left, right],
            ) => {
                if !left.meets(*right) || !left.has_order() || !right.has_order() {
                    self.problem(
                        id,
                        format!("{left} is never compared with {right}"),
                        way_out(*left, *right),
                    );
                }
                Kind::Bool
            }
            (operators::IN, [left, right]) => {
                if !matches!(right, Kind::Words | Kind::Any) {
                    let help = "`in` needs a list: \"beta\" in tags, or city in [\"Berlin\", \"Ulm\"]; a part of a text is \
                                found by city.contains(\"lin\")";
                    self.problem(id, format!("{right} is not a list"), help);
                } else if *right == Kind::Words && !left.meets(Kind::Text) {
                    self.problem(
                        id,
                        format!("{left} is never in a list of texts"),
                        way_out(*left, Kind::Text),
                    );
                }
                Kind::Bool
            }
            (operators::CONDITIONAL, [condition, left, right]) => {
                if !condition.is_condition() {
                    let message = format!("{condition} is neither true nor false");
                    self.problem(id, message, "compare it, as in city == \"Berlin\" ? … : …");
                }
                if left == right { *left } else { Kind::Any }
            }
            (operators::NEGATE, [kind]) => *kind,
            (operators::INDEX, [Kind::Words, _]) => Kind::Text,
            (operators::INDEX, _) => Kind::Any,
            (operators::NOT_STRICTLY_FALSE, _) => Kind::Bool,
            (
                operators::SUBSTRACT
                | operators::ADD
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO,
                [left, right],
            ) => self.calculation(id, name, *left, *right),
            _ => return None,
        })
    }

    /// What an operator of arithmetic makes.
    fn calculation(&mut self, id: u64, operator: &str, left: Kind, right: Kind) -> Kind {
        match (operator, left, right) {
            (operators::SUBSTRACT, Kind::Time, Kind::Time) => return Kind::Duration,
            (operators::SUBSTRACT | operators::ADD, Kind::Time, Kind::Duration) => return Kind::Time,
            _ => {}
        }
        let is_text = left == Kind::Text && operator != operators::ADD;
        if !left.meets(right) || is_text {
            self.problem(id, format!("cannot calculate with {left} and {right}"), way_out(left, right));
        }
        if left == right { left } else { Kind::Any }
    }

    /// A loop over a list, which macros such as `exists` make.
    fn comprehension(&mut self, id: u64, one: ComprehensionExpr) -> Typed {
        let (iter_range, range) = self.resolve(one.iter_range);
        if !matches!(range, Kind::Words | Kind::Any) {
            let help = "only lists have `exists`, `all`, `filter` and `map`: tags.exists(tag, tag.startsWith(\"b\"))";
            self.problem(id, format!("{range} is not a list"), help);
        }
        let (accu_init, accu) = self.resolve(one.accu_init);
        let item = if range == Kind::Words { Kind::Text } else { Kind::Any };
        let depth = self.scope.len();
        self.scope.push((one.iter_var.clone(), item));
        self.scope.extend(one.iter_var2.clone().map(|name| (name, Kind::Any)));
        self.scope.push((one.accu_var.clone(), if accu == Kind::Words { Kind::Any } else { accu }));
        let (loop_cond, _) = self.resolve(one.loop_cond);
        let (loop_step, _) = self.resolve(one.loop_step);
        let (result, kind) = self.resolve(one.result);
        self.scope.truncate(depth);
        let one = ComprehensionExpr { iter_range, accu_init, loop_cond, loop_step, result, ..one };
        (IdedExpr { id, expr: Expr::Comprehension(Box::new(one)) }, kind)
    }

    fn problem(&mut self, id: u64, message: String, help: impl Into<String>) {
        let one = Diagnostic::error("M321", self.source, self.span(id), message).help(help);
        self.resolved.problems.push(one);
    }

    /// Where a part of the expression is in the text; what has no place of its own is in all of it.
    fn span(&self, id: u64) -> Span {
        let text = self.source.text();
        let Some((start, end)) = self.places.offset_for(id) else { return 0..text.len() };
        let byte = |at: u32| text.char_indices().nth(at as usize).map_or(text.len(), |(at, _)| at);
        let start = byte(start);
        let end = byte(end.saturating_add(1)).max(start);
        start..end
    }
}

fn is_subscriber(expr: &IdedExpr) -> bool {
    matches!(&expr.expr, Expr::Ident(name) if name == SUBSCRIBER)
}

fn text(id: u64, text: String) -> IdedExpr {
    IdedExpr { id, expr: Expr::Literal(LiteralValue::String(CelString::from(text))) }
}

fn number(id: u64) -> IdedExpr {
    IdedExpr { id, expr: Expr::Literal(LiteralValue::Int(0.into())) }
}
