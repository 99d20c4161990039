-- Search rows: narrow, integers for everything that repeats. One table per kind of value; `path` says which
-- expression of which type the value stands at. Rows carry no version: they describe the current state only.

-- The order of matches where none is asked: newest first.
CREATE INDEX resource_newest ON record.resource (tenant, type, key) WHERE vid > 0 AND NOT deleted;

CREATE TABLE record.ix_token (
    resource bigint NOT NULL,
    tenant   integer NOT NULL,
    path     integer NOT NULL,
    system   integer NOT NULL,          -- 0 = none
    code     text COLLATE "C" NOT NULL
);
CREATE INDEX ix_token_value ON record.ix_token (tenant, path, code, resource, system);
CREATE INDEX ix_token_resource ON record.ix_token (tenant, resource);

-- A code belongs to a path and a system: without this the planner takes them for independent, guesses a hundred times
-- too few rows for a common code, and sorts all of them instead of walking the index.
CREATE STATISTICS record.ix_token_values (mcv) ON tenant, path, code, system FROM record.ix_token;
ALTER STATISTICS record.ix_token_values SET STATISTICS 400;

-- Folded text: accents off, đ to d, lower case. `whole` rows hold the full value as written beside it.
CREATE TABLE record.ix_string (
    resource bigint NOT NULL,
    tenant   integer NOT NULL,
    path     integer NOT NULL,
    folded   text COLLATE "C" NOT NULL,
    exact    text COLLATE "C"           -- null on the rows of the further words of a name
);
CREATE INDEX ix_string_value ON record.ix_string (tenant, path, folded, resource);
CREATE INDEX ix_string_resource ON record.ix_string (tenant, resource);

CREATE STATISTICS record.ix_string_values (mcv) ON tenant, path, folded FROM record.ix_string;
ALTER STATISTICS record.ix_string_values SET STATISTICS 400;

CREATE TABLE record.ix_date (
    resource bigint NOT NULL,
    tenant   integer NOT NULL,
    path     integer NOT NULL,
    low      timestamptz NOT NULL,      -- first instant it may mean; an open start is year 1
    high     timestamptz NOT NULL       -- last instant it may mean; an open end is year 9999
);
CREATE INDEX ix_date_value ON record.ix_date (tenant, path, low, resource, high);
CREATE INDEX ix_date_high ON record.ix_date (tenant, path, high);
CREATE INDEX ix_date_resource ON record.ix_date (tenant, resource);

CREATE TABLE record.ix_quantity (
    resource bigint NOT NULL,
    tenant   integer NOT NULL,
    path     integer NOT NULL,
    system   integer NOT NULL,
    unit     text COLLATE "C" NOT NULL, -- '' for a plain number
    low      float8 NOT NULL,
    high     float8 NOT NULL,
    base     text COLLATE "C",          -- canonical UCUM unit, null where it has none
    base_low  float8,
    base_high float8
);
CREATE INDEX ix_quantity_value ON record.ix_quantity (tenant, path, low);
CREATE INDEX ix_quantity_base ON record.ix_quantity (tenant, path, base, base_low) WHERE base IS NOT NULL;
-- Few rows are ranges: with these apart, "greater than" is a range of the index on low.
CREATE INDEX ix_quantity_range ON record.ix_quantity (tenant, path) WHERE high > low;
CREATE INDEX ix_quantity_resource ON record.ix_quantity (tenant, resource);

CREATE TABLE record.ix_reference (
    resource bigint NOT NULL,
    target   bigint NOT NULL,
    tenant   integer NOT NULL,
    path     integer NOT NULL
);
CREATE INDEX ix_reference_target ON record.ix_reference (tenant, path, target, resource);
CREATE INDEX ix_reference_resource ON record.ix_reference (tenant, resource);

CREATE TABLE record.ix_uri (
    resource bigint NOT NULL,
    tenant   integer NOT NULL,
    path     integer NOT NULL,
    value    text COLLATE "C" NOT NULL
);
CREATE INDEX ix_uri_value ON record.ix_uri (tenant, path, value);
CREATE INDEX ix_uri_resource ON record.ix_uri (tenant, resource);

-- Composites whose parts stand together below the resource (a component's code and value): first part a token.
CREATE TABLE record.ix_composite (
    resource bigint NOT NULL,
    tenant   integer NOT NULL,
    path     integer NOT NULL,
    system   integer NOT NULL,
    code     text COLLATE "C" NOT NULL,
    kind     "char" NOT NULL,           -- of the second part: t token, s string, d date, n quantity or number,
                                        -- p two numbers, r reference, g a place on earth
    system2  integer,
    text2    text COLLATE "C",          -- token code, folded string, unit, or Type/id
    low      float8,
    high     float8,
    base      text COLLATE "C",         -- canonical UCUM unit, and low and high told in it
    base_low  float8,
    base_high float8,
    from2    timestamptz,
    to2      timestamptz
);
CREATE INDEX ix_composite_value ON record.ix_composite (tenant, path, code, low);
CREATE INDEX ix_composite_base ON record.ix_composite (tenant, path, code, base_low) WHERE base IS NOT NULL;
CREATE INDEX ix_composite_range ON record.ix_composite (tenant, path, code) WHERE high > low;
CREATE INDEX ix_composite_resource ON record.ix_composite (tenant, resource);

-- The words of a narrative, for `_text`: most are looked for by nobody, so they share one row.
CREATE TABLE record.ix_text (
    resource bigint NOT NULL,
    tenant   integer NOT NULL,
    words    tsvector NOT NULL
);
CREATE INDEX ix_text_words ON record.ix_text USING gin (words);
CREATE INDEX ix_text_resource ON record.ix_text (tenant, resource);

-- A patient merged into another: searches of the survivor include the other; un-merge removes the row.
CREATE TABLE record.merged (
    tenant   integer NOT NULL,
    patient  bigint NOT NULL,
    survivor bigint NOT NULL,           -- whom it counts as, after all merges
    direct   bigint NOT NULL,           -- whom it was merged into
    merged   timestamptz NOT NULL,
    PRIMARY KEY (tenant, patient)
);
CREATE INDEX merged_survivor ON record.merged (tenant, survivor);

-- The keys of some addresses, told by the number n of the question; with a patient are meant those merged into him.
-- A function keeps its plan, where every search would plan it anew.
CREATE FUNCTION record.addressed(of_tenant integer, questions integer[], types smallint[], ids text[])
RETURNS TABLE (n integer, key bigint)
LANGUAGE plpgsql STABLE ROWS 10 SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    WITH found AS (
        SELECT w.n, r.key FROM unnest(questions, types, ids) AS w(n, type, id) CROSS JOIN LATERAL (
            SELECT r.key FROM record.resource r WHERE r.tenant = of_tenant AND r.type = w.type AND r.id = w.id OFFSET 0
        ) r
    )
    SELECT f.n, f.key FROM found f
    UNION ALL
    SELECT f.n, m.patient FROM found f JOIN record.merged m ON m.tenant = of_tenant AND m.survivor = f.key;
END $$;

-- A key, and those of the patients merged into it.
CREATE FUNCTION record.merged_with(of_tenant integer, of_key bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN of_key || ARRAY(SELECT patient FROM record.merged WHERE tenant = of_tenant AND survivor = of_key);
END $$;

-- A key, and that of the patient it was merged into.
CREATE FUNCTION record.survivors(of_tenant integer, of_key bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN of_key || ARRAY(SELECT survivor FROM record.merged WHERE tenant = of_tenant AND patient = of_key);
END $$;

-- The texts of some versions. Planning a join with every month's partition costs more than a whole search.
CREATE FUNCTION record.bodies(of_tenant integer, keys bigint[], vids integer[], times timestamptz[])
RETURNS TABLE (resource bigint, body text)
LANGUAGE plpgsql STABLE ROWS 20 SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT w.key, v.body
    FROM unnest(keys, vids, times) AS w(key, vid, recorded) CROSS JOIN LATERAL (
        SELECT v.body FROM record.version v
        WHERE v.tenant = of_tenant AND v.resource = w.key AND v.vid = w.vid AND v.recorded = w.recorded OFFSET 0
    ) v;
END $$;

-- Text without accents and case, as fhir/fold.py makes it; for what is read over, not looked up (_content).
CREATE FUNCTION record.fold(of_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT translate(lower(normalize(of_text, NFD)), U&'\0111\0110\0300\0301\0302\0303\0306\0307\0308\0309\030a\030c\031b\0323\0327', 'dd')
$$;
