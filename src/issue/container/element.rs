//! One container: its opening line, its arguments, and what is between its lines.

use crate::{
    issue::{
        attributes::{Attributes, arguments, checks::unknown},
        context::Context,
        document::{Block, BlockKind, Inlines},
        inline::words,
        masking::Marker,
        node::Node,
        placeholder::Phrase,
    },
    source::{Span, nearest},
};

/// What there is to know about the containers of one name.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// The arguments that it takes; `""` is a text in quotes.
    pub(super) arguments: &'static [&'static str],
    /// Makes its block; none for a part of another container.
    pub(super) build: Option<fn(&mut Context<'_>, Container) -> Built>,
}

/// A container's block; when it cannot be made, its blocks.
pub(super) type Built = Result<BlockKind, Vec<Block>>;

/// A container whose end has been found.
pub(super) struct Container {
    pub(super) kind: &'static Kind,
    /// The name in its opening line.
    name_span: Span,
    pub(super) arguments: Attributes,
    /// The opening line.
    pub(super) line: Span,
    pub(super) children: Vec<Node>,
}

impl Container {
    /// The blocks between its lines; columns are at home in `::: columns` only.
    pub(super) fn take_blocks(&mut self, context: &mut Context<'_>) -> Vec<Block> {
        let children = std::mem::take(&mut self.children);
        blocks_of(context, children)
    }

    /// The place of the text in quotes, or of the key that means the same.
    pub(super) fn text(&self, key: &str) -> Option<Span> {
        self.arguments.positional.first().cloned().or_else(|| self.arguments.key(key))
    }

    /// The words of an argument.
    pub(super) fn words(&self, context: &mut Context<'_>, span: Option<Span>) -> Option<Inlines> {
        span.map(|span| words(context, span)).filter(|words| !words.is_empty())
    }

    /// The plain text of an argument.
    pub(super) fn plain(&self, context: &mut Context<'_>, span: Option<Span>) -> Option<String> {
        let span = span?;
        let text = context.text(&span).replace("\\\"", "\"").replace("\\'", "'");
        if text.contains("{{") {
            context.error(
                "M208",
                span,
                format!("a placeholder is not allowed in this argument of `::: {}`", self.kind.name),
                "it is needed when the issue is built, before there is a reader; write it out",
            );
        }
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// An address in an argument; it may hold placeholders.
    pub(super) fn address(&self, context: &mut Context<'_>, key: &str) -> Option<Phrase> {
        let span = self.arguments.key(key)?;
        let phrase = context.span_phrase(span);
        (!phrase.is_empty()).then_some(phrase)
    }

    /// What is wrong with it, at its name.
    pub(super) fn wrong(
        &self,
        context: &mut Context<'_>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        context.error("M133", self.name_span.clone(), message, help);
    }
}

/// The blocks of nodes; a column among them is reported.
pub(super) fn blocks_of(context: &mut Context<'_>, nodes: Vec<Node>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for node in nodes {
        match node {
            Node::Block(block, _) => blocks.push(block),
            Node::Column(span, inner, _) => {
                column_outside(context, span);
                blocks.extend(inner);
            }
            Node::Marker(_) => {}
        }
    }
    blocks
}

/// `::: column` that is in no `::: columns`.
pub(super) fn column_outside(context: &mut Context<'_>, span: Span) {
    let line = span.start
        ..span.start + context.source.text()[span].lines().next().unwrap_or_default().trim_end().len();
    context.error(
        "M133",
        line,
        "a column is outside of `::: columns`",
        "put a line with `:::: columns` above the first column and one with `::::` below the last",
    );
}

/// Reads an opening line; an unknown name gives the children back.
pub(super) fn open(
    context: &mut Context<'_>,
    marker: &Marker,
    kinds: &'static [Kind],
    children: Vec<Node>,
) -> Result<Container, Vec<Node>> {
    let text = context.source.text();
    let words = text[marker.span.clone()].trim_end_matches(':');
    let words_end = marker.span.start + words.trim_end().len();
    let after = marker.span.start + marker.colons;
    let rest = text.get(after..words_end.max(after)).unwrap_or_default();
    let start = after + rest.len() - rest.trim_start().len();
    let rest = rest.trim_start();
    // Pandoc's braces: the first class is the name.
    let braced = rest.strip_prefix('{').map(|inner| {
        let inner = inner.trim_start();
        inner.strip_prefix('.').unwrap_or(inner)
    });
    let name_text = braced.unwrap_or(rest);
    let name_start = start + rest.len() - name_text.len();
    let length =
        name_text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(name_text.len());
    let written = &name_text[..length];
    let name_span = name_start..name_start + length.max(1).min(words_end.saturating_sub(name_start).max(1));
    let normal = written.to_lowercase().replace(['-', '_'], "");
    let known = match normal.as_str() {
        "postscript" => "ps",
        "contents" | "tableofcontents" => "toc",
        "button" => "buttons",
        other => other,
    };
    let Some(kind) = kinds.iter().find(|kind| kind.name == known) else {
        let help = match nearest(&normal, kinds.iter().map(|kind| kind.name)) {
            Some(known) => format!("did you mean `::: {known}`?"),
            None => {
                let names: Vec<_> = kinds.iter().map(|kind| kind.name).collect();
                format!("the containers are {}; write `\\:::` for colons that readers see", names.join(", "))
            }
        };
        let message = if written.is_empty() {
            "a container needs a name".to_owned()
        } else {
            format!("unknown container `{written}`")
        };
        context.error("M130", name_span, message, help);
        return Err(children);
    };
    let arguments = arguments(&name_text[length..], name_start + length);
    Ok(Container { kind, name_span, arguments, line: marker.span.clone(), children })
}

/// Reports arguments that nothing is done with.
pub(super) fn check_arguments(context: &mut Context<'_>, container: &Container) {
    let known = container.kind.arguments;
    let owner = format!("`::: {}`", container.kind.name);
    let named: Vec<&str> = known.iter().copied().filter(|name| !name.is_empty()).collect();
    for key in container.arguments.keys.iter().filter(|key| !known.contains(&key.name.as_str())) {
        unknown(context, &key.name, &owner, key.span.clone(), &named);
    }
    for (class, span) in &container.arguments.classes {
        unknown(context, &format!(".{class}"), &owner, span.clone(), &[]);
    }
    let texts = usize::from(known.contains(&""));
    for span in container.arguments.positional.iter().skip(texts) {
        let text = context.text(span).to_owned();
        unknown(context, &text, &owner, span.clone(), &named);
    }
}

/// Reports a block in a container that does not belong there.
pub(super) fn stranger(context: &mut Context<'_>, block: &Block, owner: &str, help: &str) {
    let span = context.first_line(&block.span);
    context.error("M133", span, format!("{} does not belong in `::: {owner}`", name(&block.kind)), help);
}

fn name(kind: &BlockKind) -> &'static str {
    match kind {
        BlockKind::Heading { .. } => "a heading",
        BlockKind::Paragraph(_) => "a paragraph",
        BlockKind::List { .. } => "a list",
        BlockKind::Quote(_) => "a quote",
        BlockKind::Figure(_) | BlockKind::Gallery(_) => "a picture",
        BlockKind::Table { .. } => "a table",
        BlockKind::Code { .. } => "a code block",
        BlockKind::Math(_) => "a formula",
        BlockKind::Divider => "a divider",
        BlockKind::Buttons(_) => "a button",
        BlockKind::Video(_) => "a video",
        BlockKind::Post(_) => "a post",
        BlockKind::Html(_) => "raw HTML",
        _ => "this block",
    }
}
