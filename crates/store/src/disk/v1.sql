-- Times (`*_us`) are microseconds since 1970 UTC, amounts (`*_nanos`) nano-dollars, ids ULIDs of 26 characters.

-- The instance: its id, its salt, the sum of all costs.
CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;

-- What happened, one event a line. hash = SHA-256(hash of the line before, seq, event): a line can't be changed unseen.
CREATE TABLE journal (seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, event TEXT NOT NULL, hash BLOB NOT NULL);

-- The ledger's state after line `seq`, so that a restart replays only what came later. chain = hash of that line.
CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, chain BLOB NOT NULL, state TEXT NOT NULL, state_hash BLOB NOT NULL);

CREATE TABLE budgets (name TEXT PRIMARY KEY, origin TEXT NOT NULL, removed_us INTEGER) WITHOUT ROWID;

CREATE TABLE keys (id TEXT PRIMARY KEY, name TEXT NOT NULL, body TEXT NOT NULL, created_us INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE runs (
    id TEXT PRIMARY KEY, token_hash BLOB NOT NULL UNIQUE, parent TEXT, session TEXT, command TEXT, name TEXT, tags TEXT NOT NULL,
    limit_nanos INTEGER, started_us INTEGER NOT NULL, ended_us INTEGER
);
CREATE INDEX runs_by_start ON runs (started_us);

-- One row for each physical request to a provider, written with its hold. status: held, settled, voided, unresolved, assumed.
CREATE TABLE attempts (
    hold TEXT NOT NULL UNIQUE, call_id TEXT NOT NULL, attempt INTEGER NOT NULL, at_us INTEGER NOT NULL,
    dialect TEXT NOT NULL, operation TEXT NOT NULL, provider TEXT NOT NULL, model_asked TEXT NOT NULL, model_sent TEXT NOT NULL,
    status TEXT NOT NULL, granted_nanos INTEGER NOT NULL, held_nanos INTEGER NOT NULL, cost_nanos INTEGER, estimated INTEGER NOT NULL DEFAULT 0,
    assume_us INTEGER NOT NULL, ceiling INTEGER, run TEXT, key TEXT, team TEXT, start TEXT NOT NULL, "end" TEXT
);
CREATE INDEX attempts_by_call ON attempts (call_id);
CREATE INDEX attempts_by_time ON attempts (at_us);
CREATE INDEX attempts_by_run ON attempts (run, at_us) WHERE run IS NOT NULL;
CREATE INDEX attempts_by_key ON attempts (key, at_us) WHERE key IS NOT NULL;
CREATE INDEX attempts_open ON attempts (status, at_us) WHERE status IN ('held', 'unresolved');

-- Calls that a budget refused.
CREATE TABLE refusals (
    call_id TEXT PRIMARY KEY, at_us INTEGER NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL, code TEXT NOT NULL, run TEXT, key TEXT, team TEXT, body TEXT NOT NULL
);
CREATE INDEX refusals_by_time ON refusals (at_us);
CREATE INDEX refusals_by_run ON refusals (run, at_us) WHERE run IS NOT NULL;

-- Every admin change, chained like the journal.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, hash BLOB NOT NULL
);

CREATE TABLE prices_extra (id INTEGER PRIMARY KEY AUTOINCREMENT, row TEXT NOT NULL, at_us INTEGER NOT NULL, actor TEXT NOT NULL);

CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
