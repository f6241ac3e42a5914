//! No two files of a module use each other, directly or through others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::support::project::repository;

/// A file by its path in the crate, such as `issue::html::block`.
type File = String;

/// The modules that have a folder.
fn modules() -> Vec<String> {
    let entries = fs::read_dir(repository().join("src")).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// The files of a module, with their code.
fn files(module: &str) -> BTreeMap<File, String> {
    let root = repository().join("src");
    let mut files = BTreeMap::new();
    let mut waiting = vec![(module.to_owned(), root.join(format!("{module}.rs")))];
    while let Some((name, path)) = waiting.pop() {
        if let Ok(folder) = fs::read_dir(path.with_extension("")) {
            for entry in folder {
                let path = entry.unwrap().path();
                let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
                if path.extension().is_some_and(|ending| ending == "rs") && stem != "tests" {
                    waiting.push((format!("{name}::{stem}"), path));
                }
            }
        }
        let text = fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        files.insert(name, code.collect::<Vec<_>>().join("\n"));
    }
    files
}

/// The paths of a `use` declaration, groups taken apart.
fn paths(declaration: &str) -> Vec<String> {
    let declaration = declaration.trim();
    let Some((before, group)) = declaration.split_once('{') else {
        return declaration.split(" as ").take(1).map(str::to_owned).collect();
    };
    let mut depth = 0;
    let group = group.strip_suffix('}').unwrap_or(group);
    let members = group.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let members = members.map(str::trim).filter(|member| !member.is_empty());
    members.flat_map(|member| paths(&format!("{before}{member}"))).collect()
}

/// A path as it is seen from the root of the crate.
fn from_root(path: &str, file: &str) -> String {
    let mut around: Vec<&str> = file.split("::").collect();
    let mut path = path;
    if let Some(rest) = path.strip_prefix("crate::") {
        return rest.to_owned();
    }
    path = path.strip_prefix("self::").unwrap_or(path);
    while let Some(rest) = path.strip_prefix("super::") {
        around.pop();
        path = rest;
    }
    format!("{}::{path}", around.join("::"))
}

/// The other files that a file names, in `use` and elsewhere.
fn used<'f>(file: &str, code: &str, files: &'f BTreeMap<File, String>) -> BTreeSet<&'f str> {
    // `pub(in crate::issue)` says who may use something; it uses nothing.
    let code = code.replace("(in crate::", "(in ");
    // A macro's `$crate::` is a path of the place where the macro is used.
    let code = code.replace("$crate::", "$");
    let declarations = code.split("use ").skip(1).filter_map(|rest| rest.split_once(';'));
    let mut named: Vec<String> = declarations.flat_map(|(declaration, _)| paths(declaration)).collect();
    for start in ["super::", "crate::"] {
        // The second `super::` of `super::super::` is not the beginning of a path.
        let inline = code.match_indices(start).filter(|(at, _)| !code[..*at].ends_with("::"));
        let inline = inline.map(|(at, _)| &code[at..]);
        let inline = inline.map(|rest| rest.split(|c: char| !(c.is_alphanumeric() || "_:".contains(c))));
        // What ends in `::` is the beginning of a group, which was taken apart above.
        let inline = inline.filter_map(|mut words| words.next()).filter(|path| !path.ends_with("::"));
        named.extend(inline.map(str::to_owned));
    }
    let children = code.split("mod ").skip(1).filter_map(|rest| rest.split_once(';')).map(|(name, _)| name);
    let is_used = |name: &&str| {
        let start = format!("{name}::");
        code.match_indices(&start)
            .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c)))
    };
    named.extend(children.filter(is_used).map(str::to_owned));
    let mut found = BTreeSet::new();
    for path in named {
        let mut path = from_root(&path, file);
        let known = loop {
            match (files.get_key_value(&path), path.rsplit_once("::")) {
                (Some((known, _)), _) => break Some(known.as_str()),
                (None, Some((before, _))) => path = before.to_owned(),
                (None, None) => break None,
            }
        };
        found.extend(known.filter(|known| *known != file));
    }
    found
}

/// What is left of the files when those are taken away, again and again, that use none of the others.
fn circle<'f>(mut uses: BTreeMap<&'f str, BTreeSet<&'f str>>) -> BTreeMap<&'f str, BTreeSet<&'f str>> {
    loop {
        let lowest: Vec<&str> =
            uses.iter().filter(|(_, used)| used.is_empty()).map(|(file, _)| *file).collect();
        if lowest.is_empty() {
            return uses;
        }
        for file in lowest {
            uses.remove(file);
            uses.values_mut().for_each(|used| {
                used.remove(file);
            });
        }
    }
}

fn uses(files: &BTreeMap<File, String>) -> BTreeMap<&str, BTreeSet<&str>> {
    files.iter().map(|(file, code)| (file.as_str(), used(file, code, files))).collect()
}

#[test]
fn no_two_files_of_a_module_use_each_other() {
    let modules = modules();
    assert!(modules.len() > 20, "{modules:?}");
    for module in &modules {
        let files = files(module);
        assert!(files.len() > 1, "{module}: {files:?}");
        let left = circle(uses(&files));
        assert!(left.is_empty(), "{module}: {left:#?}");
    }
}

#[test]
fn a_circle_is_found_in_every_form_of_use() {
    let code = |texts: [&str; 3]| -> BTreeMap<File, String> {
        let names = ["a", "a::b", "a::c"];
        names.into_iter().map(str::to_owned).zip(texts.map(str::to_owned)).collect()
    };
    for (texts, is_circle) in [
        (["mod b;\npub use b::X;", "use super::c::{Y, Z};", "pub struct Y;"], false),
        (["", "use super::{c::Y, d};", "use crate::{a::b::X, e};"], true),
        (["", "use super::c;", "fn x() { super::b::y() }"], true),
        (["use self::b::X;", "use super::Y;", ""], true),
        (["pub use b::X;", "pub(in crate::a) fn x() {}", ""], false),
        (["mod b; fn y() { b::x() }", "use crate::a::y;", ""], true),
        (
            [
                "mod b;\npub use b::X;",
                "fn x() { super::super::d() }",
                "macro_rules! m { () => { $crate::a::X } }",
            ],
            false,
        ),
    ] {
        let files = code(texts);
        assert_eq!(!circle(uses(&files)).is_empty(), is_circle, "{texts:?}");
    }
}
