-- Lists that hospitals load: their versions, each load and what it wrote over, and where a list lies while it is read.

ALTER TABLE reference.code_list
    ADD COLUMN supplements integer REFERENCES reference.system,
    ADD COLUMN closed boolean NOT NULL DEFAULT true;
-- A system is never removed, and the look for it would cost seconds in a list of a million rows.
ALTER TABLE reference.concept DROP CONSTRAINT concept_system_fkey;
ALTER TABLE reference.concept_ancestor DROP CONSTRAINT concept_ancestor_system_fkey;
ALTER TABLE reference.concept ADD COLUMN also text[] COLLATE "C" NOT NULL DEFAULT '{}';
CREATE INDEX concept_parent ON reference.concept (system, parent);
CREATE INDEX concept_also ON reference.concept USING gin (also) WHERE also <> '{}';
ALTER TABLE reference.concept_map
    ADD COLUMN tenant integer NOT NULL DEFAULT 0,
    ADD COLUMN load integer,
    ADD COLUMN replaced integer,
    DROP CONSTRAINT concept_map_url_key;
CREATE UNIQUE INDEX concept_map_url ON reference.concept_map (url) WHERE load IS NULL;
CREATE INDEX concept_map_any ON reference.concept_map (url);

-- The state of a list between two days, by the name it is published under: `system|version` is the list on these days.
CREATE TABLE reference.list_version (
    system     integer NOT NULL REFERENCES reference.system,
    tenant     integer NOT NULL DEFAULT 0,
    version    text COLLATE "C" NOT NULL,
    valid_from date NOT NULL DEFAULT '-infinity',
    load       integer NOT NULL,        -- the load that began it, or that found it in force
    title      text NOT NULL DEFAULT '',
    source     text NOT NULL DEFAULT '',
    PRIMARY KEY (system, tenant, version, load)
);

-- A file that a hospital loaded may change several lists.
CREATE TABLE reference.code_load_list (
    load    integer NOT NULL REFERENCES reference.code_load,
    system  integer NOT NULL REFERENCES reference.system,
    added   integer NOT NULL,
    changed integer NOT NULL,
    ended   integer NOT NULL,
    before  jsonb,                      -- the row of the list as it was; null for a new list
    PRIMARY KEY (load, system)
);

-- A concept as it stood before a load wrote over it: undoing takes away what the load wrote and puts these back.
CREATE TABLE reference.concept_before (
    replaced_by  integer NOT NULL REFERENCES reference.code_load,
    system       integer NOT NULL,
    tenant       integer NOT NULL,
    code         text COLLATE "C" NOT NULL,
    valid_from   date NOT NULL,
    valid_to     date NOT NULL,
    display      text NOT NULL,
    designations jsonb NOT NULL,
    properties   jsonb NOT NULL,
    parent       text COLLATE "C" NOT NULL,
    also         text[] COLLATE "C" NOT NULL,
    place        integer NOT NULL,
    abstract     boolean NOT NULL,
    successor    text COLLATE "C" NOT NULL,
    load         integer,
    plain        text COLLATE "C" NOT NULL,
    folded       text COLLATE "C" NOT NULL,
    words        tsvector NOT NULL,
    PRIMARY KEY (replaced_by, system, code, valid_from)
);

-- A value set or naming system that came in a FHIR package, as it came.
CREATE TABLE reference.definition (
    load    integer NOT NULL REFERENCES reference.code_load,
    type    text COLLATE "C" NOT NULL,
    url     text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL DEFAULT '',
    id      text COLLATE "C" NOT NULL DEFAULT '',
    tenant  integer NOT NULL DEFAULT 0,
    body    text NOT NULL,
    PRIMARY KEY (load, type, url, version)
);
CREATE INDEX definition_url ON reference.definition (type, url);

-- Where a list lies while it is read and judged, before anything of the old one is touched; empty otherwise.
CREATE UNLOGGED TABLE reference.arriving (
    code         text COLLATE "C" NOT NULL,
    valid_from   date,                  -- null: from when the list says
    valid_to     date NOT NULL,
    display      text NOT NULL,
    designations jsonb NOT NULL,
    properties   jsonb NOT NULL,
    parent       text COLLATE "C" NOT NULL,
    also         text[] COLLATE "C" NOT NULL,
    place        integer NOT NULL,
    abstract     boolean NOT NULL,
    successor    text COLLATE "C" NOT NULL,
    plain        text COLLATE "C" NOT NULL,
    folded       text COLLATE "C" NOT NULL,
    words        text[] COLLATE "C" NOT NULL,
    change       "char" NOT NULL DEFAULT '+'
);

-- The files of a SNOMED CT release, line by line, while they are put together.
CREATE UNLOGGED TABLE reference.rf2_concept (
    id bigint, time integer, active smallint, module bigint, definition bigint
);
CREATE UNLOGGED TABLE reference.rf2_description (
    id bigint, time integer, active smallint, module bigint, concept bigint, language text, type bigint, term text,
    case_significance bigint
);
CREATE UNLOGGED TABLE reference.rf2_relationship (
    id bigint, time integer, active smallint, module bigint, source bigint, destination bigint, relationship_group integer,
    type bigint, characteristic bigint, modifier bigint
);
CREATE UNLOGGED TABLE reference.rf2_member (
    id text, time integer, active smallint, module bigint, refset bigint, component bigint, target bigint
);

-- What was loaded before is undone in the new way too.
ALTER TABLE reference.code_load ADD COLUMN kind text COLLATE "C" NOT NULL DEFAULT 'table';
INSERT INTO reference.code_load_list (load, system, added, changed, ended, before)
SELECT id, system, added, changed, ended, nullif(before -> 'list', 'null') FROM reference.code_load;
INSERT INTO reference.concept_before
SELECT l.id, l.system, 0, w.code, CASE w.valid_from WHEN '0001-01-01' THEN '-infinity' ELSE w.valid_from::date END,
       CASE w.valid_to WHEN '9999-12-31' THEN 'infinity' ELSE w.valid_to::date END,
       w.display, w.designations::jsonb, w.properties::jsonb, w.parent, '{}',
       w.place, w.abstract, w.successor, w.load, w.plain, w.folded,
       (SELECT array_to_tsvector(coalesce(array_agg(CASE WHEN x LIKE '~%~%' THEN x ELSE '~' || l.system || '~' || x END), '{}'))
        FROM unnest(string_to_array(w.words, ' ')) AS x WHERE x <> '' AND (x NOT LIKE '~%' OR x LIKE '~%~%'))
FROM reference.code_load l CROSS JOIN jsonb_to_recordset(l.before -> 'concepts') AS w (
    code text, valid_from text, valid_to text, display text, designations text, properties text, parent text,
    place integer, abstract boolean, successor text, load integer, plain text, folded text, words text)
WHERE l.undone IS NULL;
ALTER TABLE reference.code_load
    DROP COLUMN system, DROP COLUMN added, DROP COLUMN changed, DROP COLUMN ended, DROP COLUMN before;

GRANT SELECT, INSERT, UPDATE, DELETE ON reference.list_version, reference.code_load, reference.code_load_list,
    reference.concept_before, reference.definition TO hsba_runtime;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON reference.arriving, reference.rf2_concept, reference.rf2_description,
    reference.rf2_relationship, reference.rf2_member TO hsba_runtime;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA reference TO hsba_runtime;
