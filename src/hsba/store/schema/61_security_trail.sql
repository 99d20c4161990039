-- What happens to accounts, sessions, rights and clients: lines of the same trail, under the channel `access`. One for each
-- keeper that the account belongs to; what concerns all of them, or nobody's account, is a line of the installation
-- (tenant 0), which every keeper's security officers may read.
CREATE FUNCTION audit.tell(
    who text, done_to text, of_tenant integer, at timestamptz, act text, was_refused boolean, why text,
    from_address text, at_workstation text, asked uuid
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    keepers integer[] := ARRAY[of_tenant];
BEGIN
    IF of_tenant IS NULL THEN
        SELECT k.tenants INTO keepers FROM (
            SELECT 1 AS place, a.tenants FROM access.account a WHERE a.login = done_to
            UNION ALL SELECT 2, c.tenants FROM access.client c WHERE 'client:' || c.name = done_to
            UNION ALL SELECT 3, a.tenants FROM access.account a WHERE a.login = who
            UNION ALL SELECT 4, c.tenants FROM access.client c WHERE 'client:' || c.name = who
        ) k ORDER BY k.place LIMIT 1;
    END IF;
    IF coalesce(cardinality(keepers), 0) = 0 THEN
        keepers := ARRAY[0];
    END IF;
    INSERT INTO audit.line (tenant, recorded, account, workstation, channel, address, purpose, reason, request,
        interaction, refused, detail)
    SELECT keeper, at, who, at_workstation, 'access', from_address, 'HSYSADMIN', why, asked, act, was_refused, done_to
    FROM unnest(keepers) AS keeper;
END $$;
REVOKE ALL ON FUNCTION audit.tell FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.tell TO hsba_runtime;

-- What is asked of all lines and not of one account's or patient's: the few that refuse, and the few about accounts.
CREATE INDEX line_refused ON audit.line (tenant, recorded) WHERE refused;
CREATE INDEX line_access ON audit.line (recorded) WHERE channel = 'access';

-- Up to which segment each audit repository has been told; and the lines of a segment, of all keepers.
CREATE TABLE audit.sent (
    target  text PRIMARY KEY,
    segment bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON audit.sent TO hsba_runtime;

CREATE FUNCTION audit.of_segment(wanted bigint) RETURNS SETOF audit.whole
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT w.* FROM audit.segment g, unnest(g.ids) WITH ORDINALITY AS u(id, place)
    JOIN audit.whole w ON w.id = u.id
    WHERE g.number = wanted AND w.recorded BETWEEN g.earliest AND g.latest ORDER BY u.place
$$;
REVOKE ALL ON FUNCTION audit.of_segment FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.of_segment TO hsba_runtime;

-- What was removed from a segment when its time was over: the signed word that stands in its place (hsba.audit.pruning).
CREATE TABLE audit.pruned (
    segment   bigint NOT NULL,
    pruned    timestamptz NOT NULL,
    lines     integer NOT NULL,
    statement text NOT NULL,
    PRIMARY KEY (segment, pruned)
);
