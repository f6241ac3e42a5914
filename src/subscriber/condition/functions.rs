//! The functions of conditions: those of the Common Expression Language, its extension for strings, and `date`.

use std::sync::Arc;

use cel::{
    Context, Env, ExecutionError, IdedExpr, Value,
    common::{
        ast::{CallExpr, Expr, LiteralValue},
        types::CelString,
    },
    extensions,
    extractors::This,
};

use super::kind::Kind;
use crate::subscriber::times::parse_time;

/// Reads a day or a time in any spelling of lists, and writes it for `timestamp`.
pub(super) const TIME_TEXT: &str = "time_text";

/// Names of functions, and what each makes.
pub(super) const FUNCTIONS: [(&str, Kind); 39] = [
    ("size", Kind::Number),
    ("contains", Kind::Bool),
    ("startsWith", Kind::Bool),
    ("endsWith", Kind::Bool),
    ("matches", Kind::Bool),
    ("string", Kind::Text),
    ("int", Kind::Number),
    ("uint", Kind::Number),
    ("double", Kind::Number),
    ("bool", Kind::Bool),
    ("bytes", Kind::Any),
    ("dyn", Kind::Any),
    ("type", Kind::Any),
    ("timestamp", Kind::Time),
    ("date", Kind::Time),
    ("duration", Kind::Duration),
    ("getFullYear", Kind::Number),
    ("getMonth", Kind::Number),
    ("getDate", Kind::Number),
    ("getDayOfMonth", Kind::Number),
    ("getDayOfWeek", Kind::Number),
    ("getDayOfYear", Kind::Number),
    ("getHours", Kind::Number),
    ("getMinutes", Kind::Number),
    ("getSeconds", Kind::Number),
    ("getMilliseconds", Kind::Number),
    ("charAt", Kind::Text),
    ("indexOf", Kind::Number),
    ("lastIndexOf", Kind::Number),
    ("join", Kind::Text),
    ("lowerAscii", Kind::Text),
    ("upperAscii", Kind::Text),
    ("trim", Kind::Text),
    ("replace", Kind::Text),
    ("split", Kind::Words),
    ("substring", Kind::Text),
    ("reverse", Kind::Text),
    ("format", Kind::Text),
    ("lower", Kind::Text),
];

/// What a function makes; `None` for one that does not exist.
pub(super) fn kind(name: &str) -> Option<Kind> {
    FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// Everything that conditions can call.
pub(super) fn context() -> Context<'static, 'static> {
    let mut env = Env::stdlib();
    env.add_extension(extensions::strings).expect("the extension is declared once");
    let mut context = Context::with_env(Arc::new(env));
    context.add_function(TIME_TEXT, time_text).expect("the language has no function of this name");
    context
        .add_function("lower", |This(text): This<Arc<String>>| text.to_lowercase())
        .expect("the language has no function of this name");
    context
}

/// The text that a call cannot read whoever is asked about, and what it reads: a time, a number, a regular expression.
pub(super) fn unreadable(call: &CallExpr) -> Option<(&str, &'static str)> {
    let help = match call.func_name.as_str() {
        "timestamp" => "write it as timestamp(\"2026-03-01T09:00:00Z\"), or date(\"2026-03-01\")",
        "duration" => "write it as duration(\"720h\") or duration(\"90m\")",
        "int" | "uint" | "double" => "a number is written with digits, as in 40 or 1.5",
        "matches" => "it is not a regular expression; .contains() finds a text as it is",
        _ => return None,
    };
    let Some(IdedExpr { expr: Expr::Literal(LiteralValue::String(text)), .. }) = call.args.last() else {
        return None;
    };
    let literal = |text: &str| IdedExpr {
        id: 0,
        expr: Expr::Literal(LiteralValue::String(CelString::from(text.to_owned()))),
    };
    let mut alone =
        CallExpr { func_name: call.func_name.clone(), target: None, args: vec![literal(text.inner())] };
    if call.func_name == "matches" {
        alone.target = Some(Box::new(literal("")));
    }
    let alone = IdedExpr { id: 0, expr: Expr::Call(alone) };
    Value::resolve_val(&alone, &context()).is_err().then_some((text.inner(), help))
}

fn time_text(text: Arc<String>) -> Result<Value, ExecutionError> {
    let at = parse_time(&text).ok_or_else(|| ExecutionError::function_error("date", "not a date"))?;
    Ok(Value::from(at.to_string()))
}
