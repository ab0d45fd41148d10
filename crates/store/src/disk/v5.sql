-- A row of the journal may be a frame: bytes instead of text, all events of one transaction, `seq` being the last one's number and
-- hash = SHA-256(hash of the row before, seq, bytes). A frame also holds the documents of the attempts that it begins and ends.
-- Rows of `attempts` are filed from there some time later: `filed_seq` tells up to which line, `spent_nanos` is the sum up to there.
INSERT OR REPLACE INTO meta (name, value) VALUES ('filed_seq', (SELECT coalesce(max(seq), 0) FROM journal));

-- Rows up to this one that say `held` are of an earlier process, and so unresolved.
INSERT OR REPLACE INTO meta (name, value) VALUES ('orphaned_row', 0);
