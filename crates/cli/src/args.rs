//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const EXIT_CODES: &str = "\
Exit codes:
  0   all went well
  1   it failed, or the answer is no (verify: violations, doctor and prices verify: errors, prices import: a list was not taken, rules test: a required tag is missing)
  2   the command line is wrong
  3   no server or data directory could be reached
  4   the server refused the request
  75  `mete run`: a budget stopped the run and the command failed
  otherwise `mete run` passes the command's own exit code through

Data goes to stdout, talk to stderr. `--format json` prints stable JSON.";

/// Decides AI spend before it happens: prices, bounds and holds the money of every call against your budgets.
#[derive(Debug, Parser)]
#[command(name = "mete", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Args, Debug)]
pub struct Global {
    /// How data is printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Data directory (default: METE_DATA, else the platform's)
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Ask the server at this address instead (or METE_URL; the admin token comes from METE_TOKEN)
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// Configuration file, `mete.toml`
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Price file that replaces the embedded price book
    #[arg(long, global = true, value_name = "FILE")]
    pub prices: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person
    Human,
    /// For a program
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a command under a budget: `mete run --budget 5 -- claude`
    Run(Run),
    /// Run the gateway and the admin API
    Serve(Serve),
    /// A working system without keys: fake provider, seeded traffic, a runaway agent that is stopped
    #[cfg(feature = "demo")]
    Demo(Demo),
    /// Budgets: list, show, set, remove, pause
    #[command(subcommand)]
    Budgets(Budgets),
    /// Virtual keys: list, create, rotate, revoke
    #[command(subcommand)]
    Keys(Keys),
    /// Calls: list, show, resolve
    #[command(subcommand)]
    Calls(Calls),
    /// Runs: list, show, raise, end
    #[command(subcommand)]
    Runs(Runs),
    /// Prices: show, why, set, import, accept, diff, conflicts, verify, snapshot
    #[command(subcommand)]
    Prices(Prices),
    /// Coming from elsewhere: another gateway's config becomes a `mete.toml` and a report
    #[command(subcommand)]
    Import(Import),
    /// What a usage document costs: meters × rates
    Cost(Cost),
    /// One call's arithmetic, as a person would check it
    Explain {
        /// The call's id
        call: String,
    },
    /// What a request would cost: minimum, expected, maximum; budgets and cheaper models
    Estimate(Estimate),
    /// Rules: try what they make of a call's attributes
    #[command(subcommand)]
    Rules(Rules),
    /// Check the ledger of a data directory against its journal
    Verify {
        /// Replay every journal line from the beginning
        #[arg(long)]
        full: bool,
    },
    /// What is misconfigured, and how to mend it
    Doctor {
        /// Also try a connection to each provider
        #[arg(long)]
        connect: bool,
    },
    /// Back up and restore the data directory
    #[command(subcommand)]
    Backup(Backup),
    /// Who changed what, and when
    Audit {
        /// At most so many lines
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Make a running server read its config and prices again; a bad file changes nothing
    Reload,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Args, Debug)]
pub struct Run {
    /// The most that the run may spend, in dollars; without it the run is only observed
    #[arg(long, value_name = "USD", value_parser = usd)]
    pub budget: Option<String>,
    /// Attribute of every call of the run, `k=v`; may be repeated
    #[arg(long = "tag", value_name = "K=V", value_parser = pair)]
    pub tags: Vec<String>,
    /// Session that the run belongs to
    #[arg(long)]
    pub session: Option<String>,
    /// A name for people (default: the command)
    #[arg(long)]
    pub name: Option<String>,
    /// Go on in this run, with its budget and what it has spent
    #[arg(long, value_name = "RUN", conflicts_with_all = ["budget", "tags", "session", "name"])]
    pub run: Option<String>,
    /// Write the receipt here as JSON as well
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

#[derive(Args, Debug)]
pub struct Serve {
    /// Address to listen on (default 127.0.0.1:4141; port 0 takes a free one)
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// A listener of its own for the admin API
    #[arg(long, value_name = "ADDR")]
    pub admin_listen: Option<String>,
    /// Print every effective setting and where it came from, and end
    #[arg(long)]
    pub print_config: bool,
    /// End after so many seconds without a request
    #[arg(long, value_name = "SECONDS", hide = true)]
    pub idle_exit: Option<u64>,
}

#[derive(Args, Debug)]
pub struct Demo {
    /// Stop the traffic after so many calls
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=9000))]
    pub calls: u64,
    /// End with a summary instead of serving on
    #[arg(long)]
    pub exit: bool,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:4141", value_name = "ADDR")]
    pub listen: String,
    /// Seed of the traffic
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[derive(Debug, Subcommand)]
pub enum Budgets {
    /// Every budget with what is spent, held and left
    List {
        /// Only budgets of this name
        #[arg(long)]
        name: Option<String>,
    },
    /// One budget
    Show {
        /// Its name
        name: String,
    },
    /// Make or change a budget
    Set(BudgetSet),
    /// Archive a budget; what is held settles on it
    Remove {
        /// Its name
        name: String,
    },
    /// Let calls pass, count on
    Pause {
        /// Its name
        name: String,
    },
    /// End a pause
    Resume {
        /// Its name
        name: String,
    },
}

#[derive(Args, Debug)]
pub struct BudgetSet {
    /// Its name
    pub name: String,
    /// Dollars in one window
    #[arg(long, value_name = "USD")]
    pub limit: Option<String>,
    /// total, minute, hour, day, week or month
    #[arg(long)]
    pub window: Option<String>,
    /// IANA time zone of the window
    #[arg(long)]
    pub time_zone: Option<String>,
    /// Attribute that a call must have, `k=v`; may be repeated
    #[arg(long = "match", value_name = "K=V", value_parser = pair)]
    pub matches: Vec<String>,
    /// Attribute that splits the budget; may be repeated
    #[arg(long)]
    pub per: Vec<String>,
    /// block or shadow
    #[arg(long)]
    pub on_exceed: Option<String>,
    /// billed or list
    #[arg(long)]
    pub measure: Option<String>,
    /// refuse, dearest or allow: what to do with a model without a price
    #[arg(long)]
    pub unpriced: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Every key, without its secret
    List,
    /// Make a key; its secret is shown once
    Create(KeyCreate),
    /// Change what a key may do; what isn't given stays
    Update(KeyUpdate),
    /// Give a key a new secret; its spend stays
    Rotate {
        /// The key's id or name
        id: String,
        /// For how many seconds the old secret works on
        #[arg(long, default_value_t = 0)]
        overlap: u64,
    },
    /// End a key
    Revoke {
        /// The key's id or name
        id: String,
    },
}

#[derive(Args, Debug)]
pub struct KeyCreate {
    /// A name for people, which budgets can match
    pub name: String,
    #[command(flatten)]
    pub rules: KeyRules,
}

#[derive(Args, Debug)]
pub struct KeyUpdate {
    /// The key's id or name
    pub id: String,
    #[command(flatten)]
    pub rules: KeyRules,
}

/// What a key may do.
#[derive(Args, Debug)]
pub struct KeyRules {
    /// Attribute of every call, `k=v`; may be repeated
    #[arg(long = "attribute", value_name = "K=V", value_parser = pair)]
    pub attributes: Vec<String>,
    /// Attribute that a client may set itself; may be repeated
    #[arg(long)]
    pub client_may_set: Vec<String>,
    /// Model that the key may use (`claude-*` for a prefix); may be repeated
    #[arg(long = "model")]
    pub models: Vec<String>,
    /// When the key ends, RFC 3339
    #[arg(long)]
    pub expires_at: Option<String>,
    /// Requests a minute
    #[arg(long)]
    pub requests_per_minute: Option<u64>,
    /// Tokens a minute
    #[arg(long)]
    pub tokens_per_minute: Option<u64>,
    /// Calls at a time
    #[arg(long)]
    pub concurrency: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub enum Import {
    /// LiteLLM's proxy config: providers, aliases, fallbacks, prices, teams and budgets; lists what could not be taken over
    Litellm(ImportLitellm),
}

#[derive(Args, Debug)]
pub struct ImportLitellm {
    /// The proxy's `config.yaml`
    pub config: PathBuf,
    /// Where the config is written; its price file comes beside it, as `NAME.prices.jsonl`
    #[arg(long, value_name = "FILE", default_value = "mete.toml")]
    pub output: PathBuf,
    /// Teams with their budgets: what LiteLLM's `GET /team/list` answers
    #[arg(long, value_name = "FILE")]
    pub teams: Option<PathBuf>,
    /// Keys with their limits: what LiteLLM's `GET /key/list?return_full_object=true` answers
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Write over files that are there already
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Subcommand)]
pub enum Calls {
    /// Calls, newest first
    List(CallsList),
    /// One call with its attempts
    Show {
        /// The call's id
        call: String,
    },
    /// Say what became of an unresolved or assumed call
    Resolve {
        /// The call's id
        call: String,
        /// What it cost, in dollars
        #[arg(long, value_name = "USD", conflicts_with = "void", required_unless_present = "void")]
        cost: Option<String>,
        /// It cost nothing
        #[arg(long)]
        void: bool,
        /// Why, for the audit
        #[arg(long)]
        reason: String,
    },
}

#[derive(Args, Debug)]
pub struct CallsList {
    /// From this time on, RFC 3339
    #[arg(long)]
    pub since: Option<String>,
    /// Before this time, RFC 3339
    #[arg(long)]
    pub until: Option<String>,
    /// Of this model
    #[arg(long)]
    pub model: Option<String>,
    /// Of this provider
    #[arg(long)]
    pub provider: Option<String>,
    /// held, settled, voided, unresolved, assumed or refused
    #[arg(long)]
    pub status: Option<String>,
    /// Of this run
    #[arg(long)]
    pub run: Option<String>,
    /// Of this key
    #[arg(long)]
    pub key: Option<String>,
    /// With this attribute, `k=v`; may be repeated
    #[arg(long = "attribute", value_name = "K=V", value_parser = pair)]
    pub attributes: Vec<String>,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
}

#[derive(Debug, Subcommand)]
pub enum Runs {
    /// Runs, newest first
    List {
        /// Only runs that go on
        #[arg(long)]
        active: bool,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// One run
    Show {
        /// The run's id
        run: String,
    },
    /// Give a run more: the same session goes on
    Raise {
        /// The run's id
        run: String,
        /// How much more, in dollars
        #[arg(long, value_name = "USD")]
        by: String,
    },
    /// End a run and its key
    End {
        /// The run's id
        run: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Prices {
    /// A model's rates with their source
    Show(PriceAsk),
    /// Which rule gives each rate, where it comes from, and what lost against it
    Why(PriceAsk),
    /// A price of your own, effective at once
    Set(PriceSet),
    /// Read price lists: litellm, genai-prices, models.dev, model-prices, metergraph, Azure's meters, GitHub's table, own CSV or JSONL
    Import(PriceImport),
    /// Take a price that an import put aside; without an id, list those that wait
    Accept(PriceAccept),
    /// What two price lists say differently
    Diff(PriceDiff),
    /// Where sources disagree, and why
    Conflicts(PriceConflicts),
    /// What is wrong or unusual in the book or in a file; exit 1 on errors
    Verify(PriceVerify),
    /// Write the book in force to a file that prices as it does: `mete cost --prices FILE`
    Snapshot(PriceSnapshot),
    /// Your own prices, oldest first
    Own,
    /// Forget a price of your own
    Forget {
        /// Its number in `mete prices own`
        id: i64,
    },
    /// Models that were called lately and have no price
    Unknown,
}

/// A book of imported sources instead of the data directory.
#[derive(Args, Clone, Debug)]
pub struct BookFile {
    /// A book of imported sources in a file of its own: no server, no data directory, no embedded prices
    #[arg(long, value_name = "FILE")]
    pub book: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct PriceAsk {
    /// The model, or a machine such as `p5.48xlarge`
    #[arg(required_unless_present = "named", conflicts_with = "named")]
    pub model: Option<String>,
    /// The model, by name
    #[arg(long = "model", value_name = "MODEL")]
    pub named: Option<String>,
    /// Whose prices (default: the model's vendor)
    #[arg(long)]
    pub seller: Option<String>,
    /// The provider's region
    #[arg(long)]
    pub region: Option<String>,
    /// Service tier
    #[arg(long)]
    pub tier: Option<String>,
    /// Kind of deployment, such as `data_zone` on Azure
    #[arg(long)]
    pub deployment: Option<String>,
    /// Price selector such as `processing=batch`; may be repeated
    #[arg(long, value_name = "K=V", value_parser = pair)]
    pub select: Vec<String>,
    /// At this time, RFC 3339 or a date (default: now)
    #[arg(long)]
    pub at: Option<String>,
    /// As the price book knew it at this time, RFC 3339 or a date (default: now)
    #[arg(long)]
    pub as_of: Option<String>,
    #[command(flatten)]
    pub book: BookFile,
}

#[derive(Args, Debug, Default)]
pub struct PriceSet {
    /// `seller/model`, for example `openai/gpt-7`
    pub sku: String,
    /// Dollars for a million input tokens
    #[arg(long, value_name = "USD")]
    pub input: Option<String>,
    /// Dollars for a million output tokens
    #[arg(long, value_name = "USD")]
    pub output: Option<String>,
    /// Dollars for a million tokens read from a cache
    #[arg(long, value_name = "USD")]
    pub cache_read: Option<String>,
    /// Dollars for a million tokens written to a cache for five minutes
    #[arg(long, value_name = "USD")]
    pub cache_write: Option<String>,
    /// Dollars for a million tokens written to a cache for one hour
    #[arg(long, value_name = "USD")]
    pub cache_write_1h: Option<String>,
    /// Dollars for a million reasoning tokens, where they aren't billed as output
    #[arg(long, value_name = "USD")]
    pub reasoning: Option<String>,
    /// Dollars for a million embedded tokens
    #[arg(long, value_name = "USD")]
    pub embedding: Option<String>,
    /// Any other meter by its name, with --price and --per: image, second, character, page, tool_call, vm_hour, …
    #[arg(long, value_name = "NAME", requires = "price")]
    pub meter: Option<String>,
    /// Dollars for --per units of --meter
    #[arg(long, value_name = "USD", requires = "meter")]
    pub price: Option<String>,
    /// Units that --price buys (default: 1000000 for tokens, else 1)
    #[arg(long, value_name = "N", requires = "meter")]
    pub per: Option<u64>,
    /// What splits --meter, such as `modality=audio` or `tool=web_search`; may be repeated
    #[arg(long, value_name = "K=V", value_parser = pair, requires = "meter")]
    pub attr: Vec<String>,
    /// Only for requests with this attribute, such as `service_tier=priority`; may be repeated
    #[arg(long, value_name = "K=V", value_parser = pair)]
    pub select: Vec<String>,
    /// Only in this region
    #[arg(long)]
    pub region: Option<String>,
    /// From this time on, RFC 3339 or a date (default: now)
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Until this time, RFC 3339 or a date
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// An agreement of your own rather than a list price
    #[arg(long)]
    pub contract: bool,
    /// The model costs nothing
    #[arg(long, conflicts_with_all = ["input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "embedding", "meter"])]
    pub free: bool,
}

#[derive(Args, Debug)]
pub struct PriceImport {
    /// A price list, or a directory of them; may be repeated
    #[arg(long = "file", value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// What the file is: litellm, genai-prices, models.dev, model-prices, metergraph, azure-retail, github-docs, csv or jsonl
    /// (default: by its content)
    #[arg(long)]
    pub source: Option<String>,
    /// The file's date, RFC 3339 or a date: what it changed counts from then (default: the date in its name, else now)
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Say what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Take a list with fewer than half of the prices of the last one
    #[arg(long)]
    pub may_shrink: bool,
    /// List everything, not only the first of each kind
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub book: BookFile,
}

#[derive(Args, Debug)]
pub struct PriceAccept {
    /// Its id in the import's report
    pub id: Option<String>,
    #[command(flatten)]
    pub book: BookFile,
}

#[derive(Args, Debug)]
pub struct PriceDiff {
    /// A file of any source, a book, `embedded`, or `current` for the book in force
    pub old: String,
    /// The same for the other side
    pub new: String,
    /// List everything, not only the first of each kind
    #[arg(long)]
    pub all: bool,
}

#[derive(Args, Debug)]
pub struct PriceConflicts {
    /// Only of this seller
    #[arg(long)]
    pub seller: Option<String>,
    /// Only of this model
    #[arg(long)]
    pub model: Option<String>,
    /// Only of this cause, such as `rate_stale`, `off_peak` or `region_uplift`
    #[arg(long)]
    pub cause: Option<String>,
    /// At this time, RFC 3339 or a date (default: now)
    #[arg(long)]
    pub at: Option<String>,
    /// List everything, not only the first 40
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub book: BookFile,
}

#[derive(Args, Debug)]
pub struct PriceVerify {
    /// A file of any source (default: the book in force)
    pub file: Option<PathBuf>,
    /// List everything, not only the first 40
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub book: BookFile,
}

#[derive(Args, Debug)]
pub struct PriceSnapshot {
    /// Where to write it; must not exist
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub book: BookFile,
}

#[derive(Args, Debug)]
pub struct Cost {
    /// openai, anthropic or gemini: the shape of the usage document
    #[arg(long)]
    pub dialect: String,
    /// The model
    #[arg(long)]
    pub model: String,
    /// What the provider sent: its usage object, a whole answer or the events of a stream; as text, a file name, or `-` for stdin
    #[arg(long, default_value = "-")]
    pub usage: String,
    /// chat, responses, embeddings, messages, generate, images, … (default: by the usage's shape)
    #[arg(long)]
    pub operation: Option<String>,
    /// Whose prices (default: the dialect's vendor)
    #[arg(long)]
    pub seller: Option<String>,
    /// The provider's region
    #[arg(long)]
    pub region: Option<String>,
    /// Price selector such as `service_tier=priority`; may be repeated
    #[arg(long, value_name = "K=V", value_parser = pair)]
    pub select: Vec<String>,
    /// When the call was made, RFC 3339 or a date (default: now)
    #[arg(long)]
    pub at: Option<String>,
    /// As the price book knew it at this time, RFC 3339 or a date (default: now)
    #[arg(long)]
    pub as_of: Option<String>,
    #[command(flatten)]
    pub book: BookFile,
}

#[derive(Args, Debug)]
pub struct Estimate {
    /// A request's JSON: a file name, or `-` for stdin
    #[arg(default_value = "-")]
    pub file: String,
    /// chat, responses, embeddings, messages or generate (default: by the request's shape)
    #[arg(long)]
    pub operation: Option<String>,
    /// The model, where the request doesn't name it (Gemini)
    #[arg(long)]
    pub model: Option<String>,
    /// Attribute of the call, `k=v`; may be repeated
    #[arg(long = "attribute", value_name = "K=V", value_parser = pair)]
    pub attributes: Vec<String>,
    /// The run that it would belong to
    #[arg(long)]
    pub run: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Rules {
    /// Which rule of the config file would set which tag, and whether the call would be refused
    Test(RulesTest),
}

#[derive(Args, Debug)]
pub struct RulesTest {
    /// Attribute that the call brings, `k=v`, `key`, `run` and `model` included; may be repeated
    #[arg(long = "attribute", value_name = "K=V", value_parser = pair)]
    pub attributes: Vec<String>,
    /// When it would be made: a date, or RFC 3339 (default: now)
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Backup {
    /// Write a consistent copy while the server runs
    Create {
        /// The file to write; must not exist
        file: PathBuf,
    },
    /// Put a copy in place of an empty data directory
    Restore {
        /// The file to read
        file: PathBuf,
    },
}

/// An amount of dollars to spend, checked where it is typed.
fn usd(text: &str) -> Result<String, money::AmountError> {
    money::Nanos::from_usd(text).map(|_| text.to_owned())
}

/// `k=v`, checked where it is typed.
fn pair(text: &str) -> Result<String, &'static str> {
    let has_name = text.split_once('=').is_some_and(|(name, _)| !name.is_empty());
    if has_name { Ok(text.to_owned()) } else { Err("write it as k=v") }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }

    /// Every verb's help, in the order of the command line.
    fn reference() -> String {
        let mut page = "# Command line\n\n*Made from the code: `METE_WRITE_DOCS=1 cargo test -p cli`. Do not edit.*\n".to_owned();
        let mut root = super::Arguments::command();
        root.build();
        describe(&root, "mete", &mut page);
        page
    }

    fn describe(command: &clap::Command, name: &str, page: &mut String) {
        let help = command.clone().term_width(100).render_long_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        let _ = write!(page, "\n## `{name}`\n\n```text\n{}\n```\n", help.join("\n").trim_end());
        for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help") {
            describe(verb, &format!("{name} {}", verb.get_name()), page);
        }
    }

    #[test]
    fn the_reference_is_what_the_code_says() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
        let page = reference();
        if std::env::var_os("METE_WRITE_DOCS").is_some() {
            std::fs::write(file, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), page, "docs/cli.md is stale: METE_WRITE_DOCS=1 cargo test -p cli");
    }
}
