-- Code lists as people know them: names, dates, properties, maps between lists. Filled and asked by the room terminology.

-- A code system whose concepts are at hand; tenant 0 is for every keeper, another tenant's rows stand over those.
CREATE TABLE reference.code_list (
    system   integer NOT NULL REFERENCES reference.system,
    tenant   integer NOT NULL DEFAULT 0,
    title    text NOT NULL,
    version  text COLLATE "C" NOT NULL DEFAULT '',
    source   text NOT NULL DEFAULT '',  -- the decision it comes from
    language text COLLATE "C" NOT NULL DEFAULT '',
    folds    boolean NOT NULL DEFAULT false, -- the same code in capitals is the same code
    supplements integer REFERENCES reference.system, -- the list whose codes it tells more of; it has none of its own then
    closed   boolean NOT NULL DEFAULT true,  -- reference.concept_ancestor has its tree; a very long list is climbed instead
    PRIMARY KEY (system, tenant)
);

-- A code with the days it means this: a code that was given again with another meaning has a row for each.
-- No foreign key on the system, which is never removed: it would cost a look for each of a million rows.
CREATE TABLE reference.concept (
    system       integer NOT NULL,
    tenant       integer NOT NULL DEFAULT 0,
    code         text COLLATE "C" NOT NULL,
    valid_from   date NOT NULL DEFAULT '-infinity',
    valid_to     date NOT NULL DEFAULT 'infinity', -- the last day
    display      text NOT NULL,
    designations jsonb NOT NULL DEFAULT '[]',
    properties   jsonb NOT NULL DEFAULT '{}',
    parent       text COLLATE "C" NOT NULL DEFAULT '',
    place        integer NOT NULL DEFAULT 0,       -- in the list's own order
    abstract     boolean NOT NULL DEFAULT false,
    successor    text COLLATE "C" NOT NULL DEFAULT '', -- the codes that took its place, apart by spaces
    also         text[] COLLATE "C" NOT NULL DEFAULT '{}', -- further codes above it
    load         integer,                          -- which load brought it; null for the program's own packages
    plain        text COLLATE "C" NOT NULL,        -- the code without points and case
    folded       text COLLATE "C" NOT NULL,        -- the name without accents
    words        tsvector NOT NULL,                -- its words and those of its designations, each after a mark of the system
    PRIMARY KEY (system, tenant, code, valid_from)
);
CREATE INDEX concept_plain ON reference.concept (system, plain);
CREATE INDEX concept_parent ON reference.concept (system, parent);
CREATE INDEX concept_also ON reference.concept USING gin (also) WHERE also <> '{}';
CREATE INDEX concept_words ON reference.concept USING gin (words);

-- A table from the codes of one list to those of another (ConceptMap).
CREATE TABLE reference.concept_map (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url     text COLLATE "C" NOT NULL,
    title   text NOT NULL,
    version text COLLATE "C" NOT NULL DEFAULT '',
    source  text NOT NULL DEFAULT '',
    tenant  integer NOT NULL DEFAULT 0,
    load     integer,                              -- which load brought it; null for the program's own packages
    replaced integer                               -- the load whose map of this address took its place
);
CREATE UNIQUE INDEX concept_map_url ON reference.concept_map (url) WHERE load IS NULL;
CREATE INDEX concept_map_any ON reference.concept_map (url);
CREATE TABLE reference.map_element (
    map           integer NOT NULL REFERENCES reference.concept_map ON DELETE CASCADE,
    source_system integer NOT NULL REFERENCES reference.system,
    source        text COLLATE "C" NOT NULL,
    target_system integer NOT NULL REFERENCES reference.system,
    target        text COLLATE "C" NOT NULL,
    equivalence   text COLLATE "C" NOT NULL,
    comment       text NOT NULL DEFAULT '',
    PRIMARY KEY (map, source_system, source, target_system, target)
);
CREATE INDEX map_element_target ON reference.map_element (target_system, target);
CREATE INDEX map_element_source ON reference.map_element (source_system, source);

GRANT SELECT, INSERT, UPDATE, DELETE ON reference.code_list, reference.concept, reference.concept_map,
    reference.map_element TO hsba_runtime;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA reference TO hsba_runtime;
