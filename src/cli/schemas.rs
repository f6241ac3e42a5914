//! The JSON Schemas of what `--json` prints, made from the types that print it. The others in `docs/schemas/` describe outputs
//! that are made field by field; `tests/it/schemas.rs` holds all of them to real output.

use std::{fs, path::Path};

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};

use super::{
    approve, bounces, doctor,
    json::{ErrorReport, Versioned},
    send, status, work,
};

/// What `mimeo status --json` prints: all dispatches, one, none yet, or what is recorded for an address.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum Status {
    All(Vec<Entry>),
    Issue(Versioned<status::StatusReport<'static>>),
    NeverOpened(Versioned<status::Unsent<'static>>),
    Address(Versioned<status::PersonStatus<'static>>),
}

/// One issue in the list of all: one that is scheduled was never opened.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum Entry {
    Opened(Versioned<status::StatusReport<'static>>),
    Scheduled(Versioned<status::Unsent<'static>>),
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

fn schema<T: JsonSchema>(title: &str) -> Schema {
    let mut schema = generator().into_root_schema_for::<T>();
    schema.remove("description");
    schema.insert("title".to_owned(), title.into());
    schema
}

#[test]
fn the_schemas_in_the_documentation_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas");
    for (name, schema) in [
        ("approve", schema::<Versioned<approve::Approved<'_>>>("The output of `mimeo approve --json`")),
        ("bounces", schema::<Versioned<bounces::Message<'_>>>("One line of `mimeo bounces --json`")),
        ("doctor", schema::<Versioned<doctor::Report<'_>>>("The output of `mimeo doctor --json`")),
        (
            "error",
            schema::<Versioned<ErrorReport>>("What every command prints that fails and was asked for JSON"),
        ),
        ("send", schema::<Versioned<send::SendReport<'_>>>("The output of `mimeo send --json`")),
        ("work", schema::<Versioned<work::Line<'_>>>("One line of `mimeo work --json`")),
        ("status-watch", schema::<Versioned<status::Tick<'_>>>("One line of `mimeo status --watch --json`")),
        ("status", schema::<Status>("The output of `mimeo status --json`")),
    ] {
        let path = folder.join(format!("{name}.schema.json"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("MIMEO_BLESS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(there == text, "{} is stale: run this test with MIMEO_BLESS=1", path.display());
    }
}
