//! What MJML knows: components, where they may appear, and their attributes, as far as mrml renders them as the
//! reference does.

/// What is known of a component.
#[derive(Debug)]
pub(crate) struct Component {
    /// The tag.
    pub(crate) name: &'static str,
    /// Whether its content is taken as it is: HTML, text or CSS.
    pub(crate) is_raw: bool,
    /// The components in which it may appear.
    pub(crate) parents: &'static [&'static str],
    /// Its attributes.
    pub(crate) attributes: &'static [&'static str],
    /// Whether it may take `css-class`, `mj-class` and the paddings.
    is_body: bool,
}

const EVERYWHERE: [&str; 2] = ["css-class", "mj-class"];
const PADDINGS: [&str; 5] = ["padding", "padding-top", "padding-right", "padding-bottom", "padding-left"];

const BLOCKS: &[&str] = &["mj-column", "mj-hero"];
const BORDERS: [&str; 5] = ["border", "border-top", "border-right", "border-bottom", "border-left"];
const SECTION: &[&str] = &[
    "background-color",
    "background-url",
    "background-repeat",
    "background-size",
    "background-position",
    "background-position-x",
    "background-position-y",
    "border",
    "border-top",
    "border-right",
    "border-bottom",
    "border-left",
    "border-radius",
    "direction",
    "full-width",
    "text-align",
];
const TEXT: &[&str] = &[
    "align",
    "color",
    "container-background-color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "text-decoration",
    "text-transform",
];

const fn layout(
    name: &'static str,
    parents: &'static [&'static str],
    attributes: &'static [&'static str],
) -> Component {
    Component { name, is_raw: false, parents, attributes, is_body: true }
}

const fn leaf(
    name: &'static str,
    parents: &'static [&'static str],
    attributes: &'static [&'static str],
) -> Component {
    Component { name, is_raw: true, parents, attributes, is_body: true }
}

const fn head(
    name: &'static str,
    is_raw: bool,
    parents: &'static [&'static str],
    attributes: &'static [&'static str],
) -> Component {
    Component { name, is_raw, parents, attributes, is_body: false }
}

static COMPONENTS: &[Component] = &[
    head("mjml", false, &[], &["lang", "dir", "owa"]),
    head("mj-head", false, &["mjml"], &[]),
    head("mj-title", true, &["mj-head"], &[]),
    head("mj-preview", true, &["mj-head"], &[]),
    head("mj-style", true, &["mj-head"], &[]),
    head("mj-font", false, &["mj-head"], &["name", "href"]),
    head("mj-breakpoint", false, &["mj-head"], &["width"]),
    head("mj-attributes", false, &["mj-head"], &[]),
    head("mj-all", false, &["mj-attributes"], &[]),
    head("mj-class", false, &["mj-attributes"], &["name"]),
    head("mj-body", false, &["mjml"], &["background-color", "width", "css-class", "mj-class"]),
    layout("mj-wrapper", &["mj-body"], SECTION),
    layout("mj-section", &["mj-body", "mj-wrapper"], SECTION),
    layout("mj-group", &["mj-section"], &["background-color", "direction", "vertical-align", "width"]),
    layout(
        "mj-column",
        &["mj-section", "mj-group"],
        &[
            "background-color",
            "border",
            "border-top",
            "border-right",
            "border-bottom",
            "border-left",
            "border-radius",
            "direction",
            "inner-background-color",
            "inner-border",
            "inner-border-top",
            "inner-border-right",
            "inner-border-bottom",
            "inner-border-left",
            "inner-border-radius",
            "vertical-align",
            "width",
        ],
    ),
    layout(
        "mj-hero",
        &["mj-body", "mj-wrapper"],
        &[
            "background-color",
            "background-height",
            "background-position",
            "background-url",
            "background-width",
            "height",
            "inner-background-color",
            "mode",
            "vertical-align",
            "width",
        ],
    ),
    leaf("mj-text", BLOCKS, TEXT),
    leaf(
        "mj-button",
        BLOCKS,
        &[
            "align",
            "background-color",
            "border",
            "border-top",
            "border-right",
            "border-bottom",
            "border-left",
            "border-radius",
            "color",
            "container-background-color",
            "font-family",
            "font-size",
            "font-style",
            "font-weight",
            "height",
            "href",
            "inner-padding",
            "letter-spacing",
            "line-height",
            "name",
            "rel",
            "target",
            "text-align",
            "text-decoration",
            "text-transform",
            "vertical-align",
            "width",
        ],
    ),
    layout(
        "mj-image",
        BLOCKS,
        &[
            "align",
            "alt",
            "border",
            "border-radius",
            "container-background-color",
            "fluid-on-mobile",
            "font-size",
            "height",
            "href",
            "max-height",
            "name",
            "rel",
            "src",
            "srcset",
            "target",
            "title",
            "usemap",
            "width",
        ],
    ),
    layout(
        "mj-divider",
        BLOCKS,
        &["align", "border-color", "border-style", "border-width", "container-background-color", "width"],
    ),
    layout("mj-spacer", BLOCKS, &["container-background-color", "height"]),
    leaf(
        "mj-table",
        BLOCKS,
        &[
            "align",
            "border",
            "cellpadding",
            "cellspacing",
            "color",
            "container-background-color",
            "font-family",
            "font-size",
            "font-weight",
            "line-height",
            "table-layout",
            "vertical-align",
            "width",
        ],
    ),
    layout(
        "mj-social",
        BLOCKS,
        &[
            "align",
            "border-radius",
            "color",
            "container-background-color",
            "font-family",
            "font-size",
            "font-style",
            "font-weight",
            "icon-height",
            "icon-padding",
            "icon-size",
            "inner-padding",
            "line-height",
            "mode",
            "table-layout",
            "text-decoration",
            "text-padding",
            "vertical-align",
        ],
    ),
    leaf(
        "mj-social-element",
        &["mj-social"],
        &[
            "align",
            "alt",
            "background-color",
            "border-radius",
            "color",
            "font-family",
            "font-size",
            "font-style",
            "font-weight",
            "href",
            "icon-height",
            "icon-padding",
            "icon-size",
            "line-height",
            "name",
            "rel",
            "src",
            "target",
            "text-decoration",
            "text-padding",
            "title",
            "vertical-align",
        ],
    ),
    layout("mj-navbar", BLOCKS, &["align", "base-url"]),
    leaf(
        "mj-navbar-link",
        &["mj-navbar"],
        &[
            "color",
            "font-family",
            "font-size",
            "font-style",
            "font-weight",
            "href",
            "letter-spacing",
            "line-height",
            "name",
            "rel",
            "target",
            "text-decoration",
            "text-transform",
        ],
    ),
    head("mj-raw", true, &["mj-head", "mj-body", "mj-section", "mj-group", "mj-column", "mj-hero"], &[]),
];

/// The component of that tag.
pub(crate) fn component(name: &str) -> Option<&'static Component> {
    COMPONENTS.iter().find(|component| component.name == name)
}

/// The tags that are known.
pub(crate) fn known_components() -> impl Iterator<Item = &'static str> {
    COMPONENTS.iter().map(|component| component.name)
}

/// Whether a component may appear in another.
pub(crate) fn may_stand_in(child: &str, parent: &str) -> bool {
    if parent == "mj-attributes" {
        return child == "mj-all"
            || child == "mj-class"
            || component(child).is_some_and(|component| component.is_body);
    }
    component(child).is_some_and(|component| component.parents.contains(&parent))
}

impl Component {
    /// The attributes it may have.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &'static str> + Clone {
        let (common, paddings): (&[&str], &[&str]) =
            if self.is_body { (&EVERYWHERE, &PADDINGS) } else { (&[], &[]) };
        self.attributes.iter().chain(common).chain(paddings).copied()
    }

    /// Whether it may have that attribute. `mj-all` and `mj-class` take what any component takes.
    pub(crate) fn takes(&self, attribute: &str) -> bool {
        match self.name {
            "mj-all" | "mj-class" => {
                attribute == "name" && self.name == "mj-class"
                    || BORDERS.contains(&attribute)
                    || COMPONENTS.iter().filter(|c| c.is_body).any(|c| c.attributes().any(|a| a == attribute))
            }
            _ => self.attributes().any(|known| known == attribute),
        }
    }
}
