-- One administrator asks that the second factors of another administrator or officer be removed; a second person confirms it.
CREATE TABLE access.factor_reset (
    account  bigint PRIMARY KEY REFERENCES access.account,
    asked_by bigint NOT NULL REFERENCES access.account,
    asked    timestamptz NOT NULL,
    reason   text NOT NULL,
    CHECK (asked_by <> account)
);

GRANT SELECT, INSERT, DELETE ON access.factor_reset TO hsba_runtime;
