-- Who may come in: accounts, their sessions and tokens, and service clients. An account may belong to several keepers, so
-- nothing here is fenced by tenant; the runtime changes what a log-in changes and no more.
CREATE SCHEMA access;

CREATE TABLE access.account (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login        text NOT NULL UNIQUE,          -- folded: small letters of ASCII
    kind         text NOT NULL CHECK (kind IN ('staff', 'administrator', 'security', 'technical', 'service', 'patient')),
    name         text NOT NULL,                 -- as people read it
    tenants      integer[],                     -- null: every keeper of this installation
    state        text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    password     text,                          -- argon2id in its own notation
    password_set timestamptz,
    must_change  boolean NOT NULL DEFAULT false,
    failures     integer NOT NULL DEFAULT 0,    -- tries since the last good one
    failed       timestamptz,                   -- the last of them
    locked_until timestamptz,
    created      timestamptz NOT NULL,
    last_use     timestamptz
);

-- The passwords an account had: not to be used again.
CREATE TABLE access.old_password (
    account  bigint NOT NULL REFERENCES access.account,
    set      timestamptz NOT NULL,
    password text NOT NULL,
    PRIMARY KEY (account, set)
);

-- A person at a browser. Only the SHA-256 of what the cookie holds is kept.
CREATE TABLE access.session (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest      bytea NOT NULL UNIQUE,
    account     bigint NOT NULL REFERENCES access.account,
    workstation text,
    agent       text,
    address     text NOT NULL,
    created     timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL,
    ends        timestamptz NOT NULL,
    revoked     timestamptz
);
CREATE INDEX session_account ON access.session (account);

-- A program that comes in its own name.
CREATE TABLE access.client (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text NOT NULL UNIQUE,
    title    text NOT NULL,
    secret   bytea NOT NULL,                    -- SHA-256 of 32 random bytes
    scope    text NOT NULL,
    tenants  integer[],
    state    text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    created  timestamptz NOT NULL,
    last_use timestamptz
);

-- A bearer token of an account or of a client. Only its SHA-256 is kept.
CREATE TABLE access.token (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest  bytea NOT NULL UNIQUE,
    account bigint REFERENCES access.account,
    client  bigint REFERENCES access.client,
    scope   text NOT NULL,
    created timestamptz NOT NULL,
    ends    timestamptz NOT NULL,
    revoked timestamptz,
    CHECK (num_nonnulls(account, client) = 1)
);
CREATE INDEX token_account ON access.token (account);
CREATE INDEX token_client ON access.token (client);

GRANT USAGE ON SCHEMA access TO hsba_runtime;
GRANT SELECT ON ALL TABLES IN SCHEMA access TO hsba_runtime;
GRANT UPDATE (state, password, password_set, must_change, failures, failed, locked_until, last_use)
    ON access.account TO hsba_runtime;
GRANT INSERT, DELETE ON access.old_password TO hsba_runtime;
GRANT INSERT, DELETE, UPDATE (last_seen, revoked) ON access.session TO hsba_runtime;
GRANT INSERT, DELETE, UPDATE (revoked) ON access.token TO hsba_runtime;
GRANT UPDATE (last_use) ON access.client TO hsba_runtime;
