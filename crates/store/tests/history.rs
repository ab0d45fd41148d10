//! Twelve callers at once on live books, and what each was told: the journal gives the order, the reference says whether every answer
//! is right at its place, and no answer stands before one that was given before it was asked.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that fails here fails loudly; a proof tells what it counted")]

#[path = "../../ledger/tests/oracle/mod.rs"]
mod oracle;
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use ledger::{Account, Command, Event, HoldAsk, HoldId, Refusal};
use money::Nanos;
use oracle::model::{Model, Said};
use store::{Books, HoldAnswer, Outcome};
use support::*;

const CALLERS: u64 = 12;
const CALLS: u64 = 100;

/// One thing that a caller asked and was told, and when by a clock that all callers share.
struct Told {
    asked: u64,
    answered: u64,
    ask: HoldAsk,
    answer: Result<Nanos, (Box<Refusal>, u64)>,
}

/// Numbers that differ with the seed, without a library.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

async fn caller(books: Books, ticks: Arc<AtomicU64>, mut draw: Draw) -> Vec<Told> {
    let mut told = Vec::new();
    for _ in 0..CALLS {
        let team = ["a", "b"][usize::try_from(draw.below(2)).unwrap()];
        let mut asked = request("0", &[("team", team)]);
        let min = i64::try_from(draw.below(40)).unwrap();
        (asked.ask.min, asked.ask.want) = (Nanos::new(min), Nanos::new(min + i64::try_from(draw.below(30)).unwrap()));
        if draw.below(5) == 0 {
            // Whoever waits may be given less than it wants, for the sake of others who wait: it asks for one amount.
            asked.ask.want = asked.ask.min;
            asked.wait = Duration::from_millis(draw.below(20));
        }
        let (ask, hold) = (asked.ask.clone(), asked.ask.id);
        let at = ticks.fetch_add(1, Ordering::SeqCst);
        let answer = books.hold(asked).await.unwrap();
        let answered = ticks.fetch_add(1, Ordering::SeqCst);
        let answer = match answer {
            HoldAnswer::Granted(grant) => Ok(grant.granted),
            HoldAnswer::Refused(refusal, seq) => Err((refusal, seq)),
            HoldAnswer::Duplicate(call) => panic!("{call} has no client key"),
        };
        if answer.is_ok() {
            let cost = Nanos::new(i64::try_from(draw.below(45)).unwrap());
            let outcome = if draw.below(4) == 0 { Outcome::Voided } else { Outcome::Settled { cost, estimated: false } };
            books.finish(end(hold, outcome)).await.unwrap();
        }
        told.push(Told { asked: at, answered, ask, answer });
    }
    told
}

/// What can be read at any instant is within the limit.
async fn reader(books: Books, done: Arc<AtomicU64>) -> u64 {
    let mut looks = 0;
    while done.load(Ordering::SeqCst) < CALLERS {
        for view in books.accounts().await.unwrap() {
            let committed = view.spent.get() + view.held.get();
            assert!(committed <= view.limit.unwrap().get(), "{view:?}");
        }
        looks += 1;
        tokio::task::yield_now().await;
    }
    looks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_answer_is_right_at_its_place_in_the_journal() {
    let histories = match std::env::var("METE_PROOF").as_deref() {
        Ok("short") => 5,
        Ok("long") => 200,
        _ => 1,
    };
    let first = std::env::var("METE_SEED").map_or_else(|_| u64::try_from(random() >> 96).unwrap(), |seed| seed.parse().unwrap());
    let mut counts = BTreeMap::from([("histories", 0), ("answers", 0), ("refusals", 0), ("looks", 0), ("journal lines", 0)]);
    for seed in (0..histories).map(|index| first.wrapping_add(index)) {
        println!("METE_SEED={seed}");
        one_history(seed, &mut counts).await;
    }
    let title = "histories of many callers at once, each answer checked at its place in the journal";
    let line = serde_json::json!({ "lane": "history", "title": title, "counts": counts, "violations": 0, "figures": {}, "sometimes": { "refused": counts["refusals"] } });
    println!("proof {line}");
}

async fn one_history(seed: u64, counts: &mut BTreeMap<&'static str, u64>) {
    let dir = TempDir::in_memory();
    let (books, _) = open(dir.path());
    let mut team = budget("team-a", "1", &[("team", "a")]);
    let mut all = budget("all", "1", &[]);
    (all.limit, team.limit) = (Some(Nanos::new(12_000)), Some(Nanos::new(5_000)));
    (all.grant_share_thousandths, team.grant_share_thousandths) = (10, 700);
    for spec in [&all, &team] {
        put(&books, spec.clone()).await;
    }
    let (ticks, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let looks = tokio::spawn(reader(books.clone(), Arc::clone(&done)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|number| {
            let (books, ticks, done) = (books.clone(), Arc::clone(&ticks), Arc::clone(&done));
            tokio::spawn(async move {
                let told = caller(books, ticks, Draw(seed.wrapping_mul(31).wrapping_add(number))).await;
                done.fetch_add(1, Ordering::SeqCst);
                told
            })
        })
        .collect();
    let mut told = Vec::new();
    for caller in callers {
        told.extend(caller.await.unwrap());
    }
    *counts.get_mut("looks").unwrap() += looks.await.unwrap();
    let lines = books.reader().journal(0, 100_000).unwrap();
    books.close().await.unwrap();
    *counts.get_mut("histories").unwrap() += 1;
    *counts.get_mut("answers").unwrap() += told.len() as u64;
    *counts.get_mut("refusals").unwrap() += told.iter().filter(|told| told.answer.is_err()).count() as u64;
    *counts.get_mut("journal lines").unwrap() += lines.len() as u64;
    check_places(&told, &lines);
    check_answers(&told, &lines, [all, team]);
}

/// Twice the number of its line, or one more than twice the line before for a refusal, which has none.
fn place(told: &Told, lines: &[(i64, serde_json::Value)]) -> u64 {
    match &told.answer {
        Err((_, seq)) => 2 * seq + 1,
        Ok(_) => {
            let name = store::hold_text(told.ask.id);
            let line = lines.iter().find(|(_, line)| line["event"] == "held" && line["id"] == name.as_str());
            2 * u64::try_from(line.unwrap_or_else(|| panic!("{name} was granted and isn't in the journal")).0).unwrap()
        }
    }
}

/// Whoever was answered before another asked stands before it.
fn check_places(told: &[Told], lines: &[(i64, serde_json::Value)]) {
    let mut moments: Vec<(u64, Option<u64>)> = Vec::new();
    for one in told {
        let place = place(one, lines);
        moments.push((one.asked, None));
        moments.push((one.answered, Some(place)));
    }
    moments.sort_unstable();
    let at: BTreeMap<u64, u64> = told.iter().map(|one| (one.asked, place(one, lines))).collect();
    let mut latest = 0;
    for (moment, answered) in moments {
        match answered {
            Some(place) => latest = latest.max(place),
            None => assert!(at[&moment] >= latest, "an answer stands before one that was given before it was asked"),
        }
    }
}

fn check_answers(told: &[Told], lines: &[(i64, serde_json::Value)], specs: [ledger::BudgetSpec; 2]) {
    let asks: BTreeMap<String, &Told> = told.iter().map(|told| (store::hold_text(told.ask.id), told)).collect();
    let mut refused: BTreeMap<u64, Vec<&Told>> = BTreeMap::new();
    for one in told {
        if let Err((_, seq)) = &one.answer {
            refused.entry(*seq).or_default().push(one);
        }
    }
    let mut model = Model::default();
    let mut specs = specs.into_iter();
    for (seq, line) in lines {
        let at: Timestamp = line["at"].as_str().unwrap().parse().unwrap();
        let named = |field: &str| store::parse_hold(line[field].as_str().unwrap()).unwrap();
        let command = match line["event"].as_str().unwrap() {
            "budget_put" => Command::PutBudget(specs.next().unwrap()),
            "held" => Command::Hold(asks[line["id"].as_str().unwrap()].ask.clone()),
            "settled" => Command::Settle { hold: named("hold"), cost: Nanos::new(line["cost"].as_i64().unwrap()), estimated: false },
            "voided" => Command::Void(named("hold")),
            other => panic!("nobody asked for {other}"),
        };
        let said = model.ask(&command, at);
        let Said::Yes(event) = &said else { panic!("line {seq}: the reference says {said:?}\n{line}") };
        if let Event::Held(held) = event {
            check_grant(held, line, asks[line["id"].as_str().unwrap()]);
        }
        model.make(&command, event, at);
        for one in refused.remove(&u64::try_from(*seq).unwrap()).into_iter().flatten() {
            let Err((refusal, _)) = &one.answer else { continue };
            assert_eq!(model.ask(&Command::Hold(one.ask.clone()), at), Said::Refused((**refusal).clone()), "a refusal after line {seq}");
        }
    }
    assert!(refused.is_empty(), "refusals after lines that don't exist");
}

fn check_grant(held: &ledger::Held, line: &serde_json::Value, told: &Told) {
    assert_eq!(line["granted"].as_i64(), Some(held.granted.get()), "{line}");
    assert_eq!(told.answer.as_ref().ok(), Some(&held.granted), "the caller was told another amount");
    let amounts: BTreeMap<&Account, Nanos> = held.accounts.iter().map(|(account, amount)| (account, *amount)).collect();
    assert_eq!(line["accounts"].as_array().unwrap().len(), amounts.len(), "{line}");
    let _: HoldId = held.id;
}
