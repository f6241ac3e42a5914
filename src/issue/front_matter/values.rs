//! What a front matter says, as values.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{issue::placeholder::Phrase, source::Span};

/// The fields above an issue's text: YAML between lines of dashes, TOML between lines of `+++`, or plain
/// `Key: value` lines.
///
/// Names are compared without regard to case, and `-` or a space counts as `_`. `lang` is another name for
/// `language`; `description`, `summary`, `preview` and `excerpt` (in this order) serve as the preheader of an issue
/// that has none, and stay in `fields`. Placeholders are allowed in `subject` and `preheader`. The title holds none:
/// it is the same for all readers and names the issue in archives and reports.
#[derive(Clone, Debug, Default)]
pub struct FrontMatter {
    /// `title`, or the first heading of the text. Plain text.
    pub title: String,
    /// `subject`; the title when it is not given.
    pub subject: Phrase,
    /// `preheader`: the line that inboxes show behind the subject.
    pub preheader: Phrase,
    /// `number` of the edition.
    pub number: Option<u32>,
    /// `date` of the edition (`2022-12-30`, or a full timestamp of which the day counts here).
    pub date: Option<Date>,
    /// `author`
    pub author: Option<String>,
    /// `template`: the name of a file in `templates/`, without `.mjml`.
    pub template: Option<String>,
    /// `draft`: never sent to the list.
    pub draft: bool,
    /// `language`: a BCP 47 tag such as `en` or `ar`; also gives the writing direction.
    pub language: Option<String>,
    /// `pictures`: `inside` the letter or at the newsletter's `site`.
    pub pictures: Option<String>,
    /// `design`: colors, font stack, width, logo, as in `mimeo.toml`'s `[design]`, for this issue only.
    pub design: BTreeMap<String, Value>,
    /// `topics`: only readers who want one of them get the issue; none is for everybody.
    pub topics: Vec<String>,
    /// Everything else, for the template as `{{ issue.NAME }}`.
    pub fields: BTreeMap<String, Value>,
    /// Where each key is in the file, for diagnostics of later steps.
    pub spans: BTreeMap<String, Span>,
}

/// A value from a front matter or from `mimeo.toml`, for templates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// A text; dates too, as written.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// Names and values.
    Map(BTreeMap<String, Value>),
}
