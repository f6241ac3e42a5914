//! Letters as files: the same walk as to a relay, so that what is tried here is what is sent there.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::digest::{SHA256, digest};

use super::{
    error::{ErrorKind, RelayDown},
    letter::{LetterSource, Permit},
    letter_guard::{Taken, begin_all},
    outcome::Outcome,
    reply::Reply,
    stage::Stage,
};
use crate::{
    address::EmailAddress,
    files::{self, Readers, write_atomically},
};

/// Letters written in one go: a thread is woken once for them, and the source writes their begins down together.
const GROUP_MAX: usize = 32;

/// A folder of letters. Each is a file that is whole or not there at all (also when the process is killed in the
/// middle; a power cut is not covered), named after its address: the same letter again replaces itself.
///
/// ```
/// use mimeograph::{address::EmailAddress, transport::{Outbox, Transport}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let outbox = Outbox::new("outbox");
/// let letter = outbox.path_of(&EmailAddress::parse("ada@example.com")?);
/// assert_eq!(letter.extension().unwrap(), "eml");
/// // It takes the letters of a dispatch as a relay does.
/// let transport = Transport::Outbox(outbox);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Outbox {
    folder: Arc<Path>,
    kept: Kept,
}

/// Which letters to one address stay in the folder.
#[derive(Clone, Copy, Debug)]
enum Kept {
    /// The last one.
    Last,
    /// All of them: the second one's name ends in `-2`.
    All,
}

impl Outbox {
    /// The folder is made when the first letter comes, for its owner's eyes only.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into().into(), kept: Kept::Last }
    }

    /// Keeps each letter to an address beside the earlier ones, in files with a number at the end of their names. The same
    /// bytes are one letter.
    pub fn keeping_all(self) -> Self {
        Self { kept: Kept::All, ..self }
    }

    /// The folder that letters are written into.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the letter to this address lies, the first one where all are kept.
    pub fn path_of(&self, address: &EmailAddress) -> PathBuf {
        self.folder.join(file_name(address))
    }

    pub(super) async fn run<D: LetterSource>(&self, source: &D) -> Result<(), RelayDown> {
        let mut made = false;
        while let Some(letter) = source.next().await {
            let mut group = vec![Taken::new(source, letter)];
            while group.len() < GROUP_MAX {
                let Some(letter) = source.next_now() else { break };
                group.push(Taken::new(source, letter));
            }
            if !std::mem::replace(&mut made, true) {
                let folder = self.folder.clone();
                in_background(move || files::make_untracked_folder(&folder))
                    .await
                    .map_err(|error| down(Stage::Connect, error))?;
            }
            let permits = begin_all(&mut group).await;
            let mut granted = Vec::with_capacity(group.len());
            for (letter, permit) in group.into_iter().zip(permits) {
                match permit {
                    Permit::Go => granted.push(letter),
                    Permit::Stop => letter.give_back(),
                }
            }
            self.write(granted).await?;
        }
        Ok(())
    }

    async fn write<D: LetterSource>(&self, mut letters: Vec<Taken<'_, D>>) -> Result<(), RelayDown> {
        let files: Vec<_> = letters
            .iter_mut()
            .map(|letter| {
                letter.leaving();
                let message = letter.message().clone();
                (self.folder.join(file_name(message.to())), message, Ok(()))
            })
            .collect();
        let kept = self.kept;
        let written = in_background(move || {
            let mut files = files;
            let mut failed = false;
            for (path, message, result) in &mut files {
                // After a full disk there is no sense in trying the rest.
                *result = if failed {
                    Err(io::ErrorKind::StorageFull.into())
                } else {
                    match kept {
                        Kept::Last => write_atomically(path, &message.bytes(), Readers::Owner),
                        Kept::All => write_beside(path, &message.bytes()),
                    }
                };
                failed |= result.is_err();
            }
            Ok(files)
        })
        .await
        .map_err(|error| down(Stage::Body, error))?;
        let mut first_error = None;
        for (letter, (_, _, result)) in letters.into_iter().zip(written) {
            match result {
                Ok(()) => {
                    let reply = Reply::local(250, (2, 0, 0), "written to the outbox");
                    letter.end(Outcome::Accepted { reply });
                }
                Err(error) => {
                    letter.give_back();
                    first_error.get_or_insert(error);
                }
            }
        }
        first_error.map_or(Ok(()), |error| Err(down(Stage::Body, error)))
    }
}

/// Writes a letter under the first name that is free, unless it is there already.
fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut number = 1_u32;
    loop {
        let name = match number {
            1 => path.to_owned(),
            _ => {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                path.with_file_name(format!("{stem}-{number}.eml"))
            }
        };
        match files::write_new(&name, bytes, Readers::Owner) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read(&name).is_ok_and(|known| known == bytes) {
                    return Ok(());
                }
                number += 1;
            }
            done => return done,
        }
    }
}

fn down(stage: Stage, error: io::Error) -> RelayDown {
    RelayDown { stage, kind: ErrorKind::Outbox(error), passing: false }
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// `ada@example.com.eml`; where that could be no file name, or the same one as another address's, with the beginning of
/// a hash.
fn file_name(address: &EmailAddress) -> String {
    const LENGTH_MAX: usize = 120;
    let address = address.expose();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"@._+-=".contains(&byte);
    let mut name: String = address
        .bytes()
        .take(LENGTH_MAX)
        .map(|byte| if plain(byte.to_ascii_lowercase()) { char::from(byte) } else { '_' })
        .collect();
    if address.len() > LENGTH_MAX || !address.bytes().all(plain) || name.starts_with(['.', '-']) {
        name.insert_str(0, if name.starts_with(['.', '-']) { "_" } else { "" });
        name.push('-');
        for byte in &digest(&SHA256, address.as_bytes()).as_ref()[..5] {
            name.push_str(&format!("{byte:02x}"));
        }
    }
    name + ".eml"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_a_file_name_of_its_own() {
        let name = |text: &str| file_name(&EmailAddress::parse(text).unwrap());
        assert_eq!(name("ada@example.com"), "ada@example.com.eml");
        assert_eq!(name("ada+press@example.com"), "ada+press@example.com.eml");
        assert!(name("Ada@example.com").starts_with("Ada@example.com-"));
        assert_ne!(name("Ada@example.com").to_lowercase(), name("aDa@example.com").to_lowercase());
        assert!(name("o'neill@example.com").starts_with("o_neill@example.com-"));
        assert_ne!(name("o'neill@example.com"), name("o`neill@example.com"));
        let long = format!("{}@example.com", "x".repeat(64));
        assert!(name(&long).len() < 200);
    }
}
