-- Imported price sources, one text each, in the words of the crate that reads them. A text is replaced whole, never edited.
CREATE TABLE price_sources (name TEXT PRIMARY KEY, body TEXT NOT NULL, at_us INTEGER NOT NULL, actor TEXT NOT NULL) WITHOUT ROWID;

-- Tokens of an attempt that has no price; null where every meter has one. A price of zero and no price are different things.
ALTER TABLE attempts ADD COLUMN unpriced_tokens INTEGER;
UPDATE attempts SET unpriced_tokens = (
    SELECT coalesce(sum(json_extract(value, '$.quantity')), 0) FROM json_each(attempts."end", '$.lines') WHERE substr(json_extract(value, '$.meter'), -7) = '_tokens'
) WHERE json_extract("end", '$.priced') = 0;
CREATE INDEX attempts_unpriced ON attempts (at_us) WHERE unpriced_tokens IS NOT NULL;
