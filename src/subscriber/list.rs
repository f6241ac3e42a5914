use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, RandomState},
    io::{Cursor, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    consent::ColumnMeanings,
    error::ListError,
    export::unguard,
    fields::Fields,
    inactive::Inactive,
    list_file::{self, ListFile},
    meaning::Says,
    person::Subscriber,
    reader::Reader,
    row_error::RowError,
    seen::Seen,
    table::{Cells, Step},
    topics,
};
use crate::{
    address::EmailAddress,
    source::{Diagnostic, Severity},
};

/// A list of subscribers, read row by row: memory does not grow with it, but for 12 to 20 bytes a person by which
/// repeats are known.
pub(super) struct CsvList {
    reader: Reader,
    /// Columns by their index and name, in the order of the names.
    fields: Vec<(usize, String)>,
    email: usize,
    columns: Vec<String>,
    /// People of whom some row says that they get no letters, by the hash of their key. Empty for a list without columns
    /// about consent.
    inactive: HashMap<u64, Inactive>,
    /// The key of those hashes, drawn for each reading.
    hasher: RandomState,
    /// The column of topics, if any, and the topics of an issue: whoever wants none of them gets no letter.
    topics: (Option<usize>, Vec<String>),
    /// `None` where repeats are not looked for.
    seen: Option<Seen>,
    done: bool,
}

/// What a row of a list is.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// Someone to write to.
    Person {
        /// The line on which the row begins, from 1.
        line: u64,
        /// The person to write to.
        subscriber: Subscriber,
    },
    /// Someone who gets no letters: this row says so, or another row with the same address.
    Inactive {
        /// The line on which the row begins, from 1.
        line: u64,
        /// The person's address.
        address: EmailAddress,
        /// Why the person gets no letters.
        why: Inactive,
    },
    /// An address that an earlier row has already; this row is not written to. A warning (`M320`).
    Repeat(Diagnostic),
    /// A row that cannot be read. An error (`M310` to `M317`).
    Bad(Diagnostic),
}

impl CsvList {
    /// Opens a list and reads its header. If it has columns about consent, it is read once from end to end, so that a no
    /// counts wherever it is in the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, has no column of addresses, or has a column that looks like consent and is not
    /// understood.
    pub(super) fn open(list: impl Into<ListFile>, topics: &[String]) -> Result<Self, ListError> {
        let ListFile { path, columns } = list.into();
        let read = || list_file::open(&path).map_err(|source| ListError::Read { path: path.clone(), source });
        let (input, bytes) = read()?;
        let first = Self::new(path.clone(), input, bytes, &columns)?.about(topics);
        if !first.may_hold_a_no() {
            return Ok(first);
        }
        let (inactive, hasher) = first.find_inactive()?;
        let (input, bytes) = read()?;
        Ok(Self { inactive, hasher, ..Self::new(path.clone(), input, bytes, &columns)?.about(topics) })
    }

    fn about(self, topics: &[String]) -> Self {
        let column = self.reader.header.names.iter().position(|name| name == topics::FIELD);
        Self { topics: (column, topics.to_vec()), ..self }
    }

    /// Reads a list from memory; the path is for reports.
    pub(super) fn read(path: impl Into<PathBuf>, text: impl Into<Arc<[u8]>>) -> Result<Self, ListError> {
        let (path, text, columns) = (path.into(), text.into(), ColumnMeanings::new());
        let first = Self::new(path.clone(), Box::new(Cursor::new(Arc::clone(&text))), 0, &columns)?;
        let (inactive, hasher) = first.find_inactive()?;
        Ok(Self { inactive, hasher, ..Self::new(path, Box::new(Cursor::new(text)), 0, &columns)? })
    }

    /// Reads the whole list for people of whom a row says that they get no letters. Rows that are wrong are reported when
    /// the list is read for good.
    fn find_inactive(mut self) -> Result<(HashMap<u64, Inactive>, RandomState), ListError> {
        let mut unclear: BTreeMap<(usize, String), Diagnostic> = BTreeMap::new();
        loop {
            match self.reader.step()? {
                Step::End => break,
                Step::Hopeless { line } => return Err(self.reader.hopeless(line)),
                Step::Broken { .. } => continue,
                Step::Row => {}
            }
            let (reader, cells) = (&self.reader, self.reader.table.cells());
            for (what, diagnostic) in reader.unclear_cells(cells) {
                unclear.entry(what).or_insert(diagnostic);
            }
            let Ok(address) = reader.address(cells, self.email) else { continue };
            // Whatever is not understood, or in a row that is cut, is no yes for the person's other rows.
            let is_cut = !reader.header.consent.is_empty() && reader.check_width(cells).is_err();
            let says = self.inactive(cells).unwrap_or(Some(Inactive::Unconfirmed));
            if let Some(why) = says.or(is_cut.then_some(Inactive::Unconfirmed)) {
                let known = self.inactive.entry(self.hasher.hash_one(&*address.key_cow())).or_insert(why);
                *known = why.max(*known);
            }
        }
        if unclear.is_empty() {
            return Ok((self.inactive, self.hasher));
        }
        Err(self.reader.unusable(unclear.into_values().collect()))
    }

    fn new(
        path: PathBuf,
        input: Box<dyn Read + Send>,
        bytes: u64,
        columns: &ColumnMeanings,
    ) -> Result<Self, ListError> {
        let (reader, header_bytes) = Reader::open(path, input, columns)?;
        let header = &reader.header;
        let email = header.email.ok_or_else(|| reader.no_address_column())?;
        if let Some(error) = reader.unclear_consent() {
            return Err(error);
        }
        let mut fields = header.fields();
        let mut columns = vec!["email".to_owned()];
        if header.name.is_some() || header.first_name.is_some() || header.last_name.is_some() {
            columns.push("name".to_owned());
        }
        columns.extend(fields.iter().map(|(_, name)| name.clone()));
        fields.sort_by(|(_, one), (_, other)| one.cmp(other));
        // A row is rarely shorter than its header. Whatever a file's size claims, no more than 24 MB are set aside.
        let people = (bytes / header_bytes.max(40)).min(2_000_000);
        let seen = Some(Seen::with_room(people as usize));
        let (inactive, hasher) = (HashMap::new(), RandomState::new());
        let topics = (None, Vec::new());
        Ok(Self { fields, email, columns, inactive, hasher, topics, seen, done: false, reader })
    }

    /// The path as it was given.
    pub(super) fn path(&self) -> &Path {
        &self.reader.path
    }

    /// The names that `{{ subscriber.NAME }}` can use with this list.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether something may say who wants letters: then the list is looked through for it first.
    fn may_hold_a_no(&self) -> bool {
        self.has_consent_column() || self.reader.header.others.iter().any(|other| other.is_suspect)
    }

    /// Whether something says who wants letters, or who wants those about the topics.
    pub(super) fn has_consent_column(&self) -> bool {
        !self.reader.header.consent.is_empty() || self.reader.by_name.is_some() || !self.topics.1.is_empty()
    }

    /// Why a person gets no letters, if a row of the list says so: also one that cannot be used otherwise.
    pub(super) fn why_inactive(&self, address: &EmailAddress) -> Option<Inactive> {
        if self.inactive.is_empty() {
            return None;
        }
        self.inactive.get(&self.hasher.hash_one(&*address.key_cow())).copied()
    }

    /// Looks for no repeats, and needs no memory for them: for a list that was read just now and had none.
    pub(super) fn without_repeats(self) -> Self {
        Self { seen: None, ..self }
    }

    /// A row that cannot be used. What may be a no is not a row to be skipped in a list that was not looked through for one: another
    /// row of the same person would be written to.
    fn unusable_row(&self, row_error: RowError) -> Result<Row, ListError> {
        let is_unclear = row_error.code == "M317";
        let diagnostic = self.reader.diagnose_row(row_error);
        if is_unclear && !self.may_hold_a_no() {
            return Err(self.reader.unusable(vec![diagnostic]));
        }
        Ok(Row::Bad(diagnostic))
    }

    /// What is in the row that was read last. The list is unusable if it says no for a person who was handed out already.
    fn person(&mut self) -> Result<Result<Row, ListError>, RowError> {
        let (reader, cells) = (&self.reader, self.reader.table.cells());
        let header = &reader.header;
        reader.check_width(cells)?;
        let address = reader.address(cells, self.email)?;
        let known = self.why_inactive(&address);
        let inactive = self.inactive(cells)?.max(known);
        let name = match header.name {
            Some(index) => reader.name(cells, index)?,
            None => "",
        };
        let name = match (name.is_empty(), header.first_name, header.last_name) {
            (true, first, last) => {
                let part = |index: Option<usize>| index.map_or(Ok(""), |at| reader.name(cells, at));
                let (first, last) = (part(first)?, part(last)?);
                let blank = if first.is_empty() || last.is_empty() { "" } else { " " };
                format!("{first}{blank}{last}")
            }
            (false, ..) => name.to_owned(),
        };
        let mut fields = Fields::with_room();
        for (index, name) in &self.fields {
            let cell = reader.text(cells, *index)?;
            if !cell.is_empty() {
                fields.push(name, &flatten(unguard(cell)));
            }
        }
        if let Some(first) = self.seen.as_mut().and_then(|seen| seen.note(&address.key_cow(), cells.line)) {
            return Ok(match inactive {
                Some(why) if known.is_none() => Err(self.late_no(cells, first, why)),
                _ => Ok(Row::Repeat(self.repeat(cells, first, inactive))),
            });
        }
        Ok(Ok(if let Some(why) = inactive {
            Row::Inactive { line: cells.line, address, why }
        } else {
            let name = Some(name).filter(|name| !name.is_empty());
            Row::Person { line: cells.line, subscriber: Subscriber { address, name, fields } }
        }))
    }

    /// What the row says about consent; of several causes the greatest.
    fn inactive(&self, cells: Cells<'_>) -> Result<Option<Inactive>, RowError> {
        let mut found = None;
        for column in &self.reader.header.consent {
            let cell = self.reader.text(cells, column.index)?;
            match column.read(cell) {
                Says::Active => {}
                Says::Inactive(why) => found = found.max(Some(why)),
                Says::Unknown => return Err(RowError::unknown_status(*column, cell)),
            }
        }
        found = found.max(self.reader.hidden_no(cells)?).or(self.reader.by_name);
        let (column, topics) = &self.topics;
        let wanted = column.map_or(Ok(""), |column| self.reader.text(cells, column))?;
        if !topics::wants_one_of(wanted, topics) {
            found = found.max(Some(Inactive::OffTopic));
        }
        Ok(found)
    }

    /// A no that hides in a list that was not looked through for one, below a row of the same person. Not a bad row, which could be
    /// skipped: the first row would be written to.
    fn late_no(&self, cells: Cells<'_>, first: u64, why: Inactive) -> ListError {
        let message = format!(
            "this row says \u{201c}{}\u{201d}, and line {first} has the same address without it",
            why.word()
        );
        let place = self.reader.place(cells.line, Some(self.email));
        self.reader.unusable(vec![
            Diagnostic::at("M317", Severity::Error, place, message)
                .help(format!("remove line {first}: whoever said no gets no letters")),
        ])
    }

    fn repeat(&self, cells: Cells<'_>, first: u64, inactive: Option<Inactive>) -> Diagnostic {
        let message = match inactive {
            None => format!("the same address as in line {first}; the first one counts"),
            Some(why) => format!(
                "the same address as in line {first}; the person gets no letters, as one of the rows says \
                 \u{201c}{}\u{201d}",
                why.word()
            ),
        };
        Diagnostic::at("M320", Severity::Warning, self.reader.place(cells.line, Some(self.email)), message)
            .help("remove one of the two rows")
    }
}

impl Iterator for CsvList {
    type Item = Result<Row, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.reader.next_row().map(|next| match next? {
            Ok(()) => self.person().unwrap_or_else(|row_error| self.unusable_row(row_error)),
            Err(diagnostic) => Ok(Row::Bad(diagnostic)),
        });
        self.done = row.as_ref().is_none_or(Result::is_err);
        row
    }
}

/// Line breaks and other control characters become blanks: a field is a phrase, not a page.
pub(super) fn flatten(cell: &str) -> Cow<'_, str> {
    let odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if cell.bytes().all(|byte| (b' '..0x7f).contains(&byte)) || !cell.contains(odd) {
        return Cow::Borrowed(cell);
    }
    Cow::Owned(cell.replace("\r\n", "\n").replace(odd, " "))
}
