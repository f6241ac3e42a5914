use crate::support::project::Project;
use mimeograph::{
    source::Diagnostic,
    subscriber::{List, ListError, Row},
};

/// What a list says of itself: a line for each row, or for each thing that is wrong with the file.
fn describe(bytes: impl AsRef<[u8]>) -> Vec<String> {
    match List::read("list.csv", bytes.as_ref()) {
        Ok(list) => list
            .map(|row| row.map_or_else(|error| describe_error(&error), |row| describe_row(&row)))
            .collect(),
        Err(error) => vec![describe_error(&error)],
    }
}

fn describe_row(row: &Row) -> String {
    match row {
        Row::Person { line, subscriber } => {
            let name = subscriber.name.as_deref().unwrap_or("-");
            format!("{line}: {} {name} {:?}", subscriber.address.expose(), subscriber.fields)
        }
        Row::Inactive { line, address, why } => format!("{line}: {} {}", address.expose(), why.word()),
        Row::Repeat(diagnostic) | Row::Bad(diagnostic) => describe_diagnostic(diagnostic),
    }
}

fn describe_diagnostic(diagnostic: &Diagnostic) -> String {
    format!("{} {diagnostic} ({})", diagnostic.code, diagnostic.help.as_deref().expect("a way out"))
}

fn describe_error(error: &ListError) -> String {
    match error {
        ListError::Unusable { diagnostics, .. } => {
            diagnostics.iter().map(describe_diagnostic).collect::<Vec<_>>().join(" & ")
        }
        other => other.to_string(),
    }
}

#[track_caller]
fn check(bytes: impl AsRef<[u8]>, expected: &[&str]) {
    assert_eq!(describe(bytes), expected);
}

#[test]
fn a_list_may_be_written_in_many_ways() {
    let two = ["2: ann@example.com Ann {\"city\": \"Ulm\"}", "3: bo@example.org - {}"];
    for text in [
        "email,name,city\nann@example.com,Ann,Ulm\nbo@example.org,,\n",
        "email,name,city\r\nann@example.com,Ann,Ulm\r\nbo@example.org,,",
        "\u{feff}City;E-Mail;Full Name\r\nUlm;ann@example.com;Ann\r\n;bo@example.org;\r\n",
        "NAME\tE-Mail-Adresse\tcity\nAnn\tann@example.com\tUlm\n\tbo@example.org\t\n",
        "email,name,city\rann@example.com,Ann,Ulm\rbo@example.org,,\r",
        "\"email\",\"name\",\"city\"\n\"ann@example.com\",\"Ann\",\"Ulm\"\n\"bo@example.org\",\"\",\"\"\n",
        "\"email\";\"name\";\"city\"\n\"ann@example.com\";\"Ann\";\"Ulm\"\n\"bo@example.org\";\"\";\"\"\n",
        "\"email\"\t\"name\"\t\"city\"\n\"ann@example.com\"\t\"Ann\"\tUlm\nbo@example.org\t\"\"\t\n",
        "Email Address,name,city,\nann@example.com,Ann,Ulm,\nbo@example.org,,,,,\n",
        "email , name , city\n ann@example.com , Ann , Ulm \n bo@example.org , , \n\n,,\n",
    ] {
        assert_eq!(describe(text), two, "{text:?}");
    }
    check(
        "sep=;\r\nemail;city\r\nann@example.com;Ulm, Neu-Ulm\r\n",
        &["3: ann@example.com - {\"city\": \"Ulm, Neu-Ulm\"}"],
    );
}

#[test]
fn a_condition_finds_people_of_a_file_also_by_their_tags() {
    let project = Project::new();
    project.write(
        "subscribers.csv",
        "email,city,tags,age,joined_at\nann@example.com,Berlin,\"beta,gold\",41,2026-01-02\n\
         bo@example.com,Ulm,beta,,2025-01-02\ncy@example.com,Berlin,betas,30,\n",
    );
    let list = |condition: &str| {
        let ran = project.run(["subscribers", "list", "--where", condition]).code(0).stdout;
        ran.lines().map(|line| line.split('@').next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    for (condition, expected) in [
        ("tags=\"beta\"", "ann bo"),
        ("city=Berlin", "ann cy"),
        ("city == \"Berlin\" && \"beta\" in tags", "ann"),
        ("age != \"\" && int(age) > 35", "ann"),
        ("has(subscriber.joined_at) && joined_at > date(\"2026-01-01\")", "ann"),
        ("status == \"active\" && !email.startsWith(\"a\")", "bo cy"),
    ] {
        assert_eq!(list(condition), expected, "{condition}");
    }
    project
        .run(["subscribers", "list", "--where", "joined_at < now"])
        .code(3)
        .stderr_has("error[M322]")
        .stderr_has("subscribers.csv:4, column `joined_at`")
        .stderr_has("`joined_at` is empty");
    project
        .run(["subscribers", "list", "--where", "topics=beta"])
        .code(3)
        .stderr_has("unknown field `topics`");
    project.run(["subscribers", "list", "--where", "city = \"Berlin\" &&"]).code(0);
    project
        .run(["subscribers", "list", "--where", "city == \"Berlin\" &&"])
        .code(2)
        .stderr_has("error[M321]: the condition is incomplete")
        .stderr_has("--where:1:20");
}

#[test]
fn first_and_last_name_make_a_name_and_stay_fields() {
    check(
        "Vorname;Nachname;Mail\nJörg;Lee;jo@example.com\n;Lee;li@example.com\n;;no@example.com\n",
        &[
            r#"2: jo@example.com Jörg Lee {"first_name": "Jörg", "last_name": "Lee", "nachname": "Lee", "vorname": "Jörg"}"#,
            r#"3: li@example.com Lee {"last_name": "Lee", "nachname": "Lee"}"#,
            "4: no@example.com - {}",
        ],
    );
    let list = List::read("list.csv", *b"Vorname;Nachname;Mail;Ort, Land\n").unwrap();
    assert_eq!(
        list.columns(),
        ["email", "name", "vorname", "nachname", "ort_land", "first_name", "last_name"]
    );
}

#[test]
fn who_rests_is_counted_and_not_written_to() {
    check(
        "email,status\na@example.com,active\nb@example.com,Unsubscribed\nc@example.com,gold\nB@example.com,\n",
        &[
            "2: a@example.com - {\"status\": \"active\"}",
            "3: b@example.com opted out",
            "M317 list.csv:4, column `status`: unknown status “gold” (write active, paused, unsubscribed, bounced, complained or \
         pending, or say in [list.columns] of mimeo.toml what the column means)",
            "M320 list.csv:5, column `email`: the same address as in line 3; the person gets no letters, as one of the \
         rows says “opted out” (remove one of the two rows)",
        ],
    );
    check(
        "email,paused,active\na@example.com,no,1\nb@example.com,YES,1\nc@example.com,,0\n",
        &[
            "2: a@example.com - {\"active\": \"1\", \"paused\": \"no\"}",
            "3: b@example.com paused",
            "4: c@example.com paused",
        ],
    );
}

#[test]
fn one_person_is_written_to_once_however_the_address_is_spelt() {
    check(
        "email,paused\nAnn@Example.COM,\nann@example.com,\nANN@example.com,yes\njo@bücher.example,\n\
         jo@xn--bcher-kva.example,\n",
        &[
            "2: Ann@example.com paused",
            "M320 list.csv:3, column `email`: the same address as in line 2; the person gets no letters, as one of the \
             rows says “paused” (remove one of the two rows)",
            "M320 list.csv:4, column `email`: the same address as in line 2; the person gets no letters, as one of the \
             rows says “paused” (remove one of the two rows)",
            "5: jo@xn--bcher-kva.example - {}",
            "M320 list.csv:6, column `email`: the same address as in line 5; the first one counts (remove one of the \
             two rows)",
        ],
    );
}

#[test]
fn a_bad_row_is_named_by_line_and_column_and_the_others_are_read() {
    check(
        b"email,name,note\n\
          ann.example.com,Ann,\n\
          ,Bo,\n\
          \"cy@example.com\nBcc: eve@example.org\",Cy,\n\
          dee@example.com,\"Dee\r\nBcc: eve@example.org\",\n\
          ed@example.com,Ed\n\
          flo@example.com,Flo,a,b,c\n\
          gus@example.com,G\xfcs,\n\
          hal@example.com,Hal,\0\n\
          ida@example.com,I\x1bda,\n\
          jo@example.com,\"Jo \"Joe\" Lee\",\n\
          kim@example.com,Kim,\"two\nlines\"\n\
          lea@example.com,\"Lea,\n\
          max@example.com,Max,'=1+1\n",
        &[
            "M310 list.csv:2, column `email`: invalid email address: it has no @ (write it as \
             ann@example.com)",
            "M311 list.csv:3, column `email`: the address is missing (fill it in, or remove the row)",
            "M310 list.csv:4, column `email`: invalid email address: it contains a line break (write it as \
             ann@example.com)",
            "M316 list.csv:6, column `name`: contains a line break (write it on one line)",
            "M312 list.csv:8: the row has 2 cells, the header 3 (an empty cell keeps its separator)",
            "M312 list.csv:9: the row has 5 cells, the header 3 (put quotation marks around a cell that contains the \
             separator)",
            "M315 list.csv:10, column `name`: is not UTF-8 (there is a byte 0xFC) (it may be Latin-1: save the list \
             as “CSV UTF-8”, or convert it: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW)",
            "M316 list.csv:11, column `note`: contains a NUL byte (remove it; the file may be damaged)",
            "M316 list.csv:12, column `name`: contains a control character (write it on one line)",
            "M313 list.csv:13: text follows the closing quotation mark of a cell (double the quotation marks inside \
             a quoted cell: \"Ann \"\"Annie\"\" Lee\")",
            "14: kim@example.com Kim {\"note\": \"two lines\"}",
            "M313 list.csv:16: a quotation mark is opened here and not closed (close it, or double it if it is part \
             of the text and the cell is quoted)",
            "17: max@example.com Max {\"note\": \"=1+1\"}",
        ],
    );
}

#[test]
fn a_file_that_is_no_list_says_what_it_is() {
    for (bytes, expected) in [
        (&b""[..], "M301 list.csv: is empty (its first line names the columns, for example: email,name)"),
        (b"\n\n\r\n", "M301 list.csv: is empty (its first line names the columns, for example: email,name)"),
        (b"\xff\xfee\0m\0", UTF16),
        (b"\xfe\xff\0e\0m", UTF16),
        (b"e\0m\0a\0i\0l\0", UTF16),
        (b"PK\x03\x04....", "M304 list.csv: is a spreadsheet, not a text (save the sheet as “CSV UTF-8”)"),
        (
            b"emial,name\n",
            "M302 list.csv:1: no column is named `email` (did you mean `email` where the header says `emial`?)",
        ),
        (
            b"address;name\n",
            "M302 list.csv:1: no column is named `email` (call the column with the addresses `email`; the header \
             has `address`, `name`)",
        ),
        (
            b"ann@example.com,Ann\nbo@example.com,Bo\n",
            "M302 list.csv:1: no column is named `email` (the first line is a person already: put a line above it \
             that names the columns, for example: email,name)",
        ),
        (
            b"email,Name,city,name,CITY\n",
            "M303 list.csv:1, column `name`: columns 2 and 4 have the same name: `Name` and `name` (rename one of \
             them) & M303 list.csv:1, column `CITY`: columns 3 and 5 have the same name: `city` and `CITY` (rename \
             one of them)",
        ),
        (
            b"email,\"name\nann@example.com,Ann\n",
            "M313 list.csv:1: the header cannot be read: a quotation mark is opened here and not closed (close it, \
             or double it if it is part of the text and the cell is quoted)",
        ),
    ] {
        check(bytes, &[expected]);
    }
    let wide = format!("email{}\n", ",".repeat(1_000_000));
    check(wide, &["M305 list.csv:1: the header has 1000001 columns (a list has up to 1000 columns)"]);
    let long = format!("email,{}\n", "x".repeat(2_000_000));
    check(
        long,
        &["M314 list.csv:1: the header cannot be read: the row is longer than 1024 KiB (keep long texts in \
                   another file; a row is one person)"],
    );
}

const UTF16: &str = "M304 list.csv: is written in UTF-16 (save it as “CSV UTF-8”, or convert it: iconv -f UTF-16 -t \
                     UTF-8 OLD > NEW)";

#[test]
fn a_cell_of_ten_megabytes_is_one_bad_row() {
    let text = format!("email,note\na@example.com,{}\nb@example.com,\n", "x".repeat(10_000_000));
    check(
        text,
        &[
            "M314 list.csv:2: the row is longer than 1024 KiB (keep long texts in another file; a row is one person)",
            "3: b@example.com - {}",
        ],
    );
}

#[test]
fn a_list_that_is_not_there_is_named_with_its_path() {
    let error = List::open("no/such/list.csv").err().expect("no list");
    assert_eq!(error.to_string(), "failed to read the subscriber list `no/such/list.csv`");
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(List::open(folder.path()), Err(ListError::Read { .. })));
}

#[test]
fn a_scan_counts_everybody_and_keeps_only_the_first_problems() {
    let mut text = "email,first name,paused\n".to_owned();
    for n in 0..100 {
        text.push_str(&format!("r{n}@example.com,{},\n", if n % 4 == 0 { "" } else { "Ann" }));
    }
    text.push_str("p@example.com,Pat,yes\nr1@example.com,Ann,\n");
    text.push_str(&"nobody,,\n".repeat(50));
    let scan = List::read("list.csv", text.as_bytes()).unwrap().scan(10).unwrap();
    assert_eq!((scan.people, scan.inactive.total(), scan.repeats, scan.bad), (100, 1, 1, 50));
    assert_eq!(scan.diagnostics.len(), 10);
    let empty: Vec<_> = scan.empty.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(empty, [("email", 0), ("first_name", 25), ("name", 25), ("paused", 100)]);
}

#[test]
fn a_reserved_name_that_never_has_mail_is_an_error_in_its_row() {
    for (domain, is_bad) in [
        ("a.invalid", true),
        ("mail.localhost", true),
        ("b.ONION", true),
        ("c.alt", true),
        ("d.test", false),
        ("corp.local", false),
        ("e.internal", false),
        ("invalid.example.com", false),
    ] {
        let text = format!("email\nann@{domain}\n");
        let rows: Vec<Row> = List::read("list.csv", text.as_bytes()).unwrap().map(Result::unwrap).collect();
        assert_eq!(matches!(rows[..], [Row::Bad(_)]), is_bad, "{domain}: {rows:?}");
    }
}

#[test]
fn a_list_without_repeats_is_not_searched_for_them() {
    let text = "email\nann@example.com\nbo@example.com\nann@example.com\n";
    let rows = |list: List| list.map(|row| matches!(row, Ok(Row::Person { .. }))).collect::<Vec<_>>();
    assert_eq!(rows(List::read("list.csv", text.as_bytes()).unwrap()), [true, true, false]);
    assert_eq!(rows(List::read("list.csv", text.as_bytes()).unwrap().without_repeats()), [true, true, true]);
}
