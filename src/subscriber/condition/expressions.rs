//! Expressions that are made here, and not parsed.

use cel::{
    IdedExpr,
    common::{
        ast::{CallExpr, Expr, LiteralValue, SelectExpr, operators},
        types::CelString,
    },
};

use super::field_names::LISTS;
use crate::subscriber::normalize::normalize;

/// `FIELD=VALUE`: the field's normalized name, and the value without quotation marks around it.
pub(super) fn field_and_value(text: &str) -> Option<(String, &str)> {
    let (field, value) = text.split_once('=')?;
    let field = field.trim();
    let field = field.strip_prefix("subscriber.").unwrap_or(field);
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.');
    let name = normalize(field);
    if value.starts_with('=') || name.is_empty() || !field.chars().all(is_name) {
        return None;
    }
    let value = value.trim();
    let inner = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    Some((name, inner.unwrap_or(value)))
}

/// The expression that `FIELD=VALUE` stands for: for a list of words whether it holds the value.
pub(super) fn equality(field: &str, value: &str) -> IdedExpr {
    let literal =
        IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::String(CelString::from(value.to_owned()))) };
    let ident = select(field);
    let (operator, args) = if LISTS.contains(&field) {
        (operators::IN, vec![literal, ident])
    } else {
        (operators::EQUALS, vec![ident, literal])
    };
    call(0, operator, args)
}

/// `subscriber.FIELD`.
fn select(field: &str) -> IdedExpr {
    let operand = Box::new(IdedExpr { id: 0, expr: Expr::Ident("subscriber".to_owned()) });
    let expr = Expr::Select(SelectExpr { operand, field: field.to_owned(), test: false });
    IdedExpr { id: 0, expr }
}

/// A function or an operator with its operands.
pub(super) fn call(id: u64, function: &str, args: Vec<IdedExpr>) -> IdedExpr {
    IdedExpr { id, expr: Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args }) }
}
