//! The control plane: what the admin API acts on, and how config and prices are exchanged while calls go on.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use gateway::{Gateway, Settings, UnpricedPolicy};
use jiff::Timestamp;
use pricing::PriceBook;
use store::Books;

use crate::Environment;
use crate::config::{self, Config};
use crate::prices::{Changed, DeskError, Keep, Stock, age};
use crate::tokens::Tokens;

/// Who the audit names for changes that come from `mete.toml`.
const CONFIG_ACTOR: &str = "mete.toml";
/// Settings with this prefix keep the unpriced policy of budgets made by the API.
const UNPRICED: &str = "unpriced:";

/// Where config and prices come from; the same at start and at every reload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// `mete.toml`, if any.
    pub config: Option<PathBuf>,
    /// What the command line says, by key.
    pub flags: Vec<(String, String)>,
    /// A file that replaces the embedded price book.
    pub prices: Option<PathBuf>,
    /// Environment variables.
    pub env: Environment,
}

/// Config and prices, read and judged; nothing is in force yet. What was imported is in the books, and isn't part of it.
pub(crate) struct Loaded {
    pub config: Config,
    pub stock: Stock,
}

impl Sources {
    /// Reads config and prices.
    pub fn load(&self) -> Result<Loaded, LoadError> {
        let config = config::load(self.config.as_deref(), &self.flags, &self.env)?;
        let stock = Stock::load(self.prices.as_deref(), &config.prices).map_err(LoadError::Prices)?;
        Ok(Loaded { config, stock })
    }

    /// The files whose change means a reload.
    pub fn files(&self, config: &Config) -> Vec<PathBuf> {
        self.config.iter().chain(&self.prices).chain(&config.prices).chain(&config.lookups).cloned().collect()
    }
}

/// Why config or prices can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    #[error("{0}")]
    Prices(String),
}

/// What is in force now.
#[derive(Clone)]
struct Live {
    config: Arc<Config>,
    stock: Stock,
    /// Why imported prices are left out; `None` when they aren't.
    prices_error: Option<String>,
    /// Why the last reload changed nothing; `None` after a good one.
    reload_error: Option<String>,
}

/// Everything that the admin API needs. One per data directory.
pub(crate) struct Control {
    pub books: Books,
    pub gateway: Gateway,
    pub data: PathBuf,
    pub started_at: Timestamp,
    sources: Sources,
    live: RwLock<Live>,
    unpriced: RwLock<BTreeMap<String, UnpricedPolicy>>,
    tokens: RwLock<Tokens>,
    address: RwLock<Option<SocketAddr>>,
    reloading: tokio::sync::Mutex<()>,
    reloads: AtomicU64,
    reloads_failed: AtomicU64,
}

impl Control {
    /// Puts what was loaded in force over open books.
    pub async fn new(books: Books, data: &Path, sources: Sources, loaded: Loaded) -> Result<Arc<Self>, String> {
        let Loaded { config, stock } = loaded;
        let (stock, prices_error) = with_imports(&books, stock).await?;
        let book = assembled(&books, &stock).await?;
        let settings = config.settings(has_keys(&books));
        let control = Self {
            gateway: Gateway::new(books.clone(), Arc::new(settings), Arc::new(book)),
            books,
            data: data.to_owned(),
            started_at: Timestamp::now(),
            sources,
            live: RwLock::new(Live { config: Arc::new(config), stock, prices_error, reload_error: None }),
            unpriced: RwLock::default(),
            tokens: RwLock::new(Tokens::unreachable()),
            address: RwLock::default(),
            reloading: tokio::sync::Mutex::new(()),
            reloads: AtomicU64::new(0),
            reloads_failed: AtomicU64::new(0),
        };
        control.load_unpriced().await?;
        control.refresh_settings();
        Ok(Arc::new(control))
    }

    /// Makes the budgets of the books those of the config. Only the process that serves does so. Without a config the budgets
    /// of an earlier one stay in force: a limit doesn't go away because a file wasn't named.
    pub async fn sync_budgets(&self) -> Result<(), String> {
        if self.sources.config.is_none() {
            return Ok(());
        }
        let specs = self.config().budgets.clone();
        let changes = self.books.sync_config_budgets(specs, CONFIG_ACTOR).await.map_err(|error| error.to_string())?;
        for name in &changes.put {
            tracing::info!(budget = %name, "budget of mete.toml in force");
        }
        for name in &changes.removed {
            tracing::info!(budget = %name, "budget archived, mete.toml no longer has it");
        }
        Ok(())
    }

    /// Reads config and prices again. A bad file changes nothing and is told in `/healthz` until it is mended.
    pub async fn reload(&self) -> Result<(), String> {
        let _one_at_a_time = self.reloading.lock().await;
        let done = self.try_reload().await;
        let counter = if done.is_ok() { &self.reloads } else { &self.reloads_failed };
        counter.fetch_add(1, Ordering::Relaxed);
        match &done {
            Ok(()) => tracing::info!(version = %self.config().version, "config and prices reloaded"),
            Err(why) => tracing::error!(%why, "reload rejected; the running configuration is unchanged"),
        }
        self.write().reload_error = done.clone().err();
        done
    }

    async fn try_reload(&self) -> Result<(), String> {
        let sources = self.sources.clone();
        let loaded = tokio::task::spawn_blocking(move || sources.load()).await.map_err(|error| error.to_string())?;
        let Loaded { config, stock } = loaded.map_err(|error| error.to_string())?;
        let (stock, prices_error) = with_imports(&self.books, stock).await?;
        let book = assembled(&self.books, &stock).await?;
        let specs = config.budgets.clone();
        if self.sources.config.is_some() {
            self.books.sync_config_budgets(specs, CONFIG_ACTOR).await.map_err(|error| error.to_string())?;
        }
        self.warn_of_restart(&config);
        {
            let mut live = self.write();
            live.config = Arc::new(config);
            live.stock = stock;
            live.prices_error = prices_error;
        }
        self.gateway.set_prices(Arc::new(book));
        self.refresh_settings();
        Ok(())
    }

    fn warn_of_restart(&self, new: &Config) {
        let old = self.config();
        if (old.listen, old.admin_listen, old.survives) != (new.listen, new.admin_listen, new.survives) {
            tracing::warn!("listen, admin_listen or survives changed in mete.toml; restart mete for that");
        }
    }

    /// Exchanges the price book for one with the rows that the books keep now; used after a price was set.
    pub async fn refresh_prices(&self) -> Result<(), String> {
        let _one_at_a_time = self.reloading.lock().await;
        let book = assembled(&self.books, &self.stock()).await?;
        self.gateway.set_prices(Arc::new(book));
        Ok(())
    }

    /// What the price book in force is made of.
    pub fn stock(&self) -> Stock {
        self.read().stock
    }

    /// Works out a change of what is imported; `keep` says whether it is written and put in force, in this order.
    pub async fn change_prices<T: Send + 'static>(
        &self,
        keep: Keep,
        make: impl FnOnce(&Stock) -> Result<Changed<T>, DeskError> + Send + 'static,
    ) -> Result<(T, String), DeskError> {
        let _one_at_a_time = self.reloading.lock().await;
        let unwritable = |error: store::BooksError| DeskError::Unwritable(error.to_string());
        let kept = self.books.prices_extra().await.map_err(unwritable)?;
        let stock = self.stock();
        let worked_out = tokio::task::spawn_blocking(move || {
            let changed = make(&stock)?;
            let text = changed.catalogue.source_text(&changed.source);
            let stock = stock.with_catalogue(changed.catalogue).map_err(DeskError::Refused)?;
            let book = stock.book(&kept).map_err(DeskError::Refused)?;
            // The version is worked out here, off the async threads.
            let version = book.version().to_owned();
            Ok(((changed.source, text, changed.summary, changed.told), stock, book, version))
        });
        let ((source, text, summary, told), stock, book, version) =
            worked_out.await.map_err(|error| DeskError::Unwritable(error.to_string()))??;
        if keep.keep {
            self.books.put_price_sources(vec![(source, text)], keep.action, summary, &keep.actor).await.map_err(unwritable)?;
            let mut live = self.write();
            live.stock = stock;
            live.prices_error = None;
            self.gateway.set_prices(Arc::new(book));
        }
        Ok((told, version))
    }

    /// What a person should know of the price book: that imports are left out, or that it is old.
    pub fn prices_warning(&self, now: Timestamp) -> Option<String> {
        let live = self.read();
        live.prices_error.or_else(|| Some(format!("{}: {}", age::warning(live.stock.as_of(), now)?, age::REMEDY)))
    }

    /// Whether these rows, after the ones that were set before, make a price book.
    pub async fn check_prices(&self, rows: &[String]) -> Result<(), String> {
        let live = self.read();
        let mut kept = self.books.prices_extra().await.map_err(|error| error.to_string())?;
        let next = kept.last().map_or(1, |row| row.id + 1);
        let candidate = |(index, row): (usize, &String)| store::PriceRow {
            id: next.saturating_add_unsigned(index as u64),
            row: row.clone(),
            at: Timestamp::now(),
            actor: String::new(),
        };
        kept.extend(rows.iter().enumerate().map(candidate));
        live.stock.book(&kept).map(drop)
    }

    /// Gives the gateway its settings again: whether there are keys decides who may call, and budgets of the API have policies.
    pub fn refresh_settings(&self) {
        // Held over reading and exchanging, so that the later of two refreshes wins.
        let own = self.unpriced.write().unwrap_or_else(PoisonError::into_inner);
        let mut settings: Settings = self.config().settings(has_keys(&self.books));
        settings.reach = self.reach();
        for (budget, policy) in own.iter() {
            settings.unpriced.entry(budget.clone()).or_insert(*policy);
        }
        self.gateway.reload(Arc::new(settings));
    }

    /// The file that the config was read from.
    pub fn config_file(&self) -> Option<String> {
        self.sources.config.as_ref().map(|file| file.display().to_string())
    }

    /// What a command line needs beside its verb to find this directory: nothing for the platform's own.
    fn reach(&self) -> String {
        let is_default = crate::default_data_dir(&self.sources.env).is_some_and(|default| default == self.data);
        let text = self.data.display().to_string();
        let is_plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_./".contains(letter));
        match (is_default, is_plain) {
            (true, _) => String::new(),
            (false, true) => format!(" --data {text}"),
            (false, false) => format!(" --data '{}'", text.replace('\'', r"'\''")),
        }
    }

    /// Keeps what happens to calls without a price under a budget of the API.
    pub async fn set_unpriced(&self, budget: &str, policy: UnpricedPolicy, actor: &str) -> Result<(), store::BooksError> {
        self.books.set_setting(&format!("{UNPRICED}{budget}"), word(policy), actor).await?;
        self.unpriced.write().unwrap_or_else(PoisonError::into_inner).insert(budget.to_owned(), policy);
        self.refresh_settings();
        Ok(())
    }

    /// What happens to calls without a price under a budget.
    pub fn unpriced(&self, budget: &str) -> &'static str {
        word(self.gateway.settings().unpriced.get(budget).copied().unwrap_or_default())
    }

    async fn load_unpriced(&self) -> Result<(), String> {
        let budgets = self.books.budgets().await.map_err(|error| error.to_string())?;
        for budget in budgets.iter().filter(|budget| budget.origin == store::Origin::Api) {
            let name = &budget.spec.name;
            let kept = self.books.setting(&format!("{UNPRICED}{name}")).await.map_err(|error| error.to_string())?;
            if let Some(policy) = kept.as_deref().and_then(parse_word) {
                self.unpriced.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), policy);
            }
        }
        Ok(())
    }

    /// The config in force.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner).config)
    }

    /// Why the last reload changed nothing.
    pub fn reload_error(&self) -> Option<String> {
        self.read().reload_error
    }

    /// Reloads so far: taken, and rejected.
    pub fn reloads(&self) -> (u64, u64) {
        (self.reloads.load(Ordering::Relaxed), self.reloads_failed.load(Ordering::Relaxed))
    }

    /// The files whose change means a reload.
    pub fn watched(&self) -> Vec<PathBuf> {
        self.sources.files(&self.config())
    }

    /// Names under which the admin API may be reached.
    pub fn hosts(&self) -> Vec<String> {
        self.config().hosts.clone()
    }

    /// The tokens to compare with.
    pub fn tokens(&self) -> Tokens {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens the admin API to holders of these.
    pub fn set_tokens(&self, tokens: Tokens) {
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens;
    }

    /// Where the data plane listens; `None` in a process that serves nothing.
    pub fn address(&self) -> Option<SocketAddr> {
        *self.address.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says where the data plane listens.
    pub fn set_address(&self, address: SocketAddr) {
        *self.address.write().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    fn read(&self) -> Live {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Live> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn assembled(books: &Books, stock: &Stock) -> Result<PriceBook, String> {
    let kept = books.prices_extra().await.map_err(|error| error.to_string())?;
    stock.book(&kept)
}

/// The stock with what the books keep of imports, and why they are left out if they can't be used.
async fn with_imports(books: &Books, stock: Stock) -> Result<(Stock, Option<String>), String> {
    let sources = books.price_sources().await.map_err(|error| error.to_string())?;
    let read = tokio::task::spawn_blocking(move || stock.with_kept(&sources)).await;
    let (stock, error) = read.map_err(|error| error.to_string())?;
    if let Some(why) = &error {
        tracing::error!(%why, "imported prices can't be used");
    }
    Ok((stock, error))
}

/// Whether any key could still be used. Keys of runs don't count: `mete run` makes them by itself.
fn has_keys(books: &Books) -> bool {
    books.keys().iter().any(|key| key.revoked_at.is_none() && key.run.is_none())
}

const fn word(policy: UnpricedPolicy) -> &'static str {
    match policy {
        UnpricedPolicy::Refuse => "refuse",
        UnpricedPolicy::Dearest => "dearest",
        UnpricedPolicy::Allow => "allow",
    }
}

/// The policy that a word names.
pub(crate) fn parse_word(text: &str) -> Option<UnpricedPolicy> {
    [UnpricedPolicy::Refuse, UnpricedPolicy::Dearest, UnpricedPolicy::Allow].into_iter().find(|policy| word(*policy) == text)
}
