//! One file per verb. A command asks the admin API, prints data, and says with its exit code how it went.

mod ask;
mod backup;
mod budgets;
mod calls;
mod check;
#[cfg(feature = "demo")]
mod demo;
mod estimate;
mod import;
mod keys;
mod prices;
mod rules;
mod run;
mod runs;
mod serve;

use crate::args::{Command, Import, Rules};
use crate::context::Context;
use crate::exit;

/// Runs a command and gives its exit code.
pub async fn dispatch(context: &Context, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Run(options) => return run::run(context, options).await,
        Command::Serve(options) => serve::serve(context, &options).await?,
        #[cfg(feature = "demo")]
        Command::Demo(options) => return demo::demo(context, &options).await,
        Command::Budgets(command) => budgets::budgets(context, command).await?,
        Command::Keys(command) => keys::keys(context, command).await?,
        Command::Calls(command) => calls::calls(context, command).await?,
        Command::Runs(command) => runs::runs(context, command).await?,
        Command::Prices(command) => return prices::prices(context, command).await,
        Command::Import(Import::Litellm(options)) => import::litellm(context, &options)?,
        Command::Cost(options) => estimate::cost(context, options).await?,
        Command::Explain { call } => calls::explain(context, &call).await?,
        Command::Estimate(options) => estimate::estimate(context, &options).await?,
        Command::Rules(Rules::Test(options)) => return rules::test(context, &options),
        Command::Verify { full } => return check::verify(context, full),
        Command::Doctor { connect } => return check::doctor(context, connect).await,
        Command::Backup(command) => backup::backup(context, command).await?,
        Command::Audit { limit } => check::audit(context, limit).await?,
        Command::Reload => serve::reload(context).await?,
        Command::Completions { shell } => serve::completions(shell),
    }
    Ok(exit::OK)
}
