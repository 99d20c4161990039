-- Forms while they are written: who holds an entry, and the key of an account's own copy in its browser.

-- Who writes an entry now, and who waits for it. A hold is a courtesy: what two people save is told apart by version.
CREATE TABLE record.form_hold (
    tenant    integer NOT NULL,
    entry     text COLLATE "C" NOT NULL,       -- id of a QuestionnaireResponse, also of one not saved yet
    session   uuid NOT NULL,                   -- of the page
    account   text COLLATE "C" NOT NULL,
    name      text NOT NULL,
    since     timestamptz NOT NULL,
    touched   timestamptz NOT NULL,            -- when something was typed last
    step      bigint NOT NULL DEFAULT 0,       -- the last draft that this page sent
    wanted    uuid,                            -- the page that waits for it
    wanted_by text,
    wanted_at timestamptz,
    PRIMARY KEY (tenant, entry)
);

-- With it a browser encrypts what it could not send yet; nobody but this account gets it.
CREATE TABLE record.form_key (
    tenant  integer NOT NULL,
    account text COLLATE "C" NOT NULL,
    key     bytea NOT NULL CHECK (length(key) = 32),
    PRIMARY KEY (tenant, account)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON record.form_hold, record.form_key TO hsba_runtime;
ALTER TABLE record.form_hold ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON record.form_hold TO hsba_runtime
    USING (tenant = (SELECT current_setting('hsba.tenant', true)::integer));
ALTER TABLE record.form_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON record.form_key TO hsba_runtime
    USING (tenant = (SELECT current_setting('hsba.tenant', true)::integer));
