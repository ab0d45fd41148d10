-- Which call a client's idempotency key stands for. scope = id of the virtual key, or empty.
CREATE TABLE idempotency (scope TEXT NOT NULL, client_key TEXT NOT NULL, call_id TEXT NOT NULL, at_us INTEGER NOT NULL, PRIMARY KEY (scope, client_key)) WITHOUT ROWID;

-- Finished stretches of the journal: lines from_seq to to_seq hash to `chain`, and carry so many lines of money.
CREATE TABLE seals (to_seq INTEGER PRIMARY KEY, from_seq INTEGER NOT NULL, chain BLOB NOT NULL, postings INTEGER NOT NULL, at_us INTEGER NOT NULL);
INSERT INTO seals (to_seq, from_seq, chain, postings, at_us)
    SELECT seq, 1, chain, (SELECT coalesce(sum(json_array_length(event, '$.postings')), 0) FROM journal WHERE journal.seq <= snapshots.seq), at_us
    FROM snapshots ORDER BY seq DESC LIMIT 1;
