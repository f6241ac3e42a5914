//! The list in the shapes of other services.

use super::{imports::summary, managed};
use crate::support::project::Project;

const SERVICES: [&str; 8] =
    ["mailchimp", "substack", "ghost", "kit", "buttondown", "beehiiv", "listmonk", "keila"];

/// The files of an export for a service, by name.
fn exported(project: &Project, service: &str, folder: &str) -> Vec<(String, String)> {
    project.run(["subscribers", "export", "--for", service, "--folder", folder]).code(0);
    let names = project.list(folder).into_iter().filter(|name| name.ends_with(".csv"));
    names.map(|name| (name.clone(), project.read(&format!("{folder}/{name}")))).collect()
}

#[test]
fn an_export_for_a_service_comes_back_as_it_went() {
    let project = managed().file(
        "all.csv",
        "email,name,status,status_at,joined_at,paused_until,language,tags,topics,source,city,state,first_name,last_name,plan\n\
         ann@example.com,Ann Mary Lee,active,2024-02-03T04:05:06Z,2024-02-03T04:05:06Z,,de,\"beta,two words\",tea,x,\"Ulm, Alb\",CA,,,\n\
         bo@example.com,Bo,pending,2024-02-03T04:05:06Z,2024-02-03T04:05:06Z,,,,,x,=1+1,,,,\n\
         cy@example.com,,paused,2024-02-04T04:05:06Z,2024-02-03T04:05:06Z,2999-01-01,,,,x,,,,,yearly\n\
         di@example.com,Di van Dam,unsubscribed,2024-02-05T04:05:06Z,2024-02-03T04:05:06Z,,,gold,,x,,,Di,van Dam,\n\
         eve@example.com,\"Eve \"\"E\"\" O'Dea\",bounced,2024-02-06T04:05:06Z,2024-02-03T04:05:06Z,,,,,x,\"{a}\",,,,\n\
         fay@example.com,Fay é,complained,2024-02-07T04:05:06Z,2024-02-03T04:05:06Z,,,,\"tea,cups\",x,-3,,,,\n",
    );
    project
        .run(["subscribers", "import", "--from", "mimeo", "all.csv", "--yes"])
        .code(3)
        .stderr_has("`state`");
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n[list.columns]\nstate = \"field\"\n"));
    project.run(["subscribers", "import", "--from", "mimeo", "all.csv", "--yes"]).code(0);
    for service in SERVICES {
        let first = exported(&project, service, service);
        let people: usize = first.iter().map(|(_, text)| text.lines().count() - 1).sum();
        assert_eq!(people, 6, "{service}: {first:?}");
        let other = managed_with(&first);
        let paths: Vec<String> = first.iter().map(|(name, _)| format!("in/{name}")).collect();
        let mut arguments: Vec<&str> = paths.iter().map(String::as_str).collect();
        arguments.extend(["--from", service, "--yes"]);
        let done = summary(&other, &arguments);
        assert_eq!(
            (done["people"].as_u64(), done["created"]["active"].as_u64()),
            (Some(6), Some(1)),
            "{service}"
        );
        assert_eq!(exported(&other, service, "again"), first, "{service}");
        // The columns alone say where it comes from.
        let by_columns =
            summary(&managed_with(&first), &paths.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(by_columns["from"], serde_json::json!([service]));
        // Whoever is not active here is in no file with someone who is, where the service does not read the status.
        let active = first.iter().find(|(_, text)| text.contains("ann@example.com")).unwrap();
        let is_one_file = ["ghost", "keila"].contains(&service);
        assert_eq!(active.1.lines().count(), if is_one_file { 7 } else { 2 }, "{service}: {active:?}");
    }
}

/// A list with these files in a folder, and with the settings of the list that they come from.
fn managed_with(files: &[(String, String)]) -> Project {
    let project = managed();
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n[list.columns]\nstate = \"field\"\n"));
    for (name, text) in files {
        project.write(&format!("in/{name}"), text);
    }
    project
}

#[test]
fn an_export_for_a_service_has_its_columns_and_words() {
    let project = managed();
    project
        .run(["subscribers", "add", "ann@example.com", "--name", "Ann Lee", "--tag", "a", "--tag", "b"])
        .code(0);
    project.run(["subscribers", "add", "bo@example.com", "--field", "city=Ulm"]).code(0);
    project.run(["subscribers", "unsubscribe", "bo@example.com"]).code(0);
    let head = |service: &str, status: &str| {
        let table =
            project.run(["subscribers", "export", "--for", service, "--status", status]).code(0).stdout;
        let mut lines = table.lines();
        (lines.next().unwrap().to_owned(), lines.next().unwrap().to_owned())
    };
    let (header, ann) = head("mailchimp", "active");
    assert_eq!(
        header,
        "Email Address,First Name,Last Name,OPTIN_TIME,UNSUB_TIME,CLEAN_TIME,TAGS,language,topics,city"
    );
    assert!(
        ann.starts_with("ann@example.com,Ann,Lee,20") && ann.contains(",\"\"\"a\"\",\"\"b\"\"\""),
        "{ann}"
    );
    assert!(head("kit", "unsubscribed").1.contains("bo@example.com,,,cancelled,"));
    assert!(
        head("listmonk", "unsubscribed")
            .1
            .starts_with("bo@example.com,,\"{\"\"city\"\":\"\"Ulm\"\"}\",blocklisted,")
    );
    assert!(head("keila", "unsubscribed").1.ends_with(",unsubscribed,"));
    assert!(head("substack", "unsubscribed").1.starts_with("bo@example.com,false,,other,true,"));
    assert!(head("ghost", "unsubscribed").1.starts_with("bo@example.com,,,false,false,,"));
    assert!(head("beehiiv", "unsubscribed").1.contains(",inactive,"));
    assert!(head("buttondown", "unsubscribed").1.starts_with("bo@example.com,,unsubscribed,"));
    assert_eq!(
        project.run(["subscribers", "export", "--for", "mimeo"]).code(0).stdout,
        project.run(["subscribers", "export"]).code(0).stdout
    );
    project
        .run(["subscribers", "export", "--for", "kit"])
        .code(2)
        .stderr_has("the service takes a file for each status")
        .stderr_has("--folder");
    project.run(["subscribers", "export", "--for", "mimeo", "--folder", "x"]).code(2);
    project.run(["subscribers", "export", "--folder", "x"]).code(2).stderr_has("--for");
    project
        .run(["subscribers", "export", "--for", "kit", "--folder", "kit"])
        .code(0)
        .stderr_has("kit/active.csv: 1 person")
        .stderr_has("kit/cancelled.csv: 1 person")
        .stderr_has("import active.csv only");
    assert_eq!(project.list("kit"), ["active.csv", "cancelled.csv"]);
    assert_eq!(project.read("kit/.gitignore"), "*\n");
    let before = project.read("kit/active.csv");
    project.run(["subscribers", "add", "cy@example.com"]).code(0);
    project
        .run(["subscribers", "export", "--for", "kit", "--folder", "kit"])
        .code(3)
        .stderr_has("`kit/active.csv` already exists");
    assert_eq!(project.read("kit/active.csv"), before);
}
