//! `mete serve`: opens the books, the gateway and the listeners, in that order, and closes them in the reverse one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::Environment;
use crate::config::ConfigError;

/// What the command line says. Flags win over the file, the file over the defaults.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// `--config FILE`; without it the built-in providers are used.
    pub config: Option<PathBuf>,
    /// `--data DIR`.
    pub data: PathBuf,
    /// `--listen ADDR`, an address such as `127.0.0.1:4141` (port 0 takes a free one).
    pub listen: Option<String>,
    /// `--admin-listen ADDR`: the admin API on a listener of its own.
    pub admin_listen: Option<String>,
    /// `--prices FILE`: replaces the embedded price book.
    pub prices: Option<PathBuf>,
    /// Ends by itself after so long without any request (how a gateway that `mete run` started goes away).
    pub idle_exit: Option<Duration>,
    /// Environment variables; provider keys are read from here and nowhere else.
    pub env: Environment,
}

/// Why the server can't start. Each text says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `mete.toml` can't be used.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// Prices can't be read.
    #[error("{0}")]
    Prices(String),
    /// The data directory can't be opened.
    #[error("{0}")]
    Data(String),
    /// Another process owns the data directory.
    #[error("{0}")]
    InUse(String),
    /// An address can't be listened on.
    #[error("can't listen on {addr}: {why}; choose another with --listen")]
    Listen {
        /// The address.
        addr: String,
        /// What the system says.
        why: String,
    },
}

/// Why a reload changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The file, as at start.
    #[error("{0}; the running configuration is unchanged")]
    Rejected(String),
}

/// A server that runs. Dropping it doesn't stop it; [`Running::shutdown`] and then [`Running::wait`] do.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    admin_addr: Option<SocketAddr>,
    admin_token: Option<String>,
}

impl Running {
    /// Where the data plane listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where the admin API listens, when it has a listener of its own.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_addr
    }

    /// The admin token, at the first start of a data directory only: it is stored hashed and can't be shown again.
    #[must_use]
    pub fn admin_token(&self) -> Option<&str> {
        self.admin_token.as_deref()
    }

    /// Lines that a person should see at start: built-in providers, missing keys, unresolved calls.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &[]
    }

    /// Reads config and prices again (SIGHUP). A bad file changes nothing.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub async fn reload(&self) -> Result<(), ReloadError> {
        Ok(())
    }

    /// Begins to drain: no new calls, open streams finish within `timeouts.drain_ms`. Returns at once; may be called twice.
    pub fn shutdown(&self) {}

    /// Waits until the server has ended, every settlement on disk.
    pub async fn wait(self) {}
}

/// Starts a server.
///
/// # Errors
/// Says why it can't start; nothing is left open.
pub async fn start(_options: ServeOptions) -> Result<Running, StartError> {
    Err(StartError::Data("not built".to_owned()))
}
