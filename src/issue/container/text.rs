//! Containers that hold blocks of text: columns, callouts, pull quotes, sponsors, P.S., signatures.

use super::element::{Built, Container, stranger};
use crate::issue::{
    context::Context,
    convention,
    document::{AlertKind, Block, BlockKind, Inline, push_inline},
    node::Node,
};

const COLUMNS_MAX: usize = 4;

pub(super) fn columns(context: &mut Context<'_>, mut container: Container) -> Built {
    let mut columns = Vec::new();
    let mut others = Vec::new();
    for child in std::mem::take(&mut container.children) {
        match child {
            Node::Column(_, blocks, _) => columns.push(blocks),
            Node::Block(block, _) => others.push(block),
            Node::Marker(_) => {}
        }
    }
    let help = "put each column's blocks between `::: column` and `:::`";
    others.iter().for_each(|block| stranger(context, block, "columns", help));
    match columns.len() {
        0 => {
            if others.is_empty() {
                container.wrong(context, "`::: columns` has no columns", help);
            }
            return Err(others);
        }
        1 => container.wrong(
            context,
            "`::: columns` has only one column",
            "add a second `::: column`, or take the container out",
        ),
        count if count > COLUMNS_MAX => container.wrong(
            context,
            format!("{count} columns are too many for a letter"),
            "use two to four; a letter is 600 pixels wide",
        ),
        _ => {}
    }
    Ok(BlockKind::Columns(columns))
}

pub(super) fn callout(context: &mut Context<'_>, mut container: Container) -> Built {
    let title_span = container.text("title");
    let title = container.words(context, title_span);
    let kind = match container.kind.name {
        "callout" => {
            let span = container.arguments.key("kind");
            let word = span.clone().map(|span| context.source.text()[span].to_owned());
            match (word.as_deref().map(convention::alert_kind), span) {
                (Some(Some(kind)), _) => kind,
                (Some(None), Some(span)) => {
                    context.error(
                        "M134",
                        span,
                        format!("unknown kind of callout `{}`", word.unwrap_or_default()),
                        "the kinds are note, tip, important, warning and caution; leave `kind` out for a plain one",
                    );
                    AlertKind::Callout
                }
                _ => AlertKind::Callout,
            }
        }
        name => convention::alert_kind(name).unwrap_or(AlertKind::Callout),
    };
    let blocks = container.take_blocks(context);
    if blocks.is_empty() {
        empty(context, &container);
    }
    Ok(BlockKind::Alert { kind, title, blocks })
}

fn empty(context: &mut Context<'_>, container: &Container) {
    let name = container.kind.name;
    container.wrong(
        context,
        format!("`::: {name}` is empty"),
        "write its text below this line, or take it out",
    );
}

pub(super) fn pullquote(context: &mut Context<'_>, mut container: Container) -> Built {
    let by_span = container.arguments.key("by");
    let by = container.words(context, by_span);
    let positional = container.arguments.positional.first().cloned();
    let words = container.words(context, positional.clone());
    let mut blocks = container.take_blocks(context);
    if let (Some(words), Some(span)) = (words, positional) {
        blocks.insert(0, Block { span, kind: BlockKind::Paragraph(words) });
    }
    // `> quoted` within is what people write too.
    if let [Block { kind: BlockKind::Quote(_), .. }] = blocks.as_slice()
        && let Some(Block { kind: BlockKind::Quote(quote), .. }) = blocks.pop()
    {
        let mut quote = quote;
        quote.by = by.or(quote.by);
        return Ok(BlockKind::PullQuote(quote));
    }
    if blocks.is_empty() {
        empty(context, &container);
        return Err(blocks);
    }
    let mut quote = convention::signed(blocks);
    if quote.by.is_some() && by.is_some() {
        container.wrong(
            context,
            "this pull quote names its author twice",
            "keep `by=` or the line with the dash",
        );
    }
    quote.by = by.or(quote.by);
    Ok(BlockKind::PullQuote(quote))
}

pub(super) fn sponsor(context: &mut Context<'_>, mut container: Container) -> Built {
    let span = container.text("label");
    let label = container.plain(context, span);
    let blocks = container.take_blocks(context);
    if blocks.is_empty() {
        empty(context, &container);
    }
    Ok(BlockKind::Sponsor { label, blocks })
}

/// The words "P.S." belong to the text: they are put there when the author left them to the container.
pub(super) fn postscript(context: &mut Context<'_>, mut container: Container) -> Built {
    let mut blocks: Vec<Block> = Vec::new();
    for block in container.take_blocks(context) {
        match block.kind {
            // "P.S." within `::: ps` was found before.
            BlockKind::PostScript(inner) => blocks.extend(inner),
            _ => blocks.push(block),
        }
    }
    match blocks.first_mut() {
        None => {
            empty(context, &container);
            return Err(blocks);
        }
        Some(Block { kind: BlockKind::Paragraph(words), .. }) => {
            if !convention::begins_postscript(words) {
                let mut marked =
                    vec![Inline::Strong(vec![Inline::Text("P.S.".into())]), Inline::Text(" ".into())];
                std::mem::take(words).into_iter().for_each(|word| push_inline(&mut marked, word));
                *words = marked;
            }
        }
        Some(block) => {
            let mark = vec![Inline::Strong(vec![Inline::Text("P.S.".into())])];
            let span = block.span.start..block.span.start;
            blocks.insert(0, Block { span, kind: BlockKind::Paragraph(mark) });
        }
    }
    Ok(BlockKind::PostScript(blocks))
}

pub(super) fn signature(context: &mut Context<'_>, mut container: Container) -> Built {
    let blocks = container.take_blocks(context);
    if blocks.is_empty() {
        empty(context, &container);
        return Err(blocks);
    }
    Ok(BlockKind::Signature(blocks))
}
