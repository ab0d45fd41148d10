//! Reading the ledger, through its writer: what is on disk after everything that was asked before.

use ledger::{Account, AccountView, Attributes, HoldAsk, HoldView, Ledger, OnExceed, RunId};
use money::Nanos;

use crate::{Books, BooksError, Headroom, MatchView};

impl Books {
    /// Every account of the windows that are open now, runs excluded.
    ///
    /// # Errors
    /// The writer has ended.
    pub async fn accounts(&self) -> Result<Vec<AccountView>, BooksError> {
        self.look_now(|ledger, now| ledger.accounts(now)).await
    }

    /// The accounts that a call would count on, and whether `min` fits each.
    ///
    /// # Errors
    /// The writer has ended.
    pub async fn matching(&self, attributes: Attributes, run: Option<RunId>, min: Nanos) -> Result<Vec<MatchView>, BooksError> {
        self.look_now(move |ledger, now| {
            let views = ledger.matching_accounts(&attributes, run, now);
            views.into_iter().map(|account| matched(ledger, account, min)).collect()
        })
        .await
    }

    /// What a call could still spend.
    ///
    /// # Errors
    /// The writer has ended.
    pub async fn headroom(&self, attributes: Attributes, run: Option<RunId>) -> Result<Headroom, BooksError> {
        let matching = self.matching(attributes, run, Nanos::ZERO).await?;
        let limiting = matching.into_iter().filter(|view| view.blocks && view.account.remaining.is_some());
        let tightest = limiting.map(|view| view.account).min_by_key(|account| account.remaining);
        Ok(Headroom { remaining: tightest.as_ref().and_then(|account| account.remaining), tightest })
    }

    /// What a hold would meet now, without asking for it.
    ///
    /// # Errors
    /// There is no such run, or the writer has ended.
    pub async fn preview(&self, ask: HoldAsk) -> Result<ledger::Headroom, BooksError> {
        self.look_now(move |ledger, now| ledger.headroom(&ask, now)).await?.map_err(crate::writer::turn::said)
    }

    /// Open holds, unresolved ones included.
    ///
    /// # Errors
    /// The writer has ended.
    pub async fn open_holds(&self) -> Result<Vec<HoldView>, BooksError> {
        self.look(|core| core.ledger.open_holds().collect()).await
    }

    async fn look_now<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Ledger, jiff::Timestamp) -> T + Send + 'static,
    ) -> Result<T, BooksError> {
        self.look(move |core| look(&core.ledger, core.now)).await
    }
}

fn matched(ledger: &Ledger, account: AccountView, min: Nanos) -> MatchView {
    let blocks = match &account.account {
        Account::Budget { budget, .. } => ledger.budget(budget).is_some_and(|spec| !spec.paused && spec.on_exceed == OnExceed::Block),
        Account::Run(_) => true,
    };
    let fits = min.is_zero() || account.remaining.is_none_or(|remaining| min <= remaining);
    MatchView { account, blocks, fits }
}
