//! Tables on a phone: those with few cells become rows with labels where a client can do that, and the others can be moved
//! sideways and say so.

use crate::render::design::Design;

/// Which kinds of wide tables a letter has.
#[derive(Clone, Copy)]
pub(super) struct Wide {
    /// Some can be moved sideways.
    pub(super) scroll: bool,
    /// Some become rows with labels.
    pub(super) stack: bool,
}

/// Their rules for the head.
pub(super) fn rules(wide: Wide, design: &Design) -> String {
    let mut rules = String::new();
    if wide.scroll {
        rules.push_str(&format!(
            ".W{{max-width:{column}px;overflow-x:auto}}.W td,.W th{{word-break:normal}}\
             @media only screen and (max-width:480px){{.W{{max-width:calc(100vw - 48px)}}.W table{{min-width:{table}px}}.X table{{min-width:{many}px}}\
             .w{{display:block!important;max-height:none!important}}}}",
            column = design.column(),
            table = design.column().min(440),
            many = design.column().max(640)
        ));
    }
    if wide.stack {
        // The clients that know this condition also write a label before a cell; the others let the table be moved.
        rules.push_str(&format!(
            "@media only screen and (max-width:480px) and (-webkit-min-device-pixel-ratio:1){{\
             .S table{{min-width:0!important}}.S table,.S tbody,.S tr,.S td{{display:block!important}}.S thead,.S+.w{{display:none!important}}\
             .S tr{{padding:8px 0;border-bottom:1px solid {rule}}}\
             .S td{{border:0!important;padding:2px 0!important;text-align:start!important}}\
             .S td[data-l]{{padding-inline-start:42%!important;overflow:hidden}}\
             .S td[data-l]:before{{content:attr(data-l);float:inline-start;width:65%;margin-inline-start:-72.4%;opacity:.75}}}}",
            rule = design.light.rule
        ));
    }
    rules
}
