//! Makes connections to a relay, and the next one where the last has carried as much as the relay allows.

use super::{
    connection::{Connection, Ended},
    error::RelayDown,
    handshake::open,
    letter::LetterSource,
    letter_guard::Taken,
    smtp::Smtp,
};

impl Smtp {
    /// Dials, says hello, logs in, and hangs up: whether the relay can be used.
    ///
    /// # Errors
    ///
    /// [`RelayDown`] with the step at which it failed.
    pub async fn probe(&self) -> Result<(), RelayDown> {
        let (wire, offer) = open(self.relay(), self.tls()).await?;
        Connection::new(self, wire, offer, None).quit().await;
        Ok(())
    }

    /// Works the letters of a source, on one connection at a time.
    pub(super) async fn run<D: LetterSource>(&self, source: &D) -> Result<(), RelayDown> {
        let (mut first, mut suspicion) = (None, None);
        loop {
            let letter = match first.take() {
                Some(letter) => letter,
                None => match source.next().await {
                    Some(letter) => Taken::new(source, letter),
                    None => return Ok(()),
                },
            };
            let (wire, offer) = open(self.relay(), self.tls()).await?;
            match Connection::new(self, wire, offer, suspicion).work(source, letter).await? {
                Ended::Done => return Ok(()),
                Ended::DialAgain(letter, why) => (first, suspicion) = (letter, why),
            }
        }
    }
}
