-- The shared PC of a ward: workstations known by a cookie, who is on shift at one, PINs and badges, covered sessions, proofs
-- that a person was there, and what was written when a session ended. Of every secret only a digest is kept.

CREATE TABLE access.workstation (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant           integer NOT NULL,
    name             text NOT NULL,
    department       text COLLATE "C",          -- id of an Organization
    department_title text NOT NULL DEFAULT '',  -- as it was called when the PC was registered
    digest           bytea NOT NULL UNIQUE,
    address          text NOT NULL,             -- the last it came from
    registered       timestamptz NOT NULL,
    registered_by    text NOT NULL,
    last_seen        timestamptz NOT NULL,
    failures         integer NOT NULL DEFAULT 0,  -- wrong PINs and badges in the present run
    failed           timestamptz,               -- when that run began
    revoked          timestamptz,
    revoked_by       text
);
CREATE UNIQUE INDEX workstation_name ON access.workstation (tenant, lower(name)) WHERE revoked IS NULL;

-- Who logged in fully at a workstation, and until when a PIN brings that person back there.
CREATE TABLE access.shift (
    workstation bigint NOT NULL REFERENCES access.workstation,
    account     bigint NOT NULL REFERENCES access.account,
    address     text NOT NULL,                  -- where the full log-in came from
    begun       timestamptz NOT NULL,
    ends        timestamptz NOT NULL,
    PRIMARY KEY (workstation, account)
);
CREATE INDEX shift_account ON access.shift (account);

CREATE TABLE access.pin (
    account  bigint PRIMARY KEY REFERENCES access.account,
    pin      text NOT NULL,                     -- argon2id in its own notation
    set      timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0         -- wrong tries since the last full log-in or right PIN
);

CREATE TABLE access.badge (
    account bigint PRIMARY KEY REFERENCES access.account,
    digest  bytea NOT NULL UNIQUE,              -- scrypt of what the reader types
    set     timestamptz NOT NULL
);

ALTER TABLE access.session
    ADD station   bigint REFERENCES access.workstation,
    ADD covered   timestamptz,                  -- since when nobody may see through it
    ADD place     text,                         -- the page to come back to
    ADD proved    timestamptz,                  -- when the person was last asked; null: when it was opened
    ADD proved_by text;                         -- and by what: password, pin, badge, passkey
CREATE INDEX session_station ON access.session (station) WHERE station IS NOT NULL;

-- That a person proved to be there for one act; good once.
CREATE TABLE access.proof (
    digest  bytea PRIMARY KEY,
    session bigint NOT NULL REFERENCES access.session ON DELETE CASCADE,
    act     text NOT NULL,
    how     text NOT NULL,
    ends    timestamptz NOT NULL,
    spent   timestamptz
);
CREATE INDEX proof_session ON access.proof (session);

-- A form that met an ended session, under a key that only the browser has.
CREATE TABLE access.unsent (
    digest  bytea PRIMARY KEY,
    account bigint NOT NULL REFERENCES access.account,
    target  text NOT NULL,
    body    bytea NOT NULL,
    ends    timestamptz NOT NULL
);
CREATE INDEX unsent_account ON access.unsent (account);

GRANT SELECT, INSERT, UPDATE (address, last_seen, failures, failed, revoked, revoked_by) ON access.workstation TO hsba_runtime;
GRANT SELECT, INSERT, UPDATE, DELETE ON access.shift, access.pin, access.badge TO hsba_runtime;
GRANT UPDATE (digest, covered, place, proved, proved_by) ON access.session TO hsba_runtime;
GRANT SELECT, INSERT, UPDATE (spent), DELETE ON access.proof TO hsba_runtime;
GRANT SELECT, INSERT, DELETE ON access.unsent TO hsba_runtime;
