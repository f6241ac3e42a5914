//! What the preview is made from.

use serde_json::Value;

use super::letter_view::LetterView;

/// Makes what the preview shows. It is asked again after every saved file.
pub trait PreviewBackend: Send + Sync + 'static {
    /// The letter of an issue, or of the one that the preview was started with, to this address, or to the first person
    /// on the list.
    fn view(&self, issue: Option<&str>, reader: Option<&str>) -> LetterView;
    /// What `check` finds, and what each section costs.
    fn findings(&self, issue: Option<&str>) -> Value;
    /// The names of all issues, the newest last.
    fn issues(&self) -> Vec<String>;
    /// The issue as a page of the web, complete in itself; none while it cannot be made.
    fn web_page(&self, issue: Option<&str>) -> Option<String>;
    /// The addresses that test letters may go to from the page.
    fn test_addresses(&self) -> Vec<String>;
    /// Sends a test letter to one of them, and returns what became of it.
    fn send_test(&self, issue: Option<&str>, reader: Option<&str>, to: &str) -> String;
    /// Opens a place, as findings name it, in the user's editor; `false` if no finding is there.
    ///
    /// # Errors
    ///
    /// Why the editor cannot be started.
    fn open_in_editor(&self, place: &str) -> Result<bool, String>;
    /// The first people on the list whose address or name holds these words.
    fn people(&self, search: &str) -> Value;
}
