//! The names that grammars give to parts of a program.

const COMMENT: Option<usize> = Some(0);
const KEYWORD: Option<usize> = Some(1);
const STRING: Option<usize> = Some(2);
const NUMBER: Option<usize> = Some(3);
const FUNCTION: Option<usize> = Some(4);
const TYPE: Option<usize> = Some(5);

/// The names that grammars give to parts of a program, with their roles. A name stands for longer ones too, as in
/// `string.special.url`, unless one of those is listed.
pub(super) const CAPTURES: [(&str, Option<usize>); 46] = [
    // First, because of names that match equally well the first one is taken: `keyword.function`, `keyword.type`.
    ("keyword", KEYWORD),
    ("attribute", TYPE),
    ("boolean", NUMBER),
    ("character", STRING),
    ("charset", KEYWORD),
    ("comment", COMMENT),
    ("conditional", KEYWORD),
    ("constant", NUMBER),
    ("constructor", TYPE),
    ("delimiter", None),
    ("embedded", None),
    ("escape", NUMBER),
    ("exception", KEYWORD),
    ("field", None),
    ("float", NUMBER),
    ("function", FUNCTION),
    ("import", KEYWORD),
    ("include", KEYWORD),
    ("keyframes", KEYWORD),
    ("keyword.operator", None),
    ("label", None),
    ("markup.heading", FUNCTION),
    ("markup.link", STRING),
    ("markup.raw", STRING),
    ("media", KEYWORD),
    ("method", FUNCTION),
    ("module", None),
    ("namespace", None),
    ("number", NUMBER),
    ("operator", None),
    ("parameter", None),
    ("preproc", KEYWORD),
    ("property", None),
    ("punctuation", None),
    ("repeat", KEYWORD),
    ("storageclass", KEYWORD),
    ("string", STRING),
    ("string.escape", NUMBER),
    ("supports", KEYWORD),
    ("tag", TYPE),
    ("text.literal", STRING),
    ("text.reference", STRING),
    ("text.title", FUNCTION),
    ("text.uri", STRING),
    ("type", TYPE),
    ("variable", None),
];
