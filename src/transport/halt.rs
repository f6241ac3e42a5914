use tokio::sync::watch;

/// Tells connections to hang up at once.
#[derive(Debug)]
pub struct HaltSwitch(watch::Sender<bool>);

/// A connection's end of a [`HaltSwitch`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Halt(Option<watch::Receiver<bool>>);

/// A switch, and what it stops.
pub fn halt() -> (HaltSwitch, Halt) {
    let (sender, receiver) = watch::channel(false);
    (HaltSwitch(sender), Halt(Some(receiver)))
}

impl HaltSwitch {
    /// Every connection hangs up at once; a letter whose body is under way becomes unconfirmed.
    pub fn pull(&self) {
        self.0.send_replace(true);
    }
}

impl Halt {
    /// For those who are never stopped.
    pub fn never() -> Self {
        Self(None)
    }

    /// Waits for the switch; for ever, when it is gone without having been pulled.
    pub(super) async fn pulled(mut self) {
        if let Some(receiver) = &mut self.0
            && receiver.wait_for(|&pulled| pulled).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}
