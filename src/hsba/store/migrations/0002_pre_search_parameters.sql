-- Search parameters added at run time, and how far the search rows of what is stored already have been made anew.

CREATE TABLE reference.generation (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    number bigint NOT NULL,             -- one more with each change of the search parameters
    filled bigint NOT NULL              -- one more when a reindex has opened paths
);
INSERT INTO reference.generation (number, filled) VALUES (0, 0);

CREATE TABLE reference.search_parameter (
    tenant integer NOT NULL,            -- who brought it; it works for all
    id     text COLLATE "C" NOT NULL,
    url    text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,              -- of what decides what is indexed and found
    body   text NOT NULL,
    PRIMARY KEY (tenant, id)
);

ALTER TABLE reference.path
    ADD COLUMN generation bigint NOT NULL DEFAULT 0,
    ADD COLUMN dropped boolean NOT NULL DEFAULT false;

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

GRANT SELECT, INSERT, UPDATE ON reference.generation TO hsba_runtime;
GRANT SELECT, INSERT, UPDATE, DELETE ON reference.search_parameter, ops.reindex TO hsba_runtime;
