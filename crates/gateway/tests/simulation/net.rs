//! The network between gateway and providers: pipes in memory that delay, fragment, cut, reset and swallow.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use gateway::{Connecting, Network, Stream};
use http::Uri;
use simulator::rng::Rng;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::plan::Play;
use crate::process::Process;
use crate::sim::Sim;

/// The network of one process of the gateway. The process owns it and the simulation owns the process, so it owns neither.
pub struct Wires {
    pub sim: Weak<Sim>,
    pub process: Weak<Process>,
}

impl Network for Wires {
    fn connect(&self, address: Uri) -> Connecting {
        let (sim, process) = (self.sim.upgrade(), self.process.upgrade());
        Box::pin(async move {
            let (Some(sim), Some(process)) = (sim, process) else { return Err(io::ErrorKind::ConnectionRefused.into()) };
            let mut chance = sim.fork();
            let faulty = |play: Play| !sim.is_healed() && sim.plan.has(play);
            if process.is_dead() {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            if faulty(Play::NetworkSlow) && chance.chance(40) {
                tokio::time::sleep(Duration::from_millis(chance.between(1, 2_000))).await;
            }
            if faulty(Play::Refusals) && chance.chance(25) {
                if chance.chance(30) {
                    // Nobody answers: the gateway's own time to connect must end it.
                    tokio::time::sleep(Duration::from_secs(3_600)).await;
                }
                sim.note("connection refused", "");
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            if process.is_dead() {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = tokio::io::duplex(64 * 1024);
            sim.provider(address.host().unwrap_or_default()).serve(far);
            let rules = Rules::draw(&faulty, &mut chance);
            let life = Arc::new(Life::default());
            process.wire(Arc::clone(&life));
            sim.note("connected", address.host().unwrap_or_default());
            let pipe = Pipe { near, rules, read: 0, written: 0, wait: None, life, sim, process, chance };
            Ok(Box::new(pipe) as Box<dyn Stream>)
        })
    }
}

/// What happens to one connection, by bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Rules {
    /// The answer breaks after so many bytes; with a reset, or as if it had been ended.
    read_cut: Option<(u64, bool)>,
    /// The request breaks after so many bytes.
    write_cut: Option<u64>,
    /// Nothing arrives any more after so many bytes.
    swallow: Option<u64>,
    /// Pieces are at most so large.
    piece: Option<usize>,
    /// Each piece takes up to so many milliseconds.
    slow_ms: Option<u64>,
}

impl Rules {
    fn draw(faulty: &impl Fn(Play) -> bool, chance: &mut Rng) -> Self {
        let mut rules = Self::default();
        if faulty(Play::NetworkCuts) {
            match chance.between(0, 9) {
                0 | 1 => rules.read_cut = Some((chance.between(0, 2_500), chance.chance(60))),
                2 => rules.write_cut = Some(chance.between(0, 1_500)),
                3 => rules.swallow = Some(chance.between(0, 2_000)),
                _ => {}
            }
        }
        if faulty(Play::Fragments) {
            rules.piece = Some(usize::try_from(*chance.pick(&[7, 64, 300, 1_000]).unwrap()).unwrap());
        }
        if faulty(Play::NetworkSlow) && chance.chance(50) {
            rules.slow_ms = Some(*chance.pick(&[5, 80, 700]).unwrap());
        }
        rules
    }
}

/// Whether the process that a connection belongs to still lives.
#[derive(Default)]
pub struct Life {
    is_over: AtomicBool,
    waker: AtomicWaker,
}

impl Life {
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.waker.wake();
    }
}

struct Pipe {
    near: DuplexStream,
    rules: Rules,
    read: u64,
    written: u64,
    wait: Option<Pin<Box<Sleep>>>,
    life: Arc<Life>,
    sim: Arc<Sim>,
    process: Arc<Process>,
    chance: Rng,
}

impl Pipe {
    fn check(&self, context: &Context<'_>) -> io::Result<()> {
        self.life.waker.register(context.waker());
        if self.life.is_over.load(Ordering::Relaxed) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        if self.sim.is_healed() {
            self.rules = Rules::default();
        }
        if self.rules.swallow.is_some_and(|at| self.read >= at) {
            self.sim.seen("an answer was swallowed");
            return Poll::Pending;
        }
        if let Some(wait) = &mut self.wait {
            std::task::ready!(wait.as_mut().poll(context));
            self.wait = None;
        }
        let room = buffer.remaining();
        let mut most = self.rules.piece.map_or(room, |piece| piece.min(room));
        if let Some((at, is_reset)) = self.rules.read_cut {
            most = most.min(usize::try_from(at.saturating_sub(self.read)).unwrap_or(usize::MAX));
            if most == 0 {
                self.sim.note("answer cut", &self.read.to_string());
                return if is_reset { Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())) } else { Poll::Ready(Ok(())) };
            }
        }
        let mut piece = vec![0; most];
        let mut small = ReadBuf::new(&mut piece);
        std::task::ready!(Pin::new(&mut self.near).poll_read(context, &mut small))?;
        let filled = small.filled();
        buffer.put_slice(filled);
        self.read += filled.len() as u64;
        if let Some(slow) = self.rules.slow_ms {
            let after = Duration::from_millis(self.chance.between(0, slow));
            self.wait = Some(Box::pin(tokio::time::sleep_until(Instant::now() + after)));
        }
        let (sim, process) = (Arc::clone(&self.sim), Arc::clone(&self.process));
        sim.event(&process, "read");
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(context)?;
        if self.sim.is_healed() {
            self.rules = Rules::default();
        }
        let (sim, process) = (Arc::clone(&self.sim), Arc::clone(&self.process));
        sim.check_sending(bytes);
        sim.event(&process, "write");
        self.check(context)?;
        let mut most = bytes.len();
        if let Some(at) = self.rules.write_cut {
            most = most.min(usize::try_from(at.saturating_sub(self.written)).unwrap_or(usize::MAX));
            if most == 0 {
                sim.note("request cut", "");
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
        }
        let written = std::task::ready!(Pin::new(&mut self.near).poll_write(context, &bytes[..most]))?;
        self.written += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.near).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.near).poll_shutdown(context)
    }
}
