//! One call after another through the whole gateway in one process, for counting instructions: `cargo xtask bench callgrind`.
//!
//! Client, gateway and provider share one thread and talk over loopback, and the books have theirs, so that two runs differ only
//! by a few random ids. What a way costs is the difference of two runs with other numbers of calls; what Mete costs is the
//! difference to the way `direct`, which has no proxy, beside the way `bare`, which has the least proxy that hyper can be.

mod wire;
mod world;

use std::net::SocketAddr;

use wire::Exchange;

/// What stands between the client and the provider.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nothing.
    Direct,
    /// A proxy of hyper and nothing else.
    Bare,
    /// Mete with so many budgets that match, one of them the key's.
    Mete { budgets: usize },
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some((way, exchange, calls)) = understood(&words) else {
        say("hot_path direct|bare|mete-0|mete-1|mete-4 chat|chat-64k|stream CALLS");
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(way, exchange, calls)),
        Err(error) => say(&format!("no runtime: {error}")),
    }
}

fn understood(words: &[&str]) -> Option<(Way, Exchange, u32)> {
    let [way, exchange, calls] = words else { return None };
    let way = match *way {
        "direct" => Way::Direct,
        "bare" => Way::Bare,
        _ => Way::Mete { budgets: way.strip_prefix("mete-")?.parse().ok()? },
    };
    let exchange = match *exchange {
        "chat" => Exchange::chat(1 << 10),
        "chat-64k" => Exchange::chat(64 << 10),
        "stream" => Exchange::stream(),
        _ => return None,
    };
    Some((way, exchange, calls.parse().ok()?))
}

async fn run(way: Way, exchange: Exchange, calls: u32) {
    let provider = wire::provider(exchange.answer.clone()).await;
    let world = match way {
        Way::Mete { budgets } => Some(world::World::new(provider, budgets).await),
        Way::Direct | Way::Bare => None,
    };
    let (address, key) = match &world {
        Some(world) => (world.address, world.key.clone()),
        None => (front(way, provider).await, "mk_none".to_owned()),
    };
    wire::call(address, &exchange, &key, calls).await;
    if let Some(world) = world {
        world.end(calls).await;
    }
}

async fn front(way: Way, provider: SocketAddr) -> SocketAddr {
    match way {
        Way::Bare => wire::bare(provider).await,
        _ => provider,
    }
}

fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}
