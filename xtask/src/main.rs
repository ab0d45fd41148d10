//! Development commands: `cargo xtask check` does what CI does.

mod arrows;
mod bench;
mod check;
mod cycles;
mod fuzz;
mod mutants;
mod prices;
mod prove;
mod resources;
mod tightness;
mod witness;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

  check               formatting, lints, arrows between crates, module cycles, documentation, tests
  check --no-tests    the same without the tests
  check --quick       only what needs no build
  prove [--long] [--lane NAME] [--seed N] [--jobs N]
                      every lane of the proof; --long writes docs/reliability.md; --seed repeats one history of a lane
  prove --page        write docs/reliability.md from the last long run of each lane
  prove --planted [WORDS]
                      mistakes made on purpose, each of which a simulated history has to notice
  fuzz [--seconds N] [--keep] [TARGET ...]
                      let libFuzzer search the readers of outside bytes by coverage
  mutants [--jobs N] [--since REVISION | --report]
                      plant bugs in money and pricing and see that the tests notice; writes docs/mutation.md
  prices --from DIR --out prices/
                      convert published price facts into the embedded price book
  resources --from DIR --out prices/resources/
                      convert machine hours, shapes and the meters beside models
  bench all|gateway|store|trace|page [--docs] [--profile NAME] [...]
                      what a call takes beside a bare proxy, nginx, HAProxy and PostgreSQL, as ratios; --docs writes
                      docs/performance.md from what was measured, `page --docs` from what was kept;
                      `all [--quick] [--trace DIR] [--peer NAME=URL]` takes twenty minutes; --help for more
  bench pricing [--docs FILE]
                      what pricing takes beside what every gateway does, as ratios
  bench callgrind [--write]
                      instructions of one call by stage, beside the committed ones; --write commits new ones
  tightness [--write] bound ÷ actual of the input on real text; --write writes docs/tightness.md
  witness [--draws N] [--seed S] [--case N] [--survey N] [--docs FILE]
                      costs and bounds against a provider's own bill, by chance; --case repeats one at its smallest,
                      --survey prints the smallest failure of each model among the first N
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["check"] => check::without_tests().and_then(|()| check::tests()),
        ["check", "--no-tests"] => check::without_tests(),
        ["check", "--quick"] => check::quick(),
        ["prove", rest @ ..] => prove::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["mutants", rest @ ..] => mutants::run(rest),
        ["prices", rest @ ..] => prices::run(rest),
        ["resources", rest @ ..] => resources::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["tightness", rest @ ..] => tightness::run(rest),
        ["witness", rest @ ..] => witness::run(rest),
        _ => {
            say(USAGE);
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Talk goes to stderr, as in `mete` itself.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
}
