//! Letters as files.

use mimeograph::transport::{ErrorKind, Halt, Outbox, RelayDown, Transport};

use super::source::TestSource;

#[tokio::test]
async fn each_letter_becomes_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Transport::Outbox(Outbox::new(folder.path().join("deep/outbox")));
    let source = TestSource::new(100).stopping(7);
    outbox.run(&source, Halt::never()).await.unwrap();
    let mut names: Vec<_> = std::fs::read_dir(folder.path().join("deep/outbox"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.remove(0), ".gitignore", "letters are not committed by accident");
    assert_eq!(names.len(), 99);
    assert_eq!(names[0], "r100@example.com.eml");
    assert!(!names.contains(&"r7@example.com.eml".to_owned()));
    let text = std::fs::read_to_string(folder.path().join("deep/outbox/r2@example.com.eml")).unwrap();
    assert!(text.contains("\r\nTo: <r2@example.com>\r\n"), "{text}");
    let words = source.in_words();
    assert_eq!(words.iter().filter(|word| *word == "accepted").count(), 99);
    assert_eq!(words[6], "back");
}

#[tokio::test]
async fn an_outbox_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox");
    Transport::Outbox(Outbox::new(&path)).run(&TestSource::new(1), Halt::never()).await.unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(path.join("r1@example.com.eml").metadata().unwrap().permissions().mode() & 0o077, 0);
}

#[tokio::test]
async fn the_same_letter_again_replaces_itself() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Transport::Outbox(Outbox::new(folder.path()));
    for _ in 0..2 {
        outbox.run(&TestSource::new(3), Halt::never()).await.unwrap();
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[tokio::test]
async fn an_outbox_that_keeps_all_letters_gives_each_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Transport::Outbox(Outbox::new(folder.path()).keeping_all());
    let path = folder.path().join("r1@example.com.eml");
    let earlier = |number: &str| {
        let path = folder.path().join(format!("r1@example.com{number}.eml"));
        std::fs::write(path, format!("an earlier letter{number}")).unwrap();
    };
    earlier("");
    earlier("-2");
    for _ in 0..2 {
        // The same letter twice is one.
        outbox.run(&TestSource::new(1), Halt::never()).await.unwrap();
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "an earlier letter");
    let third = std::fs::read_to_string(folder.path().join("r1@example.com-3.eml")).unwrap();
    assert!(third.contains("\r\nTo: <r1@example.com>\r\n"), "{third}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let source = TestSource::new(2);
    let RelayDown { kind, passing, .. } =
        Transport::Outbox(Outbox::new(file.join("outbox"))).run(&source, Halt::never()).await.unwrap_err();
    assert!(!passing && matches!(kind, ErrorKind::Outbox(_)), "{kind}");
    assert_eq!(source.in_words(), ["back", "back"]);
}

#[tokio::test]
async fn a_letter_that_cannot_be_written_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    // A folder is where the letter should.
    std::fs::create_dir(folder.path().join("r2@example.com.eml")).unwrap();
    let source = TestSource::new(3);
    let down = Transport::Outbox(Outbox::new(folder.path())).run(&source, Halt::never()).await.unwrap_err();
    assert!(
        down.to_string()
            .starts_with("the relay cannot be used (after the body): the outbox cannot be written")
    );
    assert_eq!(source.in_words(), ["accepted", "back", "back"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
