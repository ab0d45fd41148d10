-- A run that is joined has several tokens; all of them work for as long as the run does.
CREATE TABLE run_tokens (hash BLOB PRIMARY KEY, run TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO run_tokens (hash, run) SELECT token_hash, id FROM runs;
CREATE INDEX run_tokens_by_run ON run_tokens (run);
