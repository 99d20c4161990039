-- What is beside the record: locks, drafts, numbers, repeats of requests, jobs, cursors of the feed.

-- What was signed, or archived, stays as it is: one row per version that is locked.
CREATE TABLE record.version_lock (
    tenant   integer NOT NULL,
    resource bigint NOT NULL,
    vid      integer NOT NULL,
    locked   timestamptz NOT NULL,
    account  text COLLATE "C" NOT NULL,
    reason   text NOT NULL,
    PRIMARY KEY (tenant, resource, vid)
);

-- Each step of a dossier's lifecycle: who took it, when and why. Never updated, never deleted.
CREATE TABLE record.state_change (
    tenant   integer NOT NULL,
    resource bigint NOT NULL,
    step     text COLLATE "C" NOT NULL,
    before   smallint NOT NULL,
    after    smallint NOT NULL,
    changed  timestamptz NOT NULL,
    account  text COLLATE "C" NOT NULL,
    role     text COLLATE "C",
    reason   text,
    request  uuid NOT NULL
);
CREATE INDEX state_change_resource ON record.state_change (tenant, resource, changed);

-- A draft is not a version: the last state and twenty steps back, per author and target.
CREATE TABLE record.draft (
    tenant  integer NOT NULL REFERENCES record.tenant,
    account text COLLATE "C" NOT NULL,
    target  text COLLATE "C" NOT NULL,
    step    integer NOT NULL,
    saved   timestamptz NOT NULL,
    session uuid NOT NULL,
    body    text NOT NULL,
    PRIMARY KEY (tenant, account, target, step)
);

-- Number series per tenant, kind and year: never re-used.
CREATE TABLE record.number_series (
    tenant integer NOT NULL REFERENCES record.tenant,
    kind   text COLLATE "C" NOT NULL,
    year   integer NOT NULL,
    next   bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant, kind, year)
);

-- Blocks of a series handed to a station that may be off line.
CREATE TABLE record.number_block (
    tenant  integer NOT NULL,
    kind    text COLLATE "C" NOT NULL,
    year    integer NOT NULL,
    first   bigint NOT NULL,
    last    bigint NOT NULL,
    station text NOT NULL,
    given   timestamptz NOT NULL,
    PRIMARY KEY (tenant, kind, year, first)
);

-- The first answer to a write that carried an Idempotency-Key; a repeat gets the same.
CREATE TABLE record.idempotency (
    tenant  integer NOT NULL,
    account text COLLATE "C" NOT NULL,
    key     text COLLATE "C" NOT NULL,
    request bytea NOT NULL,             -- SHA-256 of method, address and body
    status  smallint NOT NULL,
    headers text NOT NULL,
    body    text,
    kept    timestamptz NOT NULL,
    PRIMARY KEY (tenant, account, key)
);

-- One queue of work: taken with SKIP LOCKED, never announced inside a write's transaction.
CREATE TABLE ops.job (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant   integer,
    kind     text COLLATE "C" NOT NULL,
    detail   jsonb NOT NULL,
    state    text COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    due      timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    taken    timestamptz,
    progress jsonb NOT NULL DEFAULT '{}',
    problem  text,
    made     timestamptz NOT NULL DEFAULT now(),
    ended    timestamptz
);
CREATE INDEX job_due ON ops.job (due) WHERE state IN ('waiting', 'running');
CREATE INDEX job_subscription ON ops.job (tenant, (detail ->> 'subscription'))
    WHERE kind = 'subscription' AND state IN ('waiting', 'running');

-- How far the search rows of a type have been made anew in a tenant; kept in each batch's own transaction.
CREATE TABLE ops.reindex (
    type   smallint NOT NULL,
    tenant integer NOT NULL,
    wanted text COLLATE "C" NOT NULL,   -- what is being made: another wish begins anew
    last   bigint NOT NULL,
    done   bigint NOT NULL,
    total  bigint NOT NULL,
    rows   bigint NOT NULL,
    PRIMARY KEY (type, tenant)
);

-- How far each follower of the version feed has read.
CREATE TABLE ops.feed_cursor (
    name text COLLATE "C" PRIMARY KEY,
    xid  xid8 NOT NULL
);

-- What subscriptions have still to tell: one row for each subscription and resource, whatever number of versions it is about.
CREATE TABLE record.delivery (
    tenant       integer NOT NULL,
    subscription bigint NOT NULL,               -- key of the Subscription
    resource     bigint NOT NULL,               -- key of what it is told about
    vid          integer NOT NULL,              -- the newest version that matched
    due          timestamptz NOT NULL DEFAULT now(),
    tries        integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, subscription, resource)
);
CREATE INDEX delivery_due ON record.delivery (tenant, subscription, due);

-- Blobs by tenant and hash; the bytes lie in the blob folder or here, with a header that names the key.
CREATE TABLE record.blob (
    tenant integer NOT NULL REFERENCES record.tenant,
    sha256 bytea NOT NULL,
    size   bigint NOT NULL,
    media  text NOT NULL,
    kept   timestamptz NOT NULL,
    PRIMARY KEY (tenant, sha256)
);
