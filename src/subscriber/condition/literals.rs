//! Words that a condition compares a field with whose words are known: a topic, a status.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

use super::field_names::FIELD;

/// The field, the word and the ID of its place, for each word in a comparison: `"tea" in topics`, `status == "active"`,
/// `status in ["active", "paused"]`.
pub(super) fn compared(call: &CallExpr) -> Vec<(&str, &str, u64)> {
    let [left, right] = call.args.as_slice() else { return Vec::new() };
    match call.func_name.as_str() {
        operators::EQUALS | operators::NOT_EQUALS => match (field(left), field(right)) {
            (Some(name), None) => literal(right).map(|(word, id)| (name, word, id)).into_iter().collect(),
            (None, Some(name)) => literal(left).map(|(word, id)| (name, word, id)).into_iter().collect(),
            _ => Vec::new(),
        },
        operators::IN => match (field(left), field(right), &right.expr) {
            (None, Some(name), _) => literal(left).map(|(word, id)| (name, word, id)).into_iter().collect(),
            (Some(name), None, Expr::List(list)) => {
                list.elements.iter().filter_map(literal).map(|(word, id)| (name, word, id)).collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn field(expr: &IdedExpr) -> Option<&str> {
    match &expr.expr {
        Expr::Ident(name) => name.strip_prefix(FIELD),
        _ => None,
    }
}

fn literal(expr: &IdedExpr) -> Option<(&str, u64)> {
    match &expr.expr {
        Expr::Literal(LiteralValue::String(word)) => Some((word.inner(), expr.id)),
        _ => None,
    }
}
