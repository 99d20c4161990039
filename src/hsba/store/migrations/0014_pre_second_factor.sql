-- What a log-in asks for beside the password: the factors of accounts, and log-ins that are half done.

ALTER TABLE access.session ADD COLUMN second boolean NOT NULL DEFAULT false;   -- opened with a second factor

-- An app that shows codes of the time, or a passkey.
CREATE TABLE access.factor (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account    bigint NOT NULL REFERENCES access.account,
    kind       text NOT NULL CHECK (kind IN ('passkey', 'totp')),
    name       text NOT NULL,                  -- as its holder calls it
    secret     bytea,                          -- totp: sealed with the key file of this installation
    step       bigint NOT NULL DEFAULT 0,      -- totp: the last time step that was used
    site       text,                           -- passkey: the name of the server it belongs to
    credential bytea UNIQUE,                   -- passkey
    public_key bytea,                          -- passkey: as COSE has it
    handle     bytea,                          -- passkey: what the authenticator knows the account by
    uses       bigint NOT NULL DEFAULT 0,      -- passkey: the authenticator's own count
    created    timestamptz NOT NULL,
    last_use   timestamptz,
    CHECK (CASE kind WHEN 'totp' THEN secret IS NOT NULL AND credential IS NULL
                     ELSE secret IS NULL AND num_nulls(site, credential, public_key, handle) = 0 END)
);
CREATE INDEX factor_account ON access.factor (account);

-- Codes on paper, each good for one log-in. Only their SHA-256 is kept.
CREATE TABLE access.recovery_code (
    account bigint NOT NULL REFERENCES access.account,
    digest  bytea NOT NULL,
    made    timestamptz NOT NULL,
    used    timestamptz,
    PRIMARY KEY (account, digest)
);

-- A log-in whose password was right and whose second step is still to come: no session, and good for nothing else.
CREATE TABLE access.half_open (
    digest    bytea PRIMARY KEY,               -- SHA-256 of what the cookie holds
    account   bigint NOT NULL REFERENCES access.account,
    may_enrol boolean NOT NULL,                -- it had no factor, and may set up its first
    ends      timestamptz NOT NULL
);
CREATE INDEX half_open_account ON access.half_open (account);

-- Challenges that a passkey has answered: none is taken again.
CREATE TABLE access.spent_challenge (
    digest bytea PRIMARY KEY,
    ends   timestamptz NOT NULL
);

GRANT SELECT, INSERT, DELETE, UPDATE (name, step, uses, last_use) ON access.factor TO hsba_runtime;
GRANT SELECT, INSERT, DELETE, UPDATE (used) ON access.recovery_code TO hsba_runtime;
GRANT SELECT, INSERT, DELETE ON access.half_open, access.spent_challenge TO hsba_runtime;
