//! Text that waits for its neighbors, because a bare address or a mark can reach across several events.

use crate::{
    issue::{
        masking::MaskedText,
        quotes::{OpenQuotes, Quotes},
    },
    source::Span,
};

/// One event of text.
pub(super) struct Stretch {
    /// Where it is in the file.
    pub(super) span: Span,
    /// As readers see it.
    pub(super) shown: String,
    /// The author's spelling of what smart punctuation has changed.
    pub(super) smart: Option<String>,
}

/// Gives the quotation marks of a language to those that smart punctuation has made.
pub(super) fn localize(
    stretches: &mut [Stretch],
    quotes: Quotes,
    open: &mut OpenQuotes,
    masked: &MaskedText,
) {
    for stretch in stretches.iter_mut().filter(|stretch| stretch.smart.is_some()) {
        let mut marks = stretch.shown.chars();
        let (Some(mark @ ('“' | '”' | '‘' | '’')), None) = (marks.next(), marks.next()) else {
            continue;
        };
        let (start, end) = (stretch.span.start - masked.base, stretch.span.end - masked.base);
        let before = masked.text.get(..start).and_then(|text| text.chars().next_back());
        let behind = masked.text.get(end..).and_then(|text| text.chars().next());
        // Marks of Markdown are no letters: a word may begin behind them.
        let behind = behind.filter(|c| !"*_~`[".contains(*c)).or(behind.map(|_| 'x'));
        stretch.shown = quotes.shown(mark, (before, behind), open).to_owned();
    }
}

/// Stretches as one text, in the author's spelling: smart punctuation would have changed `--` in addresses.
pub(super) struct JoinedText {
    pub(super) raw: String,
    /// Where each stretch begins in `raw`.
    stretches: Vec<(usize, Stretch)>,
}

impl JoinedText {
    pub(super) fn new(stretches: Vec<Stretch>) -> Self {
        let mut raw = String::new();
        let join = |stretch: Stretch| {
            let start = raw.len();
            raw.push_str(stretch.smart.as_deref().unwrap_or(&stretch.shown));
            (start, stretch)
        };
        let stretches = stretches.into_iter().map(join).collect();
        Self { raw, stretches }
    }

    /// The stretch that holds a place in `raw`, by its index.
    fn index(&self, at: usize) -> usize {
        self.stretches.partition_point(|(start, _)| *start <= at).saturating_sub(1)
    }

    /// Where a place in `raw` is in the file.
    pub(super) fn place(&self, at: usize) -> usize {
        self.stretches.get(self.index(at)).map_or(0, |(start, stretch)| stretch.span.start + (at - start))
    }

    /// The same, not behind the end of its stretch.
    pub(super) fn place_within(&self, at: usize) -> usize {
        let end = self.stretches.get(self.index(at)).map_or(0, |(_, stretch)| stretch.span.end);
        self.place(at).min(end)
    }

    /// A part of `raw` as readers see it.
    pub(super) fn shown(&self, span: Span) -> String {
        let mut out = String::new();
        let first = self.index(span.start);
        for (index, (at, stretch)) in self.stretches.iter().enumerate().skip(first) {
            if *at >= span.end {
                break;
            }
            let end = self.stretches.get(index + 1).map_or(self.raw.len(), |(next, _)| *next);
            if stretch.smart.is_none() {
                out.push_str(&self.raw[span.start.max(*at)..span.end.min(end)]);
            } else if *at >= span.start {
                out.push_str(&stretch.shown);
            }
        }
        out
    }
}
