-- What an OAuth 2 server keeps: apps, what people let them do, and the keys it signs with.
-- A program that comes in its own name, and an app that people let in, are one thing: a client.
ALTER TABLE access.client
    ALTER COLUMN secret DROP NOT NULL,            -- a client may prove itself by a key, or (public) not at all
    ADD COLUMN redirects text[] NOT NULL DEFAULT '{}',  -- where people are sent back to, compared letter by letter
    ADD COLUMN keys jsonb,                        -- its public keys (JWKS) …
    ADD COLUMN keys_url text,                     -- … or where they are to be had
    ADD COLUMN launch_url text;                   -- where it is opened from a patient's page

-- The keys that sign what we say of people (id_token); the newest signs, the older ones are still published for a while.
CREATE TABLE access.signing_key (
    id      text PRIMARY KEY,
    private jsonb NOT NULL,                       -- JWK
    created timestamptz NOT NULL
);

-- What a person let an app do: the family of one code and all tokens that came of it.
CREATE TABLE access.app_grant (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client    bigint NOT NULL REFERENCES access.client,
    account   bigint NOT NULL REFERENCES access.account,
    tenant    integer,                            -- the keeper whose record it is about; null for log-in only
    scope     text NOT NULL,
    patient   text,                               -- the patient it was opened for
    encounter text,
    code      bytea NOT NULL UNIQUE,              -- SHA-256 of the code
    redirect  text NOT NULL,
    challenge text NOT NULL,                      -- PKCE, S256
    nonce     text,
    issuer    text NOT NULL,                      -- our address as the app knows it
    base      text,                               -- and that of the record
    fhir_user text,                               -- who the person is in the record, where he is somebody in it
    created   timestamptz NOT NULL,
    code_ends timestamptz NOT NULL,
    code_used timestamptz,
    revoked   timestamptz
);
CREATE INDEX app_grant_account ON access.app_grant (account);
CREATE INDEX app_grant_client ON access.app_grant (client);

CREATE TABLE access.refresh_token (
    digest    bytea PRIMARY KEY,
    app_grant bigint NOT NULL REFERENCES access.app_grant ON DELETE CASCADE,
    created   timestamptz NOT NULL,
    ends      timestamptz NOT NULL,
    used      timestamptz                         -- a second use ends the whole family
);
CREATE INDEX refresh_token_app_grant ON access.refresh_token (app_grant);

ALTER TABLE access.token ADD COLUMN app_grant bigint REFERENCES access.app_grant ON DELETE CASCADE;
CREATE INDEX token_app_grant ON access.token (app_grant);

-- An app opened from a patient's page; what it is handed is good once, for the person who opened it.
CREATE TABLE access.launch (
    digest    bytea PRIMARY KEY,
    client    bigint NOT NULL REFERENCES access.client,
    account   bigint NOT NULL REFERENCES access.account,
    tenant    integer NOT NULL,
    patient   text NOT NULL,
    encounter text,
    created   timestamptz NOT NULL,
    ends      timestamptz NOT NULL,
    used      timestamptz
);

-- The numbers of signed assertions that were seen: none is taken twice.
CREATE TABLE access.assertion (
    client bigint NOT NULL REFERENCES access.client,
    jti    text NOT NULL,
    ends   timestamptz NOT NULL,
    PRIMARY KEY (client, jti)
);

GRANT SELECT ON access.signing_key, access.app_grant, access.refresh_token, access.launch, access.assertion TO hsba_runtime;
GRANT INSERT, DELETE ON access.signing_key, access.assertion TO hsba_runtime;
GRANT INSERT, DELETE, UPDATE (code_used, revoked) ON access.app_grant TO hsba_runtime;
GRANT INSERT, DELETE, UPDATE (used) ON access.refresh_token, access.launch TO hsba_runtime;

-- Register an app, or change one (of_id): for the operator, who owns the tables, or in the name of an administrator of all its
-- keepers. The runtime itself may do neither.
CREATE FUNCTION access.keep_client(
    of_id bigint, of_name text, of_secret bytea, of_state text, at timestamptz, of_title text, of_scope text,
    of_redirects text[], of_keys jsonb, of_keys_url text, of_launch_url text, of_tenants integer[], by_account bigint
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept bigint;
BEGIN
    IF by_account IS NULL THEN
        IF NOT pg_has_role(session_user, 'hsba_owner', 'MEMBER') THEN
            RAISE EXCEPTION 'client %', of_name USING ERRCODE = 'insufficient_privilege';
        END IF;
    ELSIF NOT EXISTS (
        SELECT FROM access.account a
        WHERE a.id = by_account AND a.kind = 'administrator' AND a.state = 'active' AND NOT a.must_change
          AND (a.tenants IS NULL OR (coalesce(of_tenants <@ a.tenants, false) AND NOT EXISTS (
              SELECT FROM access.client c WHERE c.id = of_id AND NOT coalesce(c.tenants <@ a.tenants, false))))
    ) THEN
        RAISE EXCEPTION 'client %', of_name USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF of_id IS NULL THEN
        INSERT INTO access.client (name, secret, state, created, title, scope, redirects, keys, keys_url, launch_url, tenants)
        VALUES (of_name, of_secret, of_state, at, of_title, of_scope, of_redirects, of_keys, of_keys_url, of_launch_url, of_tenants)
        ON CONFLICT (name) DO NOTHING RETURNING id INTO kept;
    ELSE
        UPDATE access.client SET
            secret = of_secret, state = of_state, title = of_title, scope = of_scope, redirects = of_redirects, keys = of_keys,
            keys_url = of_keys_url, launch_url = of_launch_url, tenants = of_tenants
        WHERE id = of_id RETURNING id INTO kept;
    END IF;
    RETURN kept;
END $$;
REVOKE ALL ON FUNCTION access.keep_client FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.keep_client TO hsba_runtime;
