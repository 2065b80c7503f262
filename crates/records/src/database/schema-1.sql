-- Times are milliseconds since 1970, UTC. Numbers are BIGINT throughout: both databases have it.

CREATE TABLE events (
    number TEXT PRIMARY KEY,
    title TEXT NOT NULL DEFAULT '',
    owner TEXT,
    created_ms BIGINT,
    -- Of two reservations the later counts; 0: none is known yet, only that something happened.
    changed_ms BIGINT NOT NULL DEFAULT 0,
    starts_ms BIGINT,
    -- Separated by spaces; empty: the configured default.
    formats TEXT NOT NULL DEFAULT '',
    -- cancelled, ended or over, and since when; null: it takes calls.
    closed TEXT,
    closed_ms BIGINT
);
CREATE INDEX events_by_owner ON events (owner);

CREATE TABLE calls (
    server TEXT NOT NULL,
    setup_ms BIGINT NOT NULL,
    call BIGINT NOT NULL,
    direction TEXT NOT NULL,
    span BIGINT NOT NULL,
    channel BIGINT NOT NULL,
    called TEXT NOT NULL,
    calling TEXT,
    event TEXT,
    role TEXT,
    connect_ms BIGINT,
    joined_ms BIGINT,
    left_ms BIGINT,
    end_ms BIGINT,
    seconds BIGINT,
    wrong_entries BIGINT NOT NULL,
    waited_ms BIGINT NOT NULL,
    talk_ms BIGINT NOT NULL,
    muted_ms BIGINT NOT NULL,
    cause BIGINT,
    cause_location TEXT,
    released_by TEXT NOT NULL,
    PRIMARY KEY (server, setup_ms, call)
);
CREATE INDEX calls_by_event ON calls (event);

CREATE TABLE happenings (
    event TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    server TEXT NOT NULL,
    what TEXT NOT NULL,
    by_whom TEXT NOT NULL,
    PRIMARY KEY (event, at_ms, server, what, by_whom)
);

CREATE TABLE listeners (
    event TEXT NOT NULL,
    minute_ms BIGINT NOT NULL,
    server TEXT NOT NULL,
    format TEXT NOT NULL,
    listeners BIGINT NOT NULL,
    octets BIGINT NOT NULL,
    PRIMARY KEY (event, minute_ms, server, format)
);

-- How far each file of records has been applied, written with what it brought.
CREATE TABLE applied (
    source TEXT PRIMARY KEY,
    position BIGINT NOT NULL,
    mark TEXT NOT NULL
);
