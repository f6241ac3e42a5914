//! The list in the shapes of other services' exports: for their imports, and for the way back.
//!
//! Few services read from a file who must not be written to: most make everybody active whom a file names. For those each status
//! is a file of its own, so that no file holds both people who want letters and people who do not.

use std::io::{self, Write};

use jiff::Timestamp;

use super::{
    error::AudienceError,
    platform::Platform,
    values::{Person, Status},
};
use crate::subscriber::{Export, normalize};

/// How a service writes people down.
struct Shape {
    platform: Platform,
    /// Its words for the statuses, in the order of [`Status::ALL`]; they are names of files too.
    words: [&'static str; 6],
    /// Its import reads from each row whether the person gets letters.
    reads_status: bool,
    columns: &'static [(&'static str, Cell)],
    /// What is not in a column of its own is in columns of the same names.
    has_more_columns: bool,
    /// How the files are imported there.
    way: &'static str,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Email,
    Name,
    FirstName,
    LastName,
    Status,
    /// `true` for people who get letters.
    Wants,
    /// `true` for people who get none.
    Off,
    Joined,
    /// Since when they have one of these statuses.
    Since(&'static [Status]),
    Tags,
    /// The field of this name, or what stands for its absence.
    Field(&'static str),
    /// Everything else, as JSON.
    Rest,
}

use Cell::{Email, Field, FirstName, Joined, LastName, Name, Off, Rest, Since, Tags, Wants};

const SHAPES: [Shape; 8] = [
    Shape {
        platform: Platform::Mailchimp,
        words: ["subscribed", "nonsubscribed", "nonsubscribed", "unsubscribed", "cleaned", "unsubscribed"],
        reads_status: false,
        columns: &[
            ("Email Address", Email),
            ("First Name", FirstName),
            ("Last Name", LastName),
            ("OPTIN_TIME", Joined),
            ("UNSUB_TIME", Since(&[Status::Unsubscribed, Status::Complained])),
            ("CLEAN_TIME", Since(&[Status::Bounced])),
            ("TAGS", Tags),
        ],
        has_more_columns: true,
        way: "import each file there with the status that its name says",
    },
    Shape {
        platform: Platform::Substack,
        words: ["enabled", "disabled", "disabled", "disabled", "disabled", "disabled"],
        reads_status: false,
        columns: &[
            ("email", Email),
            ("active_subscription", Field("false")),
            ("expiry", Field("")),
            ("plan", Field("other")),
            ("email_disabled", Off),
            ("created_at", Joined),
            ("first_payment_at", Field("")),
        ],
        has_more_columns: false,
        way: "import enabled.csv only: Substack writes to everybody in a file",
    },
    Shape {
        platform: Platform::Ghost,
        words: [FILE; 6],
        reads_status: true,
        columns: &[
            ("email", Email),
            ("name", Name),
            ("note", Field("")),
            ("subscribed_to_emails", Wants),
            ("complimentary_plan", Field("false")),
            ("stripe_customer_id", Field("")),
            ("created_at", Joined),
            ("labels", Tags),
        ],
        has_more_columns: false,
        way: "import the file there: it says of each member whether they get letters",
    },
    Shape {
        platform: Platform::Kit,
        words: ["active", "inactive", "inactive", "cancelled", "bounced", "complained"],
        reads_status: false,
        columns: &[
            ("email", Email),
            ("first_name", FirstName),
            ("last_name", LastName),
            ("state", Cell::Status),
            ("created_at", Joined),
            ("tags", Tags),
        ],
        has_more_columns: true,
        way: "import active.csv only: Kit makes everybody in a file active",
    },
    Shape {
        platform: Platform::Buttondown,
        words: ["regular", "unactivated", "paused", "unsubscribed", "undeliverable", "complained"],
        reads_status: false,
        columns: &[
            ("email", Email),
            ("notes", Field("")),
            ("subscriber_type", Cell::Status),
            ("creation_date", Joined),
            ("unsubscription_date", Since(&[Status::Unsubscribed])),
            ("tags", Tags),
            ("metadata", Rest),
        ],
        has_more_columns: false,
        way: "import regular.csv; the other files with the type that their name says, or not at all",
    },
    Shape {
        platform: Platform::Beehiiv,
        words: ["active", "pending", "inactive", "inactive", "invalid", "inactive"],
        reads_status: false,
        columns: &[
            ("Email", Email),
            ("First Name", FirstName),
            ("Last Name", LastName),
            ("Status", Cell::Status),
            ("Created At", Joined),
            ("Subscription Tier", Field("free")),
            ("Tags", Tags),
        ],
        has_more_columns: true,
        way: "import active.csv only: beehiiv makes everybody in a file active",
    },
    Shape {
        platform: Platform::Listmonk,
        words: ["enabled", "disabled", "disabled", "blocklisted", "blocklisted", "blocklisted"],
        reads_status: false,
        columns: &[
            ("email", Email),
            ("name", Name),
            ("attributes", Rest),
            ("status", Cell::Status),
            ("created_at", Joined),
        ],
        has_more_columns: false,
        way: "import enabled.csv with the mode `subscribe` and blocklisted.csv with `blocklist`; disabled.csv not at all",
    },
    Shape {
        platform: Platform::Keila,
        words: ["active", "unsubscribed", "unsubscribed", "unsubscribed", "unreachable", "unsubscribed"],
        reads_status: true,
        columns: &[
            ("Email", Email),
            ("First name", FirstName),
            ("Last name", LastName),
            ("Data", Rest),
            ("Status", Cell::Status),
            ("External ID", Field("")),
        ],
        has_more_columns: false,
        way: "import the file there: it takes the people whose status is `active`",
    },
];

impl Shape {
    fn of(platform: Platform) -> Option<&'static Self> {
        SHAPES.iter().find(|shape| shape.platform == platform)
    }

    fn word(&self, status: Status) -> &'static str {
        self.words[status as usize]
    }

    fn has(&self, cell: Cell) -> bool {
        self.columns.iter().any(|(_, known)| *known == cell)
    }

    /// Whether a field has a column of its own, or is a part of one.
    fn holds(&self, field: &str) -> bool {
        let is_named =
            self.columns.iter().any(|(title, cell)| matches!(cell, Field(_)) && normalize(title) == field);
        is_named || (self.has(LastName) && ["first_name", "last_name"].contains(&field))
    }

    /// The title of a field's column: not that of another one.
    fn title(&self, field: &str) -> String {
        let is_taken = self.columns.iter().any(|(title, _)| normalize(title) == field);
        if is_taken { format!("field_{field}") } else { field.to_owned() }
    }

    fn time(&self, at: Timestamp) -> String {
        match self.platform {
            Platform::Mailchimp => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            _ => format!("{at:.3}"),
        }
    }

    fn tags(&self, person: &Person) -> String {
        let tags: Vec<&str> = person.tags.iter().collect();
        match self.platform {
            Platform::Mailchimp => tags.iter().map(|tag| format!("\"{tag}\"")).collect::<Vec<_>>().join(","),
            Platform::Buttondown => tags.join(";"),
            _ => tags.join(","),
        }
    }
}

/// The name of the one file of a service that reads each person's status.
const FILE: &str = "subscribers";

impl Platform {
    /// The names of the files that an export for it has, without their endings; `None` for one that has no shape of its own.
    /// With one name its import reads from each row who gets letters.
    pub fn export_files(self) -> Option<Vec<&'static str>> {
        let shape = Shape::of(self)?;
        let mut names = Vec::new();
        for word in shape.words {
            if !names.contains(&word) {
                names.push(word);
            }
        }
        Some(if shape.reads_status { vec![FILE] } else { names })
    }

    /// How files of an export for it are imported there.
    pub fn import_there(self) -> &'static str {
        Shape::of(self).map_or("", |shape| shape.way)
    }
}

/// Writes people as a service does, into one file or into one for each of its statuses.
pub struct ShapedExport<'a, W: Write> {
    shape: &'static Shape,
    fields: Vec<String>,
    create: Create<'a, W>,
    files: Vec<Open<W>>,
}

/// Makes a file from its name.
type Create<'a, W> = Box<dyn FnMut(&str) -> io::Result<W> + 'a>;

struct Open<W: Write> {
    name: &'static str,
    people: u64,
    table: Export<W>,
}

/// A file that was written.
pub struct Shaped<W> {
    /// Its name, without an ending.
    pub name: &'static str,
    /// How many people are in it.
    pub people: u64,
    /// What it was written to.
    pub to: W,
}

impl<'a, W: Write> ShapedExport<'a, W> {
    /// Begins an export of people who have these fields. `create` makes a file from its name. `None` for a service that has no
    /// shape of its own.
    ///
    /// # Errors
    ///
    /// When the file of everybody cannot be written.
    pub fn new(
        platform: Platform,
        fields: Vec<String>,
        create: impl FnMut(&str) -> io::Result<W> + 'a,
    ) -> Result<Option<Self>, AudienceError> {
        let Some(shape) = Shape::of(platform) else { return Ok(None) };
        let mut fields: Vec<String> = fields.into_iter().filter(|field| !shape.holds(field)).collect();
        fields.sort_by_key(|field| shape.title(field));
        let mut export = Self { shape, fields, create: Box::new(create), files: Vec::new() };
        if shape.reads_status {
            export.file(Status::Active)?;
        }
        Ok(Some(export))
    }

    /// Writes a person, who has this status now.
    ///
    /// # Errors
    ///
    /// When the person's file cannot be written.
    pub fn write(&mut self, person: &Person, status: Status) -> Result<(), AudienceError> {
        let shape = self.shape;
        let (first, last) = names(person);
        let mut row: Vec<String> = Vec::with_capacity(shape.columns.len() + self.fields.len() + 2);
        for (title, cell) in shape.columns {
            row.push(match cell {
                Email => person.address.expose().to_owned(),
                Name => person.name.clone().unwrap_or_default(),
                FirstName => first.to_owned(),
                LastName => last.to_owned(),
                Cell::Status => shape.word(status).to_owned(),
                Wants => (status == Status::Active).to_string(),
                Off => (status != Status::Active).to_string(),
                Joined => shape.time(person.joined_at),
                Since(statuses) if statuses.contains(&status) => shape.time(person.status_at),
                Since(_) => String::new(),
                Tags => shape.tags(person),
                Field(absent) => person.fields.get(&normalize(title)).unwrap_or(absent).to_owned(),
                Rest => self.rest(person),
            });
        }
        if shape.has_more_columns {
            row.push(person.language.clone().unwrap_or_default());
            row.push(person.topics.to_string());
            let fields = self.fields.iter().map(|name| person.fields.get(name).unwrap_or_default());
            row.extend(fields.map(str::to_owned));
        }
        let file = self.file(status)?;
        file.people += 1;
        file.table.row(row.iter().map(String::as_str)).map_err(AudienceError::Write)
    }

    /// Ends all files.
    ///
    /// # Errors
    ///
    /// When one cannot be written.
    pub fn finish(self) -> Result<Vec<Shaped<W>>, AudienceError> {
        let end = |file: Open<W>| {
            let to = file.table.finish().map_err(AudienceError::Write)?;
            Ok(Shaped { name: file.name, people: file.people, to })
        };
        self.files.into_iter().map(end).collect()
    }

    /// The file for people of a status.
    fn file(&mut self, status: Status) -> Result<&mut Open<W>, AudienceError> {
        let name = if self.shape.reads_status { FILE } else { self.shape.word(status) };
        let at = match self.files.iter().position(|file| file.name == name) {
            Some(at) => at,
            None => {
                let to = (self.create)(name).map_err(AudienceError::Write)?;
                let mut header: Vec<String> =
                    self.shape.columns.iter().map(|(title, _)| (*title).to_owned()).collect();
                if self.shape.has_more_columns {
                    header.extend(["language".to_owned(), "topics".to_owned()]);
                    header.extend(self.fields.iter().map(|field| self.shape.title(field)));
                }
                let header: Vec<&str> = header.iter().map(String::as_str).collect();
                let table = Export::new(to, &header).map_err(AudienceError::Write)?;
                self.files.push(Open { name, people: 0, table });
                self.files.len() - 1
            }
        };
        Ok(&mut self.files[at])
    }

    /// What has no column of its own, as an object of JSON.
    fn rest(&self, person: &Person) -> String {
        let mut rest = serde_json::Map::new();
        let is_named = self.shape.has(Name) || self.shape.has(FirstName);
        let tags = (!self.shape.has(Tags)).then(|| person.tags.iter().collect::<Vec<_>>());
        let topics: Vec<&str> = person.topics.iter().collect();
        for field in &self.fields {
            if let Some(value) = person.fields.get(field) {
                rest.insert(field.clone(), value.into());
            }
        }
        for (name, words) in [("tags", tags.unwrap_or_default()), ("topics", topics)] {
            if !words.is_empty() {
                rest.insert(name.to_owned(), words.into());
            }
        }
        for (name, value) in
            [("name", person.name.as_ref().filter(|_| !is_named)), ("language", person.language.as_ref())]
        {
            if let Some(value) = value {
                rest.insert(name.to_owned(), value.as_str().into());
            }
        }
        serde_json::Value::Object(rest).to_string()
    }
}

/// The person's first and last name: the fields of these names if they are those of the name, which is divided otherwise.
fn names(person: &Person) -> (&str, &str) {
    let name = person.name.as_deref().unwrap_or_default().trim();
    let field = |field| person.fields.get(field).unwrap_or_default();
    let (first, last) = (field("first_name"), field("last_name"));
    if name.is_empty() || format!("{first} {last}").trim() == name {
        return (first, last);
    }
    let (first, last) = name.split_once(char::is_whitespace).unwrap_or((name, ""));
    (first, last.trim_start())
}
