//! What calls share in memory, in every order of their steps: the files of `src` themselves, compiled over locks and channels that
//! try orders instead of waiting for them. Each case is also run over torn ones ([`torn`]), which it must notice.

#![allow(dead_code, unused_imports, reason = "only what is shared is used of these files")]
#![allow(clippy::unit_cmp, clippy::print_stdout, clippy::duplicate_mod, reason = "a proof; and the files are compiled twice on purpose")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

#[path = "../../../ledger/tests/orders/mod.rs"]
mod orders;
mod torn;

macro_rules! shared_memory {
    ($name:ident, $sync:item) => {
        #[path = "../../src"]
        mod $name {
            $sync
            pub(crate) mod busy;
            #[path = "../tests/shuttle/cases.rs"]
            pub(crate) mod cases;
            pub(crate) mod denied;
            pub(crate) mod history;
            pub(crate) mod in_flight;
            pub(crate) mod limiter;
            pub(crate) mod metrics;
            pub(crate) mod stored;
        }
    };
}

shared_memory!(
    sound,
    pub(crate) mod sync {
        pub(crate) use shuttle::sync::{Mutex, MutexGuard};
        pub(crate) use shuttle_tokio::sync::watch;
    }
);

shared_memory!(
    broken,
    pub(crate) mod sync {
        pub(crate) use crate::torn::{Mutex, MutexGuard, watch};
    }
);

fn main() {
    let (in_order, random) = match std::env::var("METE_PROOF").as_deref() {
        Ok("short") => (20_000, 20),
        Ok("long") => (1_000_000, 2_000),
        _ => (500, 2),
    };
    let schedules: &'static AtomicU64 = Box::leak(Box::default());
    for ((name, sound), (_, broken)) in sound::cases::CASES.iter().zip(broken::cases::CASES) {
        let counted = move || {
            schedules.fetch_add(1, Ordering::Relaxed);
            sound();
        };
        if orders::are_all() {
            shuttle::check_dfs(counted, Some(in_order));
        }
        orders::seeds(random).for_each(|seed| orders::by_seed("orders-gateway", name, seed, counted));
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let noticed = catch_unwind(AssertUnwindSafe(|| shuttle::check_random(*broken, 20_000)));
        std::panic::set_hook(loud);
        assert!(noticed.is_err(), "{name}: nobody noticed the torn lock");
    }
    let cases = sound::cases::CASES.len();
    let counts = serde_json::json!({ "cases": cases, "schedules": schedules.load(Ordering::Relaxed), "planted bugs caught": cases });
    let title = "orders in which calls can reach what they share in memory";
    println!(
        "proof {}",
        serde_json::json!({ "lane": "orders-gateway", "title": title, "counts": counts, "violations": 0, "figures": {}, "sometimes": {} })
    );
}
