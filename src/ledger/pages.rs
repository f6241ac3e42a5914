//! Long lists, page by page.

use std::{collections::VecDeque, sync::Arc};

use super::{
    database::{Store, StoreError},
    error::LedgerError,
    threads::Threads,
};

/// Rows that are read at once.
pub(super) const PAGE: usize = 500;

/// A list that is read page by page: no transaction is open between two pages, and memory stays flat.
pub struct Pages<T> {
    threads: Arc<Threads>,
    turn: PageTurn<T>,
    after: i64,
    page: VecDeque<T>,
    is_last: bool,
}

type PageTurn<T> = Arc<dyn Fn(&mut Store, i64) -> Result<Vec<(i64, T)>, StoreError> + Send + Sync>;

impl<T: Send + 'static> Pages<T> {
    pub(super) fn new(
        threads: Arc<Threads>,
        turn: impl Fn(&mut Store, i64) -> Result<Vec<(i64, T)>, StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self { threads, turn: Arc::new(turn), after: 0, page: VecDeque::new(), is_last: false }
    }

    /// The next one; `None` after the last.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be read.
    pub async fn next(&mut self) -> Result<Option<T>, LedgerError> {
        if self.page.is_empty() && !self.is_last {
            let (turn, after) = (Arc::clone(&self.turn), self.after);
            let page = self.threads.read(move |store| turn(store, after)).await?;
            self.is_last = page.len() < PAGE;
            for (id, row) in page {
                self.after = id;
                self.page.push_back(row);
            }
        }
        Ok(self.page.pop_front())
    }

    /// So many as are read at once; none after the last.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be read.
    pub async fn page(&mut self) -> Result<Vec<T>, LedgerError> {
        let mut page: Vec<T> = self.next().await?.into_iter().collect();
        page.extend(self.page.drain(..));
        Ok(page)
    }

    /// All that are left, in memory at once.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be read.
    pub async fn collect(mut self) -> Result<Vec<T>, LedgerError> {
        let mut all = Vec::new();
        while let Some(row) = self.next().await? {
            all.push(row);
        }
        Ok(all)
    }
}
