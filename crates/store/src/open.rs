//! Opening a data directory: lock, schema, journal, orphans, and then the writer's thread.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use rusqlite::Connection;

use crate::books::Books;
use crate::clock::in_micros;
use crate::disk::journal::LoadError;
use crate::disk::{connect, key_rows, meta, run_rows, schema};
use crate::driver::Driver;
use crate::owner::Lock;
use crate::writer::core::Core;
use crate::writer::job::Job;
use crate::writer::queue::{Receiver, queue};
use crate::writer::shared::{Shared, StopGuard};
use crate::writer::turn::{Fault, Turn};
use crate::writer::waiting::Waiting;
use crate::writer::{SNAPSHOT_EVERY, Writer};
use crate::{Clock, OpenError, Opened, Options, Salt, SystemClock};

/// How long the token of a run that ended still finds it.
const ENDED_RUNS: SignedDuration = SignedDuration::from_hours(24);

impl Books {
    /// Opens the directory with the machine's clock, replays the journal and starts the writer. Open holds of an earlier
    /// process become unresolved.
    ///
    /// # Errors
    /// Says why the directory can't be used.
    pub fn open(options: Options) -> Result<(Self, Opened), OpenError> {
        Self::open_with(options, Arc::new(SystemClock::default()))
    }

    /// As [`Books::open`], with a clock of one's own.
    ///
    /// # Errors
    /// Says why the directory can't be used.
    pub fn open_with(options: Options, clock: Arc<dyn Clock>) -> Result<(Self, Opened), OpenError> {
        let (books, writer, jobs, opened) = open(&options, clock)?;
        let guard = StopGuard(Arc::clone(&books.shared));
        std::thread::Builder::new().name("mete-writer".to_owned()).spawn(move || {
            let _guard = guard;
            writer.run(&jobs);
        })?;
        Ok((books, opened))
    }

    /// As [`Books::open_with`], but without a thread: the writer takes its turns when the [`Driver`] is told to.
    ///
    /// # Errors
    /// Says why the directory can't be used.
    pub fn open_driven(options: &Options, clock: Arc<dyn Clock>) -> Result<(Self, Driver, Opened), OpenError> {
        let (books, writer, jobs, opened) = open(options, clock)?;
        let guard = StopGuard(Arc::clone(&books.shared));
        Ok((books, Driver::new(writer, jobs, guard), opened))
    }
}

fn open(options: &Options, clock: Arc<dyn Clock>) -> Result<(Books, Writer, Receiver<Job>, Opened), OpenError> {
    let dir = options.dir.as_path();
    connect::make_dir(dir)?;
    let lock = Lock::take(dir)?.map_err(|owner| OpenError::InUse { owner })?;
    let created = connect::make_database(dir)?;
    let mut conn = connect::writer(dir)?;
    schema::migrate(&mut conn)?;
    found_instance(&conn, clock.as_ref())?;
    let mut core = Core::load(conn).map_err(damaged)?;
    let replayed = core.since_snapshot;
    let ahead = meta::ahead_us(&core.conn)?.and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
    let last = core.ledger.time().max(ahead).unwrap_or(jiff::Timestamp::MIN);
    let unresolved = settle_in(&mut core, in_micros(clock.now()).max(last))?;
    // SQLite syncs its log's name too, but doesn't tell when that fails.
    connect::sync_dir(dir)?;
    let wal = File::options().read(true).write(true).open(dir.join("mete.db-wal"))?;
    let shared = share(dir, &core, lock, &clock)?;
    let (jobs, receiver) = queue();
    let monotonic = clock.monotonic();
    let writer = Writer {
        core,
        shared: Arc::clone(&shared),
        opened_at: clock.now().saturating_sub(monotonic).unwrap_or_default(),
        clock,
        survives: options.survives,
        wal,
        waiting: Waiting::default(),
        answers: Vec::new(),
        pending: Vec::new(),
        failing: None,
        locked_since: None,
        unreserved: false,
        stale: false,
        unsynced_since: None,
        last_tick: monotonic,
        last_sweep: monotonic,
        commits_since_checkpoint: 0,
        snapshot_after: SNAPSHOT_EVERY,
        wall_ahead: SignedDuration::ZERO,
        last: (last, monotonic),
    };
    Ok((Books { jobs: Arc::new(jobs), shared }, writer, receiver, Opened { unresolved, replayed, created }))
}

fn found_instance(conn: &Connection, clock: &dyn Clock) -> Result<(), OpenError> {
    let mut salt = [0_u8; 32];
    getrandom::fill(&mut salt).map_err(|error| std::io::Error::other(error.to_string()))?;
    meta::found_instance(conn, &crate::codec::Id(clock.new_id()).to_string(), &salt)?;
    Ok(())
}

/// Marks the earlier process's open holds as unresolved. Its commit also founds this process's WAL, synced with its name.
fn settle_in(core: &mut Core, now: jiff::Timestamp) -> Result<usize, OpenError> {
    let mut turn = Turn::new(core, now, true);
    let at_us = now.as_microsecond();
    let steps = |turn: &mut Turn<'_>| -> Result<usize, Fault> {
        meta::touch(turn.conn()?, at_us)?;
        turn.orphan_all()?;
        turn.file()?;
        turn.commit()?;
        Ok(turn.core.open.unresolved)
    };
    steps(&mut turn).map_err(|fault| match fault {
        Fault::Disk(error) => error.into(),
        Fault::Said(error) => OpenError::Damaged(error.to_string()),
    })
}

fn share(dir: &Path, core: &Core, lock: Lock, clock: &Arc<dyn Clock>) -> Result<Arc<Shared>, OpenError> {
    let salt: Salt = meta::salt(&core.conn)?;
    let since = clock.now().saturating_sub(ENDED_RUNS).unwrap_or_default();
    let shared =
        Shared::new(dir.to_owned(), salt, Arc::clone(clock), lock, key_rows::all(&core.conn)?, run_rows::recent(&core.conn, since)?);
    if !shared.keep_reserve() {
        tracing::warn!("the disk is nearly full");
    }
    shared.count(core, 0, 0, false);
    Ok(Arc::new(shared))
}

fn damaged(error: LoadError) -> OpenError {
    match error {
        LoadError::Database(error) => error.into(),
        LoadError::Damaged(why) => OpenError::Damaged(why),
    }
}
