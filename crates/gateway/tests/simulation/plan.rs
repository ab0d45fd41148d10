//! What one seed plays: the shape of the world, and which operations and faults are switched on in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ledger::{BudgetSpec, Measure, OnExceed, Window};
use money::Nanos;
use simulator::rng::Rng;

/// The enum and the list of all that is in it.
macro_rules! plays {
    ($($play:ident),* $(,)?) => {
        /// Operations and faults. Each seed switches some of them off, so that rare ones aren't drowned by frequent ones.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Play {
            $($play),*
        }

        use Play::*;

        const ALL: &[Play] = &[$($play),*];
    };
}

plays! {
    NetworkCuts,
    NetworkSlow,
    Fragments,
    Refusals,
    ProviderFaults,
    Lies,
    Leaving,
    SlowReaders,
    Repeats,
    Crashes,
    PowerCuts,
    SlowDisk,
    FailingDisk,
    Reloads,
    PriceReloads,
    LimitChanges,
    BudgetRemovals,
    KeyRevocations,
    ClockJumps,
    Stops,
    Runs,
    Templates,
    Shadows,
    Windows,
    Retries,
    Fallbacks,
    Resolving,
    LongPrompts,
}

/// The attributes of a hierarchy, from its root.
pub const LEVELS: [&str; 6] = ["org", "team", "project", "feature", "user", "app"];

/// A virtual key to be made.
#[derive(Clone, Debug)]
pub struct KeyPlan {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
}

/// A run to be started.
#[derive(Clone, Debug)]
pub struct RunPlan {
    pub parent: Option<usize>,
    pub limit: Option<i64>,
}

/// The times and manners of the gateway.
#[derive(Clone, Debug)]
pub struct Manners {
    pub floor: u64,
    pub clamp: bool,
    pub wait: Duration,
    pub connect: Duration,
    pub first_byte: Duration,
    pub idle: Duration,
    pub total: Duration,
    pub grace: Duration,
    pub retries: u32,
    pub fallback: bool,
}

impl Manners {
    /// How long a call waits for money: at most half of the time that it has.
    pub fn wait(&self) -> Duration {
        self.wait.min(self.total / 2)
    }
}

/// One seed's world.
#[derive(Clone, Debug)]
pub struct Plan {
    pub on: BTreeSet<Play>,
    pub budgets: Vec<BudgetSpec>,
    pub keys: Vec<KeyPlan>,
    pub runs: Vec<RunPlan>,
    pub manners: Manners,
    pub calls: u64,
    /// Virtual milliseconds over which calls arrive.
    pub span_ms: u64,
    /// A typical least hold, in nano-dollars.
    pub unit: i64,
    /// Milliseconds of a turn of the writer.
    pub disk_ms: u64,
}

impl Plan {
    pub fn draw(chance: &mut Rng) -> Self {
        let percent = chance.between(20, 70);
        let on: BTreeSet<Play> = ALL.iter().copied().filter(|_| chance.chance(percent)).collect();
        let manners = manners(&on, chance);
        let unit = i64::try_from(manners.floor * 2_000 + 120_000).unwrap();
        let depth = usize::try_from(chance.between(1, 6)).unwrap();
        let keys = keys(depth, chance);
        let budgets = budgets(&keys, depth, unit, &on, chance);
        let runs = if on.contains(&Runs) { runs(unit, chance) } else { Vec::new() };
        Self {
            budgets,
            keys,
            runs,
            manners,
            calls: chance.between(15, 60),
            span_ms: *chance.pick(&[300, 3_000, 15_000, 60_000]).unwrap(),
            unit,
            disk_ms: *chance.pick(&[1, 2, 4, 15]).unwrap(),
            on,
        }
    }

    pub fn has(&self, play: Play) -> bool {
        self.on.contains(&play)
    }
}

fn manners(on: &BTreeSet<Play>, chance: &mut Rng) -> Manners {
    let seconds = |chance: &mut Rng, low, high| Duration::from_secs(chance.between(low, high));
    Manners {
        floor: *chance.pick(&[16, 64, 256, 1_024]).unwrap(),
        clamp: chance.chance(80),
        wait: Duration::from_millis(*chance.pick(&[0, 300, 2_000, 20_000]).unwrap()),
        connect: seconds(chance, 1, 5),
        first_byte: seconds(chance, 3, 10),
        idle: seconds(chance, 2, 8),
        total: seconds(chance, 12, 60),
        grace: seconds(chance, 2, 60),
        retries: if on.contains(&Retries) { u32::try_from(chance.between(1, 2)).unwrap() } else { 0 },
        fallback: on.contains(&Fallbacks),
    }
}

fn keys(depth: usize, chance: &mut Rng) -> Vec<KeyPlan> {
    let width = chance.between(1, 2);
    let key = |number: u64, chance: &mut Rng| {
        let value =
            |level: usize, chance: &mut Rng| format!("{}{}", &LEVELS[level][..1], if level == 0 { 0 } else { chance.between(0, width) });
        let attributes = (0..depth).map(|level| (LEVELS[level].to_owned(), value(level, chance))).collect();
        KeyPlan { name: format!("key{number}"), attributes }
    };
    (0..chance.between(1, 5)).map(|number| key(number, chance)).collect()
}

/// A limit near the bounds of a few calls, where most mistakes are.
pub fn limit(unit: i64, chance: &mut Rng) -> i64 {
    let bounds = *chance.pick(&[1, 2, 3, 4, 6, 10, 25, 80, 200]).unwrap();
    let jitter = i64::try_from(chance.between(0, 60)).unwrap() - 20;
    unit * bounds + unit * jitter / 100
}

fn budgets(keys: &[KeyPlan], depth: usize, unit: i64, on: &BTreeSet<Play>, chance: &mut Rng) -> Vec<BudgetSpec> {
    let mut chosen: BTreeMap<String, BudgetSpec> = BTreeMap::new();
    let density = chance.between(30, 95);
    for key in keys {
        for level in 0..depth {
            let matches: BTreeMap<String, String> =
                LEVELS[..=level].iter().map(|name| ((*name).to_owned(), key.attributes[*name].clone())).collect();
            let name = format!("L{level}-{}", matches.values().cloned().collect::<Vec<_>>().join("."));
            if chance.chance(density) && chosen.len() < 38 && !chosen.contains_key(&name) {
                // A root holds more than what is below it, most of the time.
                let share = if chance.chance(70) { i64::try_from(depth - level).unwrap() } else { 1 };
                let spec = budget(&name, limit(unit, chance) * share, matches, Vec::new(), on, chance);
                chosen.insert(name, spec);
            }
        }
    }
    if on.contains(&Templates) {
        let spec = budget("per-customer", limit(unit, chance), BTreeMap::new(), vec!["customer".to_owned()], on, chance);
        chosen.insert(spec.name.clone(), spec);
    }
    if chosen.is_empty() {
        let spec = budget("all", limit(unit, chance) * 3, BTreeMap::new(), Vec::new(), on, chance);
        chosen.insert(spec.name.clone(), spec);
    }
    chosen.into_values().collect()
}

fn budget(
    name: &str,
    limit: i64,
    matches: BTreeMap<String, String>,
    per: Vec<String>,
    on: &BTreeSet<Play>,
    chance: &mut Rng,
) -> BudgetSpec {
    let windows = [Window::Total, Window::Minute, Window::Minute, Window::Hour, Window::Day];
    BudgetSpec {
        name: name.to_owned(),
        limit: Some(Nanos::new(limit)),
        window: if on.contains(&Windows) { *chance.pick(&windows).unwrap() } else { Window::Total },
        time_zone: "UTC".to_owned(),
        week_starts_monday: true,
        matches,
        per,
        on_exceed: if on.contains(&Shadows) && chance.chance(25) { OnExceed::Shadow } else { OnExceed::Block },
        measure: Measure::Billed,
        grant_share_thousandths: *chance.pick(&[100, 250, 500, 1_000]).unwrap(),
        paused: false,
    }
}

fn runs(unit: i64, chance: &mut Rng) -> Vec<RunPlan> {
    (0..chance.between(1, 4))
        .map(|number| RunPlan {
            parent: if number > 0 && chance.chance(70) { usize::try_from(chance.between(0, number - 1)).ok() } else { None },
            limit: if chance.chance(80) { Some(limit(unit, chance) * 2) } else { None },
        })
        .collect()
}
