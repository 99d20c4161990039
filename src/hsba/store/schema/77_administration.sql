-- What an administrator does in the browser: the runtime may not make or change accounts, it calls functions that ask in whose
-- name (decision 0017).
ALTER TABLE access.account ADD COLUMN made_by text COLLATE "C";       -- who made it; null is the operator, on the server
ALTER TABLE access.account ADD COLUMN kind_set timestamptz;           -- when it got its kind, where it had another before …
ALTER TABLE access.account ADD COLUMN kind_set_by text COLLATE "C";   -- … and from whom

-- Whether an account may administrate for these keepers (null is every one): an administrator at work, his password his own.
CREATE FUNCTION access.administrates(who bigint, keepers integer[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM access.account a
        WHERE a.id = who AND a.kind = 'administrator' AND a.state = 'active' AND NOT a.must_change
          AND (a.tenants IS NULL OR keepers <@ a.tenants))
$$;

-- Make an account in an administrator's name; null where there is one of this name.
CREATE FUNCTION access.make_account(
    of_login text, of_kind text, of_name text, of_tenants integer[], of_password text, at timestamptz, change boolean,
    by_account bigint
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    IF NOT access.administrates(by_account, of_tenants) THEN
        RAISE EXCEPTION 'account %', by_account USING ERRCODE = 'HB010';
    END IF;
    INSERT INTO access.account (login, kind, name, tenants, password, password_set, must_change, created, made_by)
    SELECT of_login, of_kind, of_name, of_tenants, of_password, at, change, at, a.login
    FROM access.account a WHERE a.id = by_account
    ON CONFLICT (login) DO NOTHING RETURNING id INTO made;
    RETURN made;
END $$;

-- Change name and kind of an account in an administrator's name: never his own, and never so that no administrator is left.
CREATE FUNCTION access.change_account(of_account bigint, to_name text, to_kind text, at timestamptz, by_account bigint)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before access.account;
BEGIN
    -- All administrators, always in the same order: of two who take each other's right away, the second sees what the first did.
    PERFORM FROM access.account WHERE kind = 'administrator' OR id = of_account ORDER BY id FOR UPDATE;
    SELECT * INTO before FROM access.account WHERE id = of_account;
    IF of_account = by_account OR NOT access.administrates(by_account, before.tenants) THEN
        RAISE EXCEPTION 'account %', by_account USING ERRCODE = 'HB010';
    END IF;
    UPDATE access.account SET
        name = to_name, kind = to_kind,
        kind_set = CASE WHEN kind = to_kind THEN kind_set ELSE at END,
        kind_set_by = CASE WHEN kind = to_kind THEN kind_set_by ELSE (SELECT login FROM access.account WHERE id = by_account) END
    WHERE id = of_account;
END $$;

REVOKE ALL ON FUNCTION access.administrates, access.make_account, access.change_account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.administrates, access.make_account, access.change_account TO hsba_runtime;
