use std::{fs, path::Path, process::Command};

use mimeograph::{
    address::EmailAddress,
    message::{TEST_TOKEN, Tokens},
};

use super::{managed, on_each, token};
use crate::support::{
    project::{LEAST, Project, repository},
    skip,
};

#[test]
fn a_token_unsubscribes_whose_list_is_managed() {
    on_each(|managed| {
        let project = managed();
        project.run(["subscribers", "add", "ann@example.com"]).code(0);
        project.run(["subscribers", "add", "bo@example.com"]).code(0);
        project.run(["subscribers", "add", "cy@example.com"]).code(0);
        let ann = token(&project, "ann@example.com");
        project.write(
            "requests.txt",
            format!("2026-01-02T03:04:05Z https://news.example.org/leave/{ann}\n\ncy@example.com\n"),
        );
        project
            .run(["unsubscribe", "--from", "requests.txt"])
            .code(0)
            .stderr_has("2 people get no letters from now on");
        project.run(["unsubscribe", &ann]).code(0).stderr_has("1 person gets no letters already");
        let subject = format!("unsubscribe {ann}");
        project.run(["unsubscribe", &subject]).code(0).stderr_has("1 person gets no letters already");
        project.run(["subscribers", "show", "ann@example.com"]).code(0).stdout_has("active -> unsubscribed");
        project.run(["send", "one", "--yes"]).code(0);
        assert_eq!(project.list("outbox"), ["bo@example.com.eml"]);
    });
}

#[test]
fn only_hashes_of_earlier_addresses_are_made_again_where_the_others_are_there() {
    let project = managed();
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    let ledger = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    ledger
        .execute_batch(
            "UPDATE subscriber_facts SET value = replace(value, 'present and earlier, ', '') WHERE name = 'hashes'; \
             UPDATE subscriber_history SET change = 'address changed from old@example.com'; \
             UPDATE subscriber_hashes SET subscriber = 999;",
        )
        .unwrap();
    drop(ledger);
    project.run(["subscribers", "add", "bo@example.com"]).code(0);
    let ledger = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    let number = |sql: &str| ledger.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("SELECT count(*) FROM subscriber_hashes WHERE subscriber = 999"), 1, "left alone");
    assert_eq!(
        number("SELECT count(*) FROM subscriber_hashes WHERE subscriber <> 999"),
        2,
        "the earlier one and the new one"
    );
    let facts =
        "SELECT count(*) FROM subscriber_facts WHERE name = 'hashes' AND value LIKE 'present and earlier, %'";
    assert_eq!(number(facts), 1);
}

#[test]
fn a_token_is_enough_where_the_address_is_not_known() {
    // The letter was sent from another folder, with the same key.
    let project = Project::new().file("issues/one.md", super::ISSUE);
    project.run(["subscribers", "list", "--json"]).code(0);
    let (bob, list) = (token(&project, "bob@example.com"), project.read("subscribers.csv"));
    project.write("subscribers.csv", "email\ncarol@example.net\n");
    project.run(["unsubscribe", &bob]).code(0).stderr_has("1 person is suppressed from now on");
    project.run(["unsubscribe", &bob]).code(0).stderr_has("1 person gets no letters already");
    assert!(!project.run(["suppress"]).code(0).stdout.contains("bob"));
    project.run(["test", "one", "--to", "bob@example.com"]).code(3).stderr_has("…@example.com is suppressed");
    project.write("subscribers.csv", list);
    project.run(["send", "one", "--dry-run"]).code(0).stderr_has("1 person gets it (1 suppressed)");
    project.run(["send", "one", "--yes"]).code(0);
    assert_eq!(project.list("outbox"), ["carol@example.net.eml"]);
}

#[test]
fn a_token_of_someone_in_the_file_becomes_their_address() {
    let project = Project::new();
    let bob = token(&project, "bob@example.com");
    project.run(["unsubscribe", &bob]).code(0);
    project.run(["suppress"]).code(0).stdout_has("bob@example.com,unsubscribed,");
    project.run(["unsuppress", "bob@example.com"]).code(0).stderr_has("gets letters again");
}

#[test]
fn a_person_who_leaves_while_an_issue_is_open_gets_no_letter() {
    let project = Project::new().file("issues/one.md", super::ISSUE);
    let carol = token(&project, "carol@example.net");
    project.run(["send", "one", "--limit", "1", "--yes"]).code(0);
    project.write("subscribers.csv", "email\nbob@example.com\n");
    project.run(["unsubscribe", &carol]).code(0);
    project.run(["send", "one", "--yes"]).code(0).stderr_has("1 accepted, 1 suppressed");
    assert_eq!(project.list("outbox"), ["bob@example.com.eml"]);
}

#[test]
fn what_is_not_a_token_changes_nothing() {
    let project = managed();
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    let ann = token(&project, "ann@example.com");
    let forged = format!("{}{}", &ann[..20], ann[20..].chars().rev().collect::<String>());
    for (word, message) in [
        ("abc", "argument 1: invalid token: it is not 39 characters of base64url"),
        (&forged, "argument 1: invalid token"),
        ("not an@address", "argument 1: invalid email address"),
    ] {
        project.run(["unsubscribe", word]).code(3).stderr_has(message).stderr_has("nothing was changed");
    }
    project.run(["unsubscribe", &ann, &forged]).code(3).stderr_has("argument 2");
    project
        .run(["unsubscribe", TEST_TOKEN])
        .code(0)
        .stderr_has("1 token is of a test letter, and changes nothing");
    assert_eq!(project.run(["subscribers", "list"]).code(0).stdout, "ann@example.com\t\n");
    // Of another newsletter, which has another key.
    let other = managed();
    other.run(["subscribers", "add", "ann@example.com"]).code(0);
    other.run(["unsubscribe", &ann]).code(3).stderr_has("was not made with this newsletter's key");
}

#[test]
fn tokens_of_an_earlier_key_go_on_working() {
    on_each(|managed| {
        let project = managed();
        project.run(["subscribers", "add", "ann@example.com"]).code(0);
        project.run(["subscribers", "add", "bo@example.com"]).code(0);
        let (ann, bo) = (token(&project, "ann@example.com"), token(&project, "bo@example.com"));
        let old = project.read(".mimeo/key");
        project.write(".mimeo/key", format!("{}\n", "42".repeat(32)));
        project.run(["unsubscribe", &ann]).code(3).stderr_has("was not made with this newsletter's key");
        project.write(".mimeo/earlier", &old);
        Command::new("chmod")
            .args(["600"])
            .args([project.path(".mimeo/earlier"), project.path(".mimeo/key")])
            .status()
            .unwrap();
        let settings = project.read("mimeo.toml");
        let earlier = "earlier_keys = { file = \".mimeo/earlier\" }\n\n[sender]";
        project.write("mimeo.toml", settings.replace("\n[sender]", earlier));
        project.run(["unsubscribe", &ann]).code(0).stderr_has("1 person gets no letters from now on");
        assert_ne!(token(&project, "bo@example.com"), bo);
        // A person who was erased under the old key stays unknown under the new one.
        project.run(["subscribers", "erase", "bo@example.com", "--yes"]).code(0);
        project.write("back.csv", "email\nbo@example.com\n");
        project.run(["subscribers", "import", "back.csv", "--json"]).code(0).stdout_has("\"erased\": 1");
    });
}

/// The code of the documentation in a language.
fn example(language: &str) -> String {
    let page = fs::read_to_string(repository().join("docs/tokens.md")).unwrap();
    let start = format!("```{language}\n");
    let code = page.split_once(&start).unwrap_or_else(|| panic!("no {language} in docs/tokens.md")).1;
    code.split_once("\n```").unwrap().0.to_owned()
}

const KEY: [u8; 32] = [7; 32];
const LIST: &str = "letters.example.org";

fn hex() -> String {
    KEY.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn a_token() -> String {
    Tokens::new(&KEY).unsubscribe(LIST, &EmailAddress::parse("ann@example.com").unwrap())
}

#[track_caller]
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        skip(&format!("{program} is not installed"));
    }
    found
}

fn output(mut command: Command) -> String {
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn the_worker_of_the_documentation_accepts_what_is_ours() {
    if !has("node") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("worker.mjs"), example("js")).unwrap();
    let test = r#"
        import worker from "./worker.mjs";
        const [key, list, token] = process.argv.slice(2);
        const kept = [];
        const env = { KEY: key, LIST: list, REQUESTS: { put: async (name) => { kept.push(name); } } };
        const ask = async (method, path) => {
            const answer = await worker.fetch(new Request("https://news.example.org" + path, { method }), env);
            return answer.status + " " + kept.length;
        };
        const forged = (token[30] === "A" ? "B" : "A");
        console.log(await ask("GET", "/leave/" + token));
        console.log(await ask("HEAD", "/leave/" + token));
        console.log(await ask("POST", "/leave/" + token.slice(0, 30) + forged + token.slice(31)));
        console.log(await ask("POST", "/leave/"));
        console.log(await ask("POST", "/leave/" + token));
        console.log(kept.join());
    "#;
    fs::write(folder.path().join("test.mjs"), test).unwrap();
    let mut command = Command::new("node");
    command.arg("test.mjs").args([hex(), LIST.to_owned(), a_token()]).current_dir(folder.path());
    let expected = format!("200 0\n200 0\n404 0\n404 0\n200 1\n{}\n", a_token());
    assert_eq!(output(command), expected);
}

#[test]
fn the_php_file_of_the_documentation_accepts_what_is_ours() {
    if !has("php") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let code = example("php")
        .replace("/home/me/newsletter.key", &folder.path().join("key").display().to_string())
        .replace("/home/me/requests.txt", &folder.path().join("requests.txt").display().to_string())
        .replace("letters.news.example.org", LIST);
    fs::write(folder.path().join("key"), hex() + "\n").unwrap();
    fs::write(folder.path().join("leave.php"), code).unwrap();
    let ask = |method: &str, token: &str| {
        let mut command = Command::new("php");
        let start = format!(
            "$_SERVER['REQUEST_METHOD'] = '{method}'; $_GET['token'] = '{token}'; register_shutdown_function(function () {{ \
             fwrite(STDERR, http_response_code() ?: 200); }}); include 'leave.php';"
        );
        command.args(["-r", &start]).current_dir(folder.path());
        let ran = command.output().unwrap();
        String::from_utf8(ran.stderr).unwrap()
    };
    let kept = |folder: &Path| fs::read_to_string(folder.join("requests.txt")).unwrap_or_default();
    let token = a_token();
    assert_eq!(ask("GET", &token), "200");
    assert_eq!(ask("POST", &token[1..]), "404");
    assert_eq!(
        ask("POST", &format!("{}{}", &token[..38], if token.ends_with('A') { "E" } else { "A" })),
        "404"
    );
    assert_eq!(kept(folder.path()), "");
    assert_eq!(ask("POST", &token), "200");
    assert!(kept(folder.path()).trim_end().ends_with(&token));
    // What it keeps is what the program reads.
    let project = Project::empty()
        .file(
            "mimeo.toml",
            format!("{LEAST}list_id = \"{LIST}\"\n")
                .replace("[newsletter]\n", "[newsletter]\nkey = { env = \"KEY\" }\n"),
        )
        .file("subscribers.csv", "email\nann@example.com\n")
        .file("requests.txt", kept(folder.path()));
    project.mimeo(["unsubscribe", "--from", "requests.txt"]).env("KEY", hex()).run().code(0);
    project.run(["suppress"]).code(0).stdout_has("ann@example.com,unsubscribed");
}
