//! Conditions about people: `city == "Berlin" && "beta" in tags`, or `city=Berlin`.
//!
//! The language is the Common Expression Language; `cel` parses and evaluates it. What it leaves to the moment of evaluation is
//! found before here (`resolve.rs`): names and functions that do not exist, and comparisons that can never be true, such as a
//! text with a number.

mod expressions;
mod field_names;
mod functions;
mod kind;
mod literals;
mod messages;
mod resolve;

use std::{fmt, sync::Arc};

use cel::{
    Context, ExecutionError, IdedExpr, Value,
    common::{
        types::{CelBool, CelList, CelString},
        value::{CowVal, Val},
    },
    context::VariableResolver,
};
use jiff::Timestamp;

use super::{person::Subscriber, times::parse_time, topics::words};
use crate::source::{Diagnostic, Diagnostics, Source, Span, nearest};
use expressions::{equality, field_and_value};
use field_names::{FIELD, JOINED, LISTS, OWN};

/// Who is meant: a condition that holds for a person or does not.
#[derive(Clone)]
pub struct Condition {
    inner: Arc<Inner>,
}

struct Inner {
    source: Source,
    expr: IdedExpr,
    /// Names of fields, and where each is in the text.
    fields: Vec<(String, Span)>,
    /// Words that fields are compared with, and where each is in the text.
    words: Vec<(String, String, Span)>,
    context: Context<'static, 'static>,
}

/// Why a condition does not say whether it means a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the condition cannot be evaluated: {why}")]
pub struct ConditionError {
    /// The field that is the cause, if one is.
    pub field: Option<String>,
    /// The cause; holds no values of the person.
    pub why: String,
}

/// Characters of a condition.
const LENGTH_MAX: usize = 4_000;

impl Condition {
    /// Reads a condition: an expression, or `FIELD=VALUE`. `now` is what the name `now` means.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each at its column (`M321`).
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, Diagnostics> {
        let source = Source::new("--where", text);
        let whole = 0..text.len();
        let fail = |message: &str, help: &str| {
            Err(vec![Diagnostic::error("M321", &source, whole.clone(), message).help(help)])
        };
        if text.trim().is_empty() {
            return fail("the condition is empty", "write it as in city == \"Berlin\"");
        }
        if text.len() > LENGTH_MAX {
            return fail("the condition is too long", "it takes 4,000 characters");
        }
        let mut resolver = resolve::Resolver::new(&source, now);
        let parsed = match field_and_value(text) {
            Some((field, value)) => equality(&field, value),
            None => resolver.parse()?,
        };
        let expr = resolver.whole(parsed);
        let resolve::Resolved { fields, words, problems } = resolver.finish();
        if !problems.is_empty() {
            return Err(problems);
        }
        let context = functions::context();
        Ok(Self { inner: Arc::new(Inner { source, expr, fields, words, context }) })
    }

    /// The condition as it was written.
    pub fn text(&self) -> &str {
        self.inner.source.text()
    }

    /// Checks that a list has every field that the condition names.
    ///
    /// # Errors
    ///
    /// Each field that it does not have, with the nearest name.
    pub fn check<'a>(&self, columns: impl Iterator<Item = &'a str> + Clone) -> Result<(), Diagnostics> {
        let known = || OWN.into_iter().chain(columns.clone());
        let mut unknown = Diagnostics::new();
        for (field, span) in &self.inner.fields {
            if known().any(|known| known == field) {
                continue;
            }
            let help = match nearest(field, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the list has: {}", columns.clone().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("unknown field `{field}`");
            let one = Diagnostic::error("M321", &self.inner.source, span.clone(), message).help(help);
            if !unknown.contains(&one) {
                unknown.push(one);
            }
        }
        if unknown.is_empty() { Ok(()) } else { Err(unknown) }
    }

    /// Checks the words that a field is compared with, where it is known which there are.
    ///
    /// # Errors
    ///
    /// Each word that is not one of them, with the nearest one.
    pub fn check_words(&self, field: &str, known: &[&str]) -> Result<(), Diagnostics> {
        let mut unknown = Diagnostics::new();
        for (_, word, span) in self.inner.words.iter().filter(|(name, ..)| name == field) {
            if known.contains(&word.as_str()) {
                continue;
            }
            let help = match nearest(word, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", known.join(", ")),
            };
            let what = if field == "topics" { "topic" } else { field };
            let message = format!("unknown {what} `{}`", word.escape_debug());
            unknown.push(Diagnostic::error("M321", &self.inner.source, span.clone(), message).help(help));
        }
        if unknown.is_empty() { Ok(()) } else { Err(unknown) }
    }

    /// Whether it means this person.
    ///
    /// # Errors
    ///
    /// When a value of the person cannot be used as the condition does: a text that is to be a number and is not one.
    pub fn matches(&self, person: &Subscriber) -> Result<bool, ConditionError> {
        let inner = &*self.inner;
        let values = Values(person);
        let mut context: Context<'_, '_> = inner.context.new_inner_scope();
        context.set_variable_resolver(&values);
        let result = Value::resolve_val(&inner.expr, &context);
        match result {
            Ok(value) => match value.as_ref().downcast_ref::<CelBool>() {
                Some(holds) => Ok(*holds.inner()),
                None => Err(ConditionError { field: None, why: "it is neither true nor false".to_owned() }),
            },
            Err(error) => Err(self.explain(person, &error)),
        }
    }

    /// An error without the person's values.
    fn explain(&self, person: &Subscriber, error: &ExecutionError) -> ConditionError {
        let mut fields = self.inner.fields.iter().map(|(field, _)| field);
        if let Some(field) = fields.find(|field| *field == JOINED) {
            let text = person.field(field).unwrap_or_default();
            if parse_time(text).is_none() {
                let what = if text.is_empty() { "is empty" } else { "is not a date" };
                return ConditionError { field: Some(field.clone()), why: format!("`{field}` {what}") };
            }
        }
        let fields: Vec<&String> = self.inner.fields.iter().map(|(field, _)| field).collect();
        let field = match fields.as_slice() {
            [one] => Some((*one).clone()),
            _ => None,
        };
        let why = match error {
            ExecutionError::FunctionError { function, .. } => format!("`{function}` cannot read the value"),
            ExecutionError::NoSuchOverload(overload) => {
                format!(
                    "{} does not work with {}",
                    readable(overload.function()),
                    overload.argument_types().join(" and ")
                )
            }
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                "division by zero".to_owned()
            }
            ExecutionError::Overflow(..) => "a number is too large".to_owned(),
            ExecutionError::IndexOutOfBounds(_) => "a list has too few items".to_owned(),
            _ => "its values cannot be compared".to_owned(),
        };
        ConditionError { field, why }
    }
}

/// `_==_` as people write it.
fn readable(function: &str) -> String {
    match function.trim_matches(['_', '@']) {
        "[_]" => "`[ ]`".to_owned(),
        name => format!("`{name}`"),
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.inner.expr == other.inner.expr
    }
}

impl Eq for Condition {}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.text()).finish()
    }
}

/// What the fields of a condition are for one person.
struct Values<'a>(&'a Subscriber);

impl VariableResolver for Values<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let name = name.strip_prefix(FIELD)?;
        let text = self.0.field(name);
        if LISTS.contains(&name) {
            let words = words(text.unwrap_or_default());
            let words = words.map(|word| Box::new(CelString::from(word)) as Box<dyn Val + 'b>);
            return Some(CowVal::owned(CelList::from(words.collect::<Vec<_>>())));
        }
        // A time is handed on as a text that the function `timestamp` reads.
        if name == JOINED
            && let Some(at) = text.and_then(parse_time)
        {
            return Some(CowVal::owned(CelString::from(at.to_string())));
        }
        let default = if name == "status" { "active" } else { "" };
        Some(CowVal::owned(CelString::from(text.unwrap_or(default))))
    }
}

#[cfg(test)]
mod tests;
