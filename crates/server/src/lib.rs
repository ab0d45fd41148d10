//! The composition root: config becomes wiring, and one control plane gets its HTTP skin.
//!
//! - [`start`] opens the books, the gateway and the listeners: `mete serve`.
//! - [`Api`] speaks the admin API under `/api/v1` of a running server, or of the data directory itself when none runs;
//!   every command of the binary that reads or changes something goes through it, so that there is one surface.
//! - [`config`] reads `mete.toml`; its table of keys also makes `docs/configuration.md` and `--print-config`.
//! - [`verify`], [`restore`] and [`doctor`] need no server; [`Api::of_prices`] and [`Api::of_book`] need no data directory.
//! - [`import`] reads another gateway's config into a `mete.toml`.
//! - [`try_rules`] says what the rules of a config make of attributes.
//! - [`difference`] and [`findings`] compare and check price lists.
//!
//! The admin API, JSON in and out, below `/api/v1` (`docs/openapi.json` has every field):
//!
//! | what | route | body or query |
//! |---|---|---|
//! | budgets | `GET /budgets`, `GET PUT DELETE /budgets/{name}`, `POST /budgets/{name}/pause` | `{limit_usd, window, time_zone, week_starts, match, per, on_exceed, measure, grant_share}`; `{paused}` |
//! | keys | `GET POST /keys`, `PATCH DELETE /keys/{id}`, `POST /keys/{id}/rotate` | `{name, attributes, client_may_set, models, expires_at, requests_per_minute, tokens_per_minute, concurrency}` → `{key, secret}`; `{overlap_seconds}` |
//! | calls | `GET /calls`, `GET /calls/{id}`, `GET /calls/{id}/explain`, `POST /calls/{id}/resolve` | `?status=&model=&provider=&key=&run=&session=&tag=k=v&since=&until=&unresolved=&refused=&limit=`; `{cost_usd or void: true, reason}` |
//! | runs | `GET POST /runs`, `GET /runs/{id}`, `POST /runs/{id}/raise`, `POST /runs/{id}/join`, `POST /runs/{id}/end` | `{limit_usd, parent, session, tags, name}` → `{run, token}`; `{by_usd}` |
//! | prices | `GET POST /prices`, `GET /prices/show`, `GET /prices/why`, `GET /prices/unknown`, `GET DELETE /prices/own` | `?seller=&model=&region=&select=k=v&at=&as_of=`; `{rows: […]}` |
//! | price lists | `POST /prices/import`, `GET /prices/quarantine`, `POST /prices/quarantine/{id}/accept`, `GET /prices/conflicts`, `GET /prices/verify`, `GET /prices/snapshot` | the file, `?source=&name=&as_of=&dry_run=&may_shrink=`; `?seller=&model=&cause=&at=` |
//! | money | `POST /estimate`, `POST /cost` | `{path or dialect, request, attributes, run}`; `{dialect, model, usage, …}` |
//! | operations | `GET /stats`, `GET /audit`, `POST /verify`, `POST /backup`, `GET /config`, `POST /reload`, `GET /openapi.json` | `{full}`; `{name}` |
//!
//! An error is `{"error":{"code","message"}}`; the message is a sentence that says what to do.

mod access;
mod api;
mod attribution;
pub mod config;
mod control;
mod doctor;
pub mod import;
mod log;
mod offline;
mod place;
mod prices;
mod serve;
mod tokens;
mod watch;

pub use access::{AccessError, Answer, Api, Connect};
pub use api::openapi;
pub use attribution::{RulesError, try_rules};
pub use doctor::{DoctorOptions, Finding, Level, doctor};
pub use offline::{OfflineError, restore, verify};
pub use place::{Environment, default_data_dir};
pub use prices::{PriceFileError, difference, findings};
pub use serve::{ReloadError, Running, ServeOptions, StartError, start};
pub use store::before_park;
