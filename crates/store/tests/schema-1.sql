-- A file as schema 1 wrote it: a budget of $10, a call settled at $1.50, and one of $2 that is open.
PRAGMA application_id = 0x6d657465;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE attempts (
    hold TEXT NOT NULL UNIQUE, call_id TEXT NOT NULL, attempt INTEGER NOT NULL, at_us INTEGER NOT NULL,
    dialect TEXT NOT NULL, operation TEXT NOT NULL, provider TEXT NOT NULL, model_asked TEXT NOT NULL, model_sent TEXT NOT NULL,
    status TEXT NOT NULL, granted_nanos INTEGER NOT NULL, held_nanos INTEGER NOT NULL, cost_nanos INTEGER, estimated INTEGER NOT NULL DEFAULT 0,
    assume_us INTEGER NOT NULL, ceiling INTEGER, run TEXT, key TEXT, team TEXT, start TEXT NOT NULL, "end" TEXT
);
INSERT INTO "attempts" VALUES('01M84FK9VWX7SPQB2MSSEYY23H','01M84FK9VWYNT15SZ85S7SH91K',1,1795446908796787,'openai','chat','openai','gpt-5.5','gpt-5.5','settled',2000000000,0,1500000000,0,1795447808796622,NULL,NULL,NULL,'search','{"call":"01M84FK9VWYNT15SZ85S7SH91K","attempt":1,"hold":"01M84FK9VWX7SPQB2MSSEYY23H","at":"2026-11-23T15:15:08.796622154Z","dialect":"openai","operation":"chat","provider":"openai","seller":"openai","model_asked":"gpt-5.5","model_sent":"gpt-5.5","attributes":{"team":"search"},"run":null,"stream":true,"ceiling_asked":128000,"input_tokens_max":1000,"covered":false,"tools_offered":["bash"],"block_hashes":[18446744073709551615,7],"price_book":"2026-11-23","config":"1","idempotency_key":null}','{"hold":"01M84FK9VWX7SPQB2MSSEYY23H","at":"2026-11-23T15:15:08.810796916Z","outcome":{"settled":{"cost":1500000000,"estimated":false}},"status":"ok","http_status":200,"lines":[{"meter":"output","attrs":{"band":"base"},"quantity":12,"rate":"30","per":1000000,"nanos":360000,"rule":"gpt-5.5 output"}],"priced":true,"reasoning_tokens":3,"finish_reason":"stop","model_served":"gpt-5.5-2026-04-23","response_id":"resp_1","provider_request_id":"req_1","tools_called":["bash"],"provider_cost_usd":null,"first_byte_ms":300,"total_ms":1200,"flags":["estimated: client left"]}');
INSERT INTO "attempts" VALUES('01M84FK9Y13QHJZM21Y1ZKTN76','01M84FK9Y1MTKDA0CJEY5Z2R6E',1,1795446908865771,'openai','chat','openai','gpt-5.5','gpt-5.5','held',2000000000,2000000000,NULL,0,1795447808865657,NULL,NULL,NULL,'search','{"call":"01M84FK9Y1MTKDA0CJEY5Z2R6E","attempt":1,"hold":"01M84FK9Y13QHJZM21Y1ZKTN76","at":"2026-11-23T15:15:08.865657978Z","dialect":"openai","operation":"chat","provider":"openai","seller":"openai","model_asked":"gpt-5.5","model_sent":"gpt-5.5","attributes":{"team":"search"},"run":null,"stream":true,"ceiling_asked":128000,"input_tokens_max":1000,"covered":false,"tools_offered":["bash"],"block_hashes":[18446744073709551615,7],"price_book":"2026-11-23","config":"1","idempotency_key":null}',NULL);
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, hash BLOB NOT NULL
);
INSERT INTO "audit" VALUES(1,1795446908781437,'test','budget.put','all','null','{"origin":"api","spec":{"name":"all","limit":10000000000,"window":"total","time_zone":"UTC","week_starts_monday":true,"matches":{},"per":[],"on_exceed":"block","measure":"billed","grant_share_thousandths":1000,"paused":false}}',X'0877AD764DCF0383D2AB7E2AEDCEEE2107859643E17393668D9F7AC7188160EA');
CREATE TABLE budgets (name TEXT PRIMARY KEY, origin TEXT NOT NULL, removed_us INTEGER) WITHOUT ROWID;
INSERT INTO "budgets" VALUES('all','api',NULL);
CREATE TABLE journal (seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, event TEXT NOT NULL, hash BLOB NOT NULL);
INSERT INTO "journal" VALUES(1,1795446908781437,'{"event":"budget_put","at":"2026-11-23T15:15:08.781437Z","spec":{"name":"all","limit":10000000000,"window":"total","time_zone":"UTC","week_starts_monday":true,"matches":{},"per":[],"on_exceed":"block","measure":"billed","grant_share_thousandths":1000,"paused":false}}',X'EA95B6249392418505905FB730E000B3FACB11DE7779D9E4AB20EF3E6F6BE684');
INSERT INTO "journal" VALUES(2,1795446908796787,'{"event":"held","id":"01M84FK9VWX7SPQB2MSSEYY23H","at":"2026-11-23T15:15:08.796787Z","granted":2000000000,"accounts":[{"account":{"budget":{"name":"all"}},"amount":2000000000}],"assume_at":"2026-11-23T15:30:08.796622154Z","covered":false}',X'1EF6408A465E70C526A1F5363BA5C644C4006083F88575FA67575DEAB58B1FD5');
INSERT INTO "journal" VALUES(3,1795446908810855,'{"event":"settled","at":"2026-11-23T15:15:08.810855Z","hold":"01M84FK9VWX7SPQB2MSSEYY23H","cost":1500000000,"estimated":false,"postings":[{"account":{"budget":{"name":"all"}},"kind":"spent","amount":1500000000}]}',X'E6E275411DD984E4261F94A7EFDCE1405810808C866C6C52CFF76E901CAE0466');
INSERT INTO "journal" VALUES(4,1795446908865771,'{"event":"held","id":"01M84FK9Y13QHJZM21Y1ZKTN76","at":"2026-11-23T15:15:08.865771Z","granted":2000000000,"accounts":[{"account":{"budget":{"name":"all"}},"amount":2000000000}],"assume_at":"2026-11-23T15:30:08.865657978Z","covered":false}',X'6FCEABD544FE40FCF24F59CDB2E94B82201C16569141C21B1D6B3BABC4DD656F');
CREATE TABLE keys (id TEXT PRIMARY KEY, name TEXT NOT NULL, body TEXT NOT NULL, created_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('instance','01M84FK9TDA0Q4J86EYQPHDQ3Q');
INSERT INTO "meta" VALUES('salt',X'3D7C6D8AAD8E30BD2BE89E9523A4D15EB2473FDB2AB117BF33FFD65376F9565D');
INSERT INTO "meta" VALUES('spent_nanos',1500000000);
CREATE TABLE prices_extra (id INTEGER PRIMARY KEY AUTOINCREMENT, row TEXT NOT NULL, at_us INTEGER NOT NULL, actor TEXT NOT NULL);
CREATE TABLE refusals (
    call_id TEXT PRIMARY KEY, at_us INTEGER NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL, code TEXT NOT NULL, run TEXT, key TEXT, team TEXT, body TEXT NOT NULL
);
CREATE TABLE runs (
    id TEXT PRIMARY KEY, token_hash BLOB NOT NULL UNIQUE, parent TEXT, session TEXT, command TEXT, name TEXT, tags TEXT NOT NULL,
    limit_nanos INTEGER, started_us INTEGER NOT NULL, ended_us INTEGER
);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, chain BLOB NOT NULL, state TEXT NOT NULL, state_hash BLOB NOT NULL);
INSERT INTO "snapshots" VALUES(3,1795446908825611,X'E6E275411DD984E4261F94A7EFDCE1405810808C866C6C52CFF76E901CAE0466','{"time":"2026-11-23T15:15:08.810855Z","budgets":[{"spec":{"name":"all","limit":10000000000,"window":"total","time_zone":"UTC","week_starts_monday":true,"matches":{},"per":[],"on_exceed":"block","measure":"billed","grant_share_thousandths":1000,"paused":false},"archived":false,"split_at":null}],"runs":[],"accounts":[{"account":{"budget":{"name":"all"}},"spent":"1500000000","overage":"0","retire_at":null}],"holds":[],"closed":[]}',X'63F09EB976A6080F29F537A60FB1764593710B16850DD8DB9069DFC9649E883F');
CREATE INDEX runs_by_start ON runs (started_us);
CREATE INDEX attempts_by_call ON attempts (call_id);
CREATE INDEX attempts_by_time ON attempts (at_us);
CREATE INDEX attempts_by_run ON attempts (run, at_us) WHERE run IS NOT NULL;
CREATE INDEX attempts_by_key ON attempts (key, at_us) WHERE key IS NOT NULL;
CREATE INDEX attempts_open ON attempts (status, at_us) WHERE status IN ('held', 'unresolved');
CREATE INDEX refusals_by_time ON refusals (at_us);
CREATE INDEX refusals_by_run ON refusals (run, at_us) WHERE run IS NOT NULL;
COMMIT;
