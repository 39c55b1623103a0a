-- readable by: 1
--
-- The log is the truth: a conversation's last seq is its highest message, offline messages are those above
-- a device's cursor.  Every string has a length; the limits of core/limits.py lie below these.

CREATE TABLE meta (
    name  TEXT    NOT NULL PRIMARY KEY CHECK (length(name) <= 64),
    value INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- A deleted account keeps its row, so that its name and number are never used again.
CREATE TABLE accounts (
    number        INTEGER NOT NULL PRIMARY KEY CHECK (number BETWEEN 1 AND 2147483647),
    name          TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    display_name  TEXT    NOT NULL CHECK (length(display_name) <= 256),
    signature     TEXT    NOT NULL CHECK (length(signature) <= 1024),
    password_hash TEXT    NOT NULL CHECK (length(password_hash) <= 512),
    created_ms    INTEGER NOT NULL,
    deleted_ms    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- AUTOINCREMENT: the id of a revoked device is never given to another.
CREATE TABLE devices (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account      INTEGER NOT NULL REFERENCES accounts (number),
    name         TEXT    NOT NULL CHECK (length(name) <= 128),
    token_sha256 BLOB    UNIQUE CHECK (length(token_sha256) = 32),
    created_ms   INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    UNIQUE (account, name)
) STRICT;

-- kind 1: direct, between accounts lower and higher; kind 2: a group, with both NULL.
CREATE TABLE conversations (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id BETWEEN 1 AND 9007199254740991),
    kind       INTEGER NOT NULL,
    title      TEXT    NOT NULL CHECK (length(title) <= 256),
    lower      INTEGER REFERENCES accounts (number),
    higher     INTEGER REFERENCES accounts (number),
    created_ms INTEGER NOT NULL,
    UNIQUE (lower, higher),
    CHECK (kind <> 1 OR lower < higher)
) STRICT;

-- left_seq 0: still a member.
CREATE TABLE members (
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    account      INTEGER NOT NULL REFERENCES accounts (number),
    joined_seq   INTEGER NOT NULL,
    left_seq     INTEGER NOT NULL DEFAULT 0,
    read_seq     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation, account)
) WITHOUT ROWID, STRICT;

CREATE INDEX memberships ON members (account, conversation);

-- A device without a row here has everything up to its account's joined_seq.
CREATE TABLE device_cursors (
    device        INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    conversation  INTEGER NOT NULL,
    delivered_seq INTEGER NOT NULL,
    PRIMARY KEY (device, conversation)
) WITHOUT ROWID, STRICT;

-- No foreign keys here: append checks membership itself, once per sender and conversation of a batch.
-- With rowids, because then a batch writes its messages to the end of one tree and only small index entries to
-- the places of their conversations: a third less to write and to sync than a table in the order of its key.
CREATE TABLE messages (
    conversation INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    sender       INTEGER NOT NULL,
    client_id    BLOB    NOT NULL CHECK (length(client_id) <= 256),
    kind         INTEGER NOT NULL,
    content_type TEXT    NOT NULL CHECK (length(content_type) <= 256),
    body         BLOB    NOT NULL CHECK (length(body) <= 1048576),
    time_ms      INTEGER NOT NULL,
    checksum     INTEGER NOT NULL,
    PRIMARY KEY (conversation, seq),
    UNIQUE (sender, client_id)
) STRICT;

-- The outcomes of a device's last requests with effects, so that a retry has none.
CREATE TABLE rpc_results (
    device       INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    n            INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    fingerprint  BLOB    NOT NULL CHECK (length(fingerprint) <= 64),
    conversation INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    PRIMARY KEY (device, n)
) WITHOUT ROWID, STRICT;
