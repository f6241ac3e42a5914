//! Values on their way into a letter.

use std::borrow::Cow;

use crate::{
    issue::{Filter, Placeholder},
    render::Escape,
};

/// Whether a placeholder says what stands for an empty value.
pub(super) fn has_default(placeholder: &Placeholder) -> bool {
    placeholder.filters.iter().any(|filter| matches!(filter, Filter::Default(_)))
}

/// Most values need no escaping anywhere: letters, digits and a few signs.
pub(super) fn escaped(escape: Escape, value: Cow<'_, str>) -> Cow<'_, str> {
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let plain = |byte: &u8| {
        harmless(byte) || matches!(byte, b' ' | b',' | b'@' | b'/' | b':' | b'?' | b'=' | b'%' | b'+')
    };
    let is_safe = match escape {
        Escape::UrlPart => value.bytes().all(|byte| harmless(&byte)),
        Escape::Url => value.starts_with("https://") && value.bytes().all(|byte| plain(&byte)),
        Escape::Text | Escape::Html | Escape::Attribute | Escape::Header => {
            value.bytes().all(|byte| plain(&byte))
        }
    };
    if is_safe { value } else { Cow::Owned(escape.apply(&value)) }
}
