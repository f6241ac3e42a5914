//! Files become a checked template: includes are put in, components, places and attributes looked at.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use super::{checked::Template, rules, shipped::shipped};
use crate::{
    assets::TextFolder,
    issue::Value,
    render::mjml::{Node, NodeKind, read},
    source::{Diagnostic, Diagnostics, Place, Severity, Source, nearest},
};

/// Includes within includes deeper than this are refused.
const DEPTH_MAX: usize = 8;

/// No template is longer than this, all includes together, in bytes.
const BYTES_MAX: usize = 1_000_000;

struct Loader<'a> {
    folder: TextFolder<'a>,
    sources: Vec<Source>,
    bytes: usize,
    diagnostics: Diagnostics,
}

impl Template {
    /// Reads `name`.mjml and what it includes from the folder of templates in a newsletter's folder; nothing outside of the
    /// latter is read. Reads from those that ship with the
    /// program when the folder does not have it. `Err` holds at least one error, and everything else that was noticed.
    ///
    /// # Errors
    ///
    /// What is wrong with the template, with its places.
    pub fn load(folder: &Path, name: &str) -> Result<Self, Diagnostics> {
        load(folder, name)
    }
}

fn load(folder: &Path, name: &str) -> Result<Template, Diagnostics> {
    let mut loader =
        Loader { folder: TextFolder::new(folder), sources: Vec::new(), bytes: 0, diagnostics: Vec::new() };
    let file = PathBuf::from(format!("{name}.mjml"));
    let is_name =
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let source = if is_name { loader.open(&file) } else { Err("no such template".to_owned()) };
    let source = match source {
        Ok(source) => source,
        Err(problem) => {
            let place = Place::File { path: folder.join(&file) };
            let names = loader.names();
            // `default` is another name for one of them.
            let help = match nearest(name, names.iter().map(String::as_str).chain(["default"])) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known names: {}", names.join(", ")),
            };
            let message = format!("template `{name}` cannot be read: {problem}");
            return Err(vec![Diagnostic::at("M220", Severity::Error, place, message).help(help)]);
        }
    };
    let mut nodes = read(&source, 0..source.text().len(), &mut loader.diagnostics);
    let (design, design_place) = loader.design(&mut nodes);
    let nodes = loader.include(nodes, &mut vec![file]);
    rules::check(&source, &nodes, &mut loader.diagnostics);
    loader.diagnostics.sort_by_key(place_key);
    if loader.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(loader.diagnostics);
    }
    Ok(Template {
        name: name.to_owned(),
        diagnostics: loader.diagnostics,
        sources: loader.sources,
        nodes,
        design,
        design_place,
    })
}

fn place_key(diagnostic: &Diagnostic) -> (PathBuf, u32, u32) {
    match &diagnostic.place {
        Place::Text { path, start, .. } => (path.clone(), start.line, start.column),
        Place::File { path } | Place::Row { path, .. } => (path.clone(), 0, 0),
    }
}

impl Loader<'_> {
    /// The templates there are, by name.
    fn names(&self) -> Vec<String> {
        let mut names = self.folder.names(".mjml");
        names.extend(super::shipped::SHIPPED.map(|(name, _)| name.to_owned()));
        names.sort();
        names.dedup();
        names
    }

    /// Opens a file below the folder, or a shipped one of that path.
    fn open(&mut self, path: &Path) -> Result<Source, String> {
        let text = match self.folder.read(path, BYTES_MAX)? {
            Some(text) => text,
            None => {
                let name = path.to_string_lossy().replace('\\', "/");
                shipped(&name).ok_or("file not found")?.to_owned()
            }
        };
        self.bytes += text.len();
        if self.bytes > BYTES_MAX {
            return Err(format!("the template is longer than {BYTES_MAX} bytes with what it includes"));
        }
        let text = text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned);
        let source = Source::new(self.folder.path(path), text);
        self.sources.push(source.clone());
        Ok(source)
    }

    /// Takes the `mimeo:design` out of a file: TOML in a comment.
    fn design(&mut self, nodes: &mut Vec<Node>) -> (BTreeMap<String, Value>, Option<Place>) {
        let mut found = None;
        take_design(nodes, &mut found);
        let Some((node, text)) = found else { return (BTreeMap::new(), None) };
        let place = node.source.place(node.span.clone());
        match toml::from_str::<BTreeMap<String, Value>>(&text) {
            Ok(design) => (design, Some(place)),
            Err(error) => {
                let message = format!("the design is not TOML: {}", error.message());
                self.diagnostics.push(
                    Diagnostic::error("M221", &node.source, node.span.clone(), message)
                        .help("write for example: accent = \"#9a3412\""),
                );
                (BTreeMap::new(), None)
            }
        }
    }

    /// Puts files in the place of `mj-include`.
    fn include(&mut self, nodes: Vec<Node>, path: &mut Vec<PathBuf>) -> Vec<Node> {
        let mut out = Vec::new();
        for mut node in nodes {
            match &mut node.kind {
                NodeKind::Element { name, attributes, .. } if name == "mj-include" => {
                    let wanted = attributes.iter().find(|attribute| attribute.name == "path");
                    let kind = attributes.iter().find(|attribute| attribute.name == "type");
                    let (wanted, kind) = (wanted.map(|a| a.value.clone()), kind.map(|a| a.value.clone()));
                    match self.included(wanted.as_deref(), kind.as_deref(), path) {
                        Ok(mut nodes) => out.append(&mut nodes),
                        Err((message, help)) => self.diagnostics.push(
                            Diagnostic::error("M222", &node.source, node.span.clone(), message).help(help),
                        ),
                    }
                }
                NodeKind::Element { children, .. } => {
                    *children = self.include(std::mem::take(children), path);
                    out.push(node);
                }
                NodeKind::Raw { .. } | NodeKind::Directive(_) => out.push(node),
            }
        }
        out
    }

    fn included(
        &mut self,
        wanted: Option<&str>,
        kind: Option<&str>,
        stack: &mut Vec<PathBuf>,
    ) -> Result<Vec<Node>, (String, String)> {
        let help = "the path is taken from the file that includes, for example path=\"partials/footer.mjml\"";
        let wanted = wanted.map(str::trim).filter(|path| !path.is_empty());
        let Some(wanted) = wanted else { return Err(("the include has no path".into(), help.into())) };
        let from = stack.last().and_then(|path| path.parent()).unwrap_or(Path::new(""));
        let Some(path) = inside(from, Path::new(wanted)) else {
            return Err((format!("`{wanted}` leads out of the folder of templates"), help.into()));
        };
        if stack.contains(&path) {
            return Err((format!("`{wanted}` includes itself"), "take one of the includes out".into()));
        }
        if stack.len() > DEPTH_MAX {
            return Err((
                "includes are nested too deeply".into(),
                format!("no letter needs more than {DEPTH_MAX} levels"),
            ));
        }
        let source = self
            .open(&path)
            .map_err(|problem| (format!("`{wanted}` cannot be included: {problem}"), help.into()))?;
        let whole = 0..source.text().len();
        let raw = |name: &str| Node {
            source: source.clone(),
            span: 0..0,
            kind: NodeKind::Raw { name: name.into(), attributes: Vec::new(), content: whole.clone() },
        };
        match kind.unwrap_or("mjml") {
            "css" => Ok(vec![raw("mj-style")]),
            "html" => Ok(vec![raw("mj-raw")]),
            "mjml" => {
                let mut nodes = read(&source, whole, &mut self.diagnostics);
                self.design(&mut nodes);
                stack.push(path);
                let nodes = self.include(unwrapped(nodes), stack);
                stack.pop();
                Ok(nodes)
            }
            other => Err((format!("unknown include type `{other}`"), "known types: mjml, css, html".into())),
        }
    }
}

/// A part that is a whole document gives what is in its head or body, whichever it has.
fn unwrapped(nodes: Vec<Node>) -> Vec<Node> {
    nodes
        .into_iter()
        .flat_map(|node| match node.kind {
            NodeKind::Element { name, children, .. }
                if matches!(name.as_str(), "mjml" | "mj-body" | "mj-head") =>
            {
                unwrapped(children)
            }
            _ => vec![node],
        })
        .collect()
}

fn take_design(nodes: &mut Vec<Node>, found: &mut Option<(Node, String)>) {
    nodes.retain(|node| match &node.kind {
        NodeKind::Directive(words) => {
            let Some(text) =
                words.strip_prefix("design").filter(|rest| rest.starts_with(char::is_whitespace))
            else {
                return true;
            };
            *found = Some((node.clone(), text.to_owned()));
            false
        }
        _ => true,
    });
    for node in nodes {
        if let NodeKind::Element { children, .. } = &mut node.kind {
            take_design(children, found);
        }
    }
}

/// `path` as seen from `from`, if it stays inside.
fn inside(from: &Path, path: &Path) -> Option<PathBuf> {
    let mut out = from.to_path_buf();
    for component in path.components() {
        match component {
            Component::Normal(name) => out.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}
