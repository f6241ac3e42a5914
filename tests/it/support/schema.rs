//! The JSON Schemas of the documentation, and output that has to keep to them.

use std::fs;

use boon::{Compiler, Schemas};
use serde_json::Value;

use super::project::repository;

/// A schema of `docs/schemas`.
pub(crate) fn schema(name: &str) -> Value {
    let path = repository().join(format!("docs/schemas/{name}.schema.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Readers may meet fields that are newer than their schema; our own output may not.
fn closed(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".to_owned(), false.into());
            }
            fields.values_mut().for_each(closed);
        }
        Value::Array(values) => values.iter_mut().for_each(closed),
        _ => {}
    }
}

/// What of an output does not keep to a schema.
pub(crate) fn violation(name: &str, output: &Value) -> Option<String> {
    let mut schema = schema(name);
    closed(&mut schema);
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    compiler.add_resource("schema.json", schema).unwrap();
    let index =
        compiler.compile("schema.json", &mut schemas).unwrap_or_else(|error| panic!("{name}: {error}"));
    schemas.validate(output, index).err().map(|error| format!("{error:#}"))
}

/// Holds an output to a schema.
#[track_caller]
pub(crate) fn hold(name: &str, output: &Value) {
    if let Some(violation) = violation(name, output) {
        panic!("{name}: {violation}\n{output:#}");
    }
}
