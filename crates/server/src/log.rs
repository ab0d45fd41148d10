//! Log lines on stderr: level and form from the config's section `[log]`.

use std::panic::{self, PanicHookInfo};

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts logging for the whole process; a second call changes nothing.
pub(crate) fn start(config: &Config) {
    let filter = EnvFilter::try_new(&config.log_level).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    // The error says that a subscriber is set already, as in tests.
    let _ = match config.log_format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    panic::set_hook(Box::new(panicked));
}

/// Where it broke, and not what the panic says: a slice that doesn't fit quotes the text that it was cut from, and that may
/// be a prompt.
fn panicked(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(|| "somewhere".to_owned(), ToString::to_string);
    tracing::error!(place, "panicked; this is a mistake in Mete");
}
