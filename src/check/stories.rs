//! What is found before a check begins: in the settings, an issue, a template and the list. `mimeo explain` tells these
//! stories too. Most of these findings are errors that stop the work, so that only the others have a level of their own.

use super::{Rule, rules::new};
use crate::source::Severity::{Error, Note, Warning};

/// By code, all below the rules' own.
pub const STORIES: &[Rule] = &[
    new(
        "M001",
        Error,
        "the settings cannot be read",
        "There is no `mimeo.toml` where it is looked for, or it cannot be opened, is larger than 1 MiB or \
         is not UTF-8. Every command needs it: it says who writes and where letters go. Go to the \
         newsletter's folder, or name it with `-C DIR`.",
    ),
    new(
        "M002",
        Error,
        "the settings are not TOML",
        "From the mistake on, nothing in the file can be trusted, so nothing is done. Texts stand in \
         quotes, sections begin with `[name]`.",
    ),
    new(
        "M003",
        Error,
        "a setting that nobody knows",
        "A misspelt setting would be ignored in silence, and the letter would go out as if it were not \
         there. `mimeo settings` lists them all. The same is said of a code under `[check] levels` that \
         no finding has.",
    ),
    new(
        "M004",
        Error,
        "a setting has another kind of value",
        "A number stands where a text is needed, a text where a table is, and so on. The help line shows \
         the form.",
    ),
    new(
        "M005",
        Error,
        "a setting cannot have this value",
        "The kind is right, and the value is empty, out of bounds or none of the choices.",
    ),
    new(
        "M006",
        Error,
        "a setting is missing",
        "Without a name and a sender no letter can be made; other settings are needed as soon as their \
         neighbours are there.",
    ),
    new(
        "M007",
        Error,
        "a setting is not a mailbox",
        "Relays refuse a sender that is no address (RFC 5322), for every single letter. Write a name and \
         an address, or an address alone.",
    ),
    new(
        "M008",
        Error,
        "a setting is not an address on the web or of a relay",
        "Readers would be sent nowhere, or letters could not leave. The one-click address has to be https \
         (RFC 8058).",
    ),
    new(
        "M009",
        Error,
        "the relay's address holds a password",
        "The settings are kept in git and are read by everybody who works on the newsletter; git does not \
         forget. Say where the password is kept instead.",
    ),
    new(
        "M010",
        Error,
        "it is not clear where a secret is kept",
        "A secret is never written into the settings; exactly one of `env`, `file` and `command` names \
         its place.",
    ),
    new(
        "M011",
        Error,
        "a header field that cannot be added",
        "Names have letters, digits and hyphens, values stand on one line, and the fields that a letter \
         must have exactly once are written by mimeo itself: a second one makes relays and filters refuse \
         it (RFC 5322, 3.6).",
    ),
    new(
        "M012",
        Error,
        "pictures are to be at a site that is not set",
        "Letters would point to pictures that no address leads to.",
    ),
    new(
        "M101",
        Error,
        "the file cannot be read as an issue",
        "The front matter is never closed or longer than 64 KiB, or the file is not UTF-8 or far too \
         large. The place is where reading stopped.",
    ),
    new(
        "M102",
        Error,
        "the front matter cannot be read",
        "It is neither a list of fields in YAML nor TOML. A colon in a text is the usual reason: put the \
         text in quotes.",
    ),
    new(
        "M103",
        Note,
        "a field without a meaning of its own",
        "It does nothing by itself, but `{{ issue.NAME }}` fills it in. A misspelt field shows itself here.",
    ),
    new(
        "M104",
        Error,
        "a field has another kind of value",
        "A list stands where a text is needed, and so on. The help line shows the form.",
    ),
    new(
        "M105",
        Error,
        "a number or a date cannot be read",
        "The number of an edition is a whole number; a date is written from year to day, since 6/1 is \
         January in one country and June in another.",
    ),
    new(
        "M106",
        Error,
        "a field is empty",
        "An inbox shows `(no subject)`, and filters count that against a letter. Write it, or take the \
         line out to use what follows from the others.",
    ),
    new(
        "M107",
        Error,
        "a field stands twice",
        "Which one is meant is a guess, and another program may guess differently.",
    ),
    new(
        "M108",
        Error,
        "the issue has no title",
        "The title heads the letter, and is the subject unless there is one. Without one in the front \
         matter the first heading is taken, which is told in a note.",
    ),
    new(
        "M109",
        Error,
        "a field names something that there is not",
        "The template's name is a file in `templates/` without its ending, the language a tag of BCP 47, \
         pictures are `inside` or at the `site`.",
    ),
    new(
        "M120",
        Error,
        "the file holds a NUL byte",
        "Text has none: the file may be damaged, UTF-16 or no text at all. Mail servers cut lines at it \
         or refuse the letter (RFC 5321, 4.5.2).",
    ),
    new(
        "M121",
        Error,
        "blocks are nested too deeply",
        "No mail client shows a hundred levels, and some stop showing the letter. Readers cannot follow \
         more than three or four.",
    ),
    new(
        "M122",
        Error,
        "the issue is too large",
        "An issue has up to 1 MiB of text, and Gmail shows 102 KB (M401). Most likely another file was \
         named.",
    ),
    new(
        "M130",
        Error,
        "a container that nobody knows",
        "Its content would appear without the frame that it was written for. The help line names the \
         nearest one; `docs/writing.md` shows all.",
    ),
    new(
        "M131",
        Error,
        "a container is not closed",
        "All that follows, to the end of the letter, would stand in it.",
    ),
    new(
        "M132",
        Warning,
        "a line closes a container where none is open",
        "Readers do not see it; most likely a line above was lost.",
    ),
    new(
        "M133",
        Error,
        "something does not belong in this container",
        "A figure has one picture, a list of links has links, columns stand in `::: columns`. What does \
         not fit would be lost or shown in the wrong place.",
    ),
    new(
        "M134",
        Warning,
        "an argument has a value that means nothing",
        "It is ignored, so that the block looks as if it were not there.",
    ),
    new(
        "M135",
        Warning,
        "an argument that means nothing here",
        "It is ignored. The help line names those that are known.",
    ),
    new(
        "M140",
        Warning,
        "an alert of a kind that nobody knows",
        "It is shown as an ordinary quotation. The kinds are NOTE, TIP, IMPORTANT, WARNING and CAUTION.",
    ),
    new(
        "M150",
        Warning,
        "a note is mentioned that is not there",
        "Readers would see `[^1]` in the text. Write the note, or take its mention out.",
    ),
    new(
        "M151",
        Warning,
        "a note is never mentioned",
        "It does not appear in the letter, as nothing leads to it.",
    ),
    new("M152", Warning, "a note is written twice", "The first one counts, and the second is not seen."),
    new("M160", Warning, "an anchor is given twice", "A link can lead to one of them only."),
    new(
        "M161",
        Warning,
        "the contents are empty",
        "There is no heading down to the depth asked for, so that a box without a line would stand there.",
    ),
    new(
        "M162",
        Warning,
        "an anchor leads nowhere",
        "Readers tap it and nothing happens. `mimeo check` tells the same as M413.",
    ),
    new(
        "M163",
        Warning,
        "a link by reference leads nowhere",
        "`[words][label]` is a link where a line `[label]: address` says where to. Without that line readers see all \
         brackets. Mostly the label is misspelt, or the line was lost in a move.",
    ),
    new(
        "M164",
        Warning,
        "a code block is not closed",
        "Everything below the line of backquotes is code up to the end of the text, of the list item or of the quote: headings, \
         links and pictures lose their meaning. Put the same backquotes on a line below the last line of code.",
    ),
    new(
        "M165",
        Warning,
        "text that looks like markup",
        "One character too many or too few, and Markdown takes a link, a picture, bold words, a heading or a table for \
         words, so that readers see brackets, asterisks, hashes and bars. A backslash says that they are meant.",
    ),
    new(
        "M170",
        Warning,
        "raw HTML that letters do not keep",
        "Mail clients drop scripts, frames, forms and video, and some drop the letter with them. Other \
         elements have a form in Markdown.",
    ),
    new(
        "M171",
        Warning,
        "an attribute or a style that letters do not keep",
        "Handlers, classes and most positioning are taken out by mail clients, so mimeo takes them out \
         before you rely on them.",
    ),
    new(
        "M172",
        Warning,
        "a tag is not closed, or closes nothing",
        "Mail clients mend it each in their own way; some make the rest of the letter bold.",
    ),
    new(
        "M173",
        Warning,
        "a raw picture has no address that a letter can use",
        "It would be a broken picture. Write a path beside the issue or an https address.",
    ),
    new(
        "M174",
        Error,
        "a comment that readers would see, or that hides the rest",
        "A comment among words ends with its paragraph: with an empty line in it, Markdown takes it for words, and readers get \
         what was not for them. A comment that is never closed hides everything below it.",
    ),
    new(
        "M201",
        Error,
        "a placeholder is not closed",
        "Readers would see the braces. Close it with `}}` on the same line.",
    ),
    new(
        "M202",
        Error,
        "a placeholder cannot be read",
        "Between the braces stand a name with a dot in it, and filters after `|`. There is no arithmetic.",
    ),
    new(
        "M203",
        Error,
        "a placeholder begins with an unknown word",
        "Placeholders begin with `subscriber`, `issue`, `newsletter` or `link`.",
    ),
    new("M204", Error, "a filter that nobody knows", "The value would be shown raw, or not at all."),
    new(
        "M205",
        Error,
        "a filter has the wrong arguments",
        "`default` needs one text in quotes; the others need none.",
    ),
    new(
        "M206",
        Error,
        "a filter in another language's spelling",
        "Other template languages write `default: \"x\"`. Here arguments stand in parentheses.",
    ),
    new(
        "M207",
        Error,
        "a statement of a template language",
        "There are no loops and conditions in an issue: every reader gets the same words, with names \
         filled in.",
    ),
    new(
        "M208",
        Error,
        "a placeholder where it cannot be filled",
        "The value is needed when the issue is built, before there is a reader: in a title, in an \
         argument of a container, inside a tag.",
    ),
    new(
        "M209",
        Error,
        "too many placeholders",
        "An issue has up to 100,000 of them, and no letter needs a hundred.",
    ),
    new(
        "M210",
        Error,
        "the template is not well-formed",
        "Every element is closed, in the order of opening, and text stands in elements that show text.",
    ),
    new(
        "M211",
        Error,
        "an element that is no component of MJML",
        "It would be dropped. The help line names the nearest one.",
    ),
    new(
        "M212",
        Error,
        "an attribute that a component does not have",
        "It would be ignored, or stands there twice.",
    ),
    new(
        "M213",
        Error,
        "a component in the wrong place",
        "Sections hold columns, columns hold texts, pictures and buttons: mail clients get tables within \
         tables, and what stands outside falls through.",
    ),
    new(
        "M214",
        Error,
        "a fence of MJML inside another block",
        "It becomes a section of the letter, and sections cannot stand in a list or a container.",
    ),
    new(
        "M215",
        Error,
        "no value is known for a placeholder",
        "Every reader would see nothing in its place. Give the field in the front matter, or a default.",
    ),
    new(
        "M216",
        Error,
        "a link that no mail client follows",
        "Mail clients follow http, https, mailto, tel and a few more. `javascript:`, `data:` and `file:` \
         are removed, and count against the letter in filters.",
    ),
    new(
        "M217",
        Warning,
        "a template's element has a role that there is not",
        "`mj-class` names a part to play, such as `paper` or `muted`, or a class that the template's own \
         `mj-attributes` makes. Another name does nothing at all: the element keeps the light colours in the dark.",
    ),
    new(
        "M220",
        Error,
        "there is no such template",
        "The name is a file in `templates/` without its `.mjml`, or one of `default`, `digest` and `plain`.",
    ),
    new(
        "M221",
        Error,
        "the design in a template cannot be read",
        "A `mimeo:design` comment holds lines of TOML.",
    ),
    new(
        "M222",
        Error,
        "a partial cannot be included",
        "It is not there, lies outside `templates/`, or includes itself, which would go on for ever.",
    ),
    new(
        "M223",
        Error,
        "the template has no place for something that every letter needs",
        "The text, the way to leave and the postal address are not for the template to leave out: the law \
         and mailbox providers ask for them. Without the preheader or the link to the web it is a \
         warning.",
    ),
    new(
        "M224",
        Error,
        "a comment for mimeo that has no meaning there",
        "A misspelt slot would be an ordinary comment, and the letter would lack a part.",
    ),
    new(
        "M225",
        Error,
        "a condition is not closed, or not opened",
        "`mimeo:if` and `mimeo:end` stand in the same element; otherwise half of a table could be left out.",
    ),
    new(
        "M226",
        Error,
        "a placeholder in a style that is not of the design",
        "A value from the list in a style sheet would let one cell of a table redraw the letter.",
    ),
    new(
        "M227",
        Error,
        "the letter cannot be made",
        "MJML's renderer refused what mimeo gave it. This is a fault of the program: please report it \
         with the issue and the template.",
    ),
    new(
        "M230",
        Error,
        "a picture is missing",
        "Readers would see a broken picture. Paths are looked up beside the issue, then in the \
         newsletter's folder.",
    ),
    new(
        "M231",
        Error,
        "a picture's name that can never be a file",
        "It is empty, absolute, a `file:` address or the like. It would work on one machine only.",
    ),
    new(
        "M232",
        Error,
        "a picture lies outside the newsletter's folder",
        "A letter never takes in files from elsewhere on the machine: an issue from somebody else could \
         send your keys to everybody.",
    ),
    new(
        "M233",
        Error,
        "a picture cannot be read",
        "It is a folder, no picture, or its permissions are in the way.",
    ),
    new(
        "M234",
        Error,
        "a picture is far too large",
        "One picture has up to 10 MB, an issue's pictures 64 MB together; relays refuse letters from 10 \
         or 20 MB on. 1,200 pixels are wide enough.",
    ),
    new(
        "M235",
        Error,
        "pictures are to be somewhere that there is not",
        "They are `inside` the letter or at the newsletter's `site`, which has to be set.",
    ),
    new(
        "M236",
        Error,
        "a link leads nowhere from a letter",
        "A letter has no address of its own that a path could begin at. Write the whole address, or set \
         `site`.",
    ),
    new(
        "M237",
        Warning,
        "nothing is known about a video or a post",
        "It is shown as a plain link. `mimeo vendor ISSUE` fetches its title and its picture, once.",
    ),
    new(
        "M238",
        Error,
        "what was fetched about a video or a post cannot be used",
        "The stored file is broken or too large. Mend it, or delete it and fetch it again.",
    ),
    new(
        "M239",
        Warning,
        "a video's still cannot be drawn on or stored",
        "Readers see it without the play mark. Use a PNG or a JPEG.",
    ),
    new(
        "M240",
        Error,
        "a part of the design that cannot be used",
        "Colours have six digits, sizes are numbers of pixels.",
    ),
    new(
        "M241",
        Warning,
        "two colours of the design are too near to each other",
        "WCAG 1.4.3 asks for a contrast of 4.5:1. Below it, one reader in ten cannot read the letter, and \
         nobody can in the sun.",
    ),
    new(
        "M242",
        Warning,
        "a formula has no picture",
        "The command that draws formulas failed, took too long, or wrote no PNG. Readers get the formula as TeX, in \
         code style, until it is mended; what it complained of stands behind its name.",
    ),
    new("M301", Error, "the list is empty or cannot be used", "It has no header to name its columns."),
    new(
        "M302",
        Error,
        "the list has no column for addresses",
        "One column is named `email`, or one of its usual names in other languages.",
    ),
    new(
        "M303",
        Error,
        "two columns have the same name",
        "Which of them fills a placeholder would be a guess.",
    ),
    new(
        "M304",
        Error,
        "the list is not a text in UTF-8",
        "It is UTF-16 or a spreadsheet. Save it as \u{201c}CSV UTF-8\u{201d}.",
    ),
    new(
        "M305",
        Error,
        "the list has too many columns",
        "Most likely a row of data stands where the header should.",
    ),
    new(
        "M310",
        Error,
        "an address that letters cannot go to",
        "Relays refuse it, and refusals count against the sender. Mend it, or go on without such rows \
         with `--skip-bad-rows`.",
    ),
    new("M311", Error, "a row has no address", "There is nobody to write to. Fill it in, or remove the row."),
    new(
        "M312",
        Error,
        "a row has more or fewer cells than the header",
        "From the odd cell on, everything is in the wrong column: a comma in a cell needs quotation marks \
         around it.",
    ),
    new(
        "M313",
        Error,
        "a quotation mark is not closed",
        "All rows that follow would be one cell, and their people would get no letter.",
    ),
    new(
        "M314",
        Error,
        "a row is too long",
        "A row is one person. Most likely a quotation mark is missing (M313).",
    ),
    new(
        "M315",
        Error,
        "a cell is not UTF-8",
        "Readers would be greeted as `Jos?`. Save the list as \u{201c}CSV UTF-8\u{201d}.",
    ),
    new(
        "M316",
        Error,
        "a cell holds a line break or a control character",
        "In a header field it would begin a field of somebody else's (RFC 5322, 2.2).",
    ),
    new(
        "M317",
        Error,
        "a status that is not known",
        "Whether this person wants letters would be a guess, and nobody is written to on a guess.",
    ),
    new("M318", Error, "a date that cannot be read", "Dates are written from year to day."),
    new(
        "M320",
        Warning,
        "an address stands on the list more than once",
        "The first row counts, and one letter goes out.",
    ),
];
