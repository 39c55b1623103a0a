-- readable by: 2
--
-- Messages are stored in runs: those in a row of one sender, kind and time, under client ids that count up.

-- The key is the last seq, so that the end of a log is in the index and does not rest on a row that may be
-- damaged; a run begins where the one before it ends.  With rowids, because then a batch writes its runs to the
-- end of one tree and only small index entries to the places of their conversations.
-- sizes: as little-endian numbers of 32 bits the lengths of the bodies, then their CRC-32s; bodies: one after the
-- other; checksum: CRC-32 of all the rest (runs.py).
CREATE TABLE runs (
    conversation INTEGER NOT NULL,
    first_seq    INTEGER NOT NULL,
    last_seq     INTEGER NOT NULL,
    sender       INTEGER NOT NULL,
    stem         BLOB    NOT NULL CHECK (length(stem) <= 256),
    number       INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    content_type TEXT    NOT NULL CHECK (length(content_type) <= 256),
    time_ms      INTEGER NOT NULL,
    withheld     INTEGER NOT NULL,
    sizes        BLOB    NOT NULL CHECK (length(sizes) = 8 * (last_seq - first_seq + 1)),
    bodies       BLOB    NOT NULL CHECK (length(bodies) <= 16777216),
    checksum     INTEGER NOT NULL,
    PRIMARY KEY (conversation, last_seq)
) STRICT;

-- The ids stem + first ... stem + last of a sender are the messages from first_seq on; no two entries overlap.
-- Ids without a number have first = last = -1.
CREATE TABLE client_ids (
    sender       INTEGER NOT NULL,
    stem         BLOB    NOT NULL CHECK (length(stem) <= 256),
    first        INTEGER NOT NULL,
    last         INTEGER NOT NULL CHECK (last >= first),
    conversation INTEGER NOT NULL,
    first_seq    INTEGER NOT NULL,
    PRIMARY KEY (sender, stem, first)
) WITHOUT ROWID, STRICT;

-- Every message becomes a run of one (upgrade.py).  By its indexes, because a key there is right even where a row
-- is damaged.
INSERT INTO runs
SELECT conversation, seq, seq, sender, id_stem(client_id), id_number(client_id), kind, content_type, time_ms, 0,
    run_sizes(body), body,
    run_checksum(conversation, seq, sender, client_id, kind, CAST(content_type AS BLOB), body, time_ms)
FROM messages INDEXED BY sqlite_autoindex_messages_1
WHERE message_is_sound(conversation, seq, sender, client_id, kind, CAST(content_type AS BLOB), body, time_ms, checksum)
ORDER BY conversation, seq;

-- A damaged one stays one, because no checksum is -1; what is left of it is in the backup.
INSERT INTO runs
SELECT conversation, seq, seq, 0, x'', -1, 0, '', 0, 0, zeroblob(8), x'', -1
FROM messages INDEXED BY sqlite_autoindex_messages_1
WHERE NOT message_is_sound(conversation, seq, sender, client_id, kind, CAST(content_type AS BLOB), body, time_ms, checksum)
ORDER BY conversation, seq;

INSERT OR IGNORE INTO client_ids
SELECT sender, id_stem(client_id), id_number(client_id), id_number(client_id), conversation, seq
FROM messages INDEXED BY sqlite_autoindex_messages_2
WHERE (typeof(sender), typeof(client_id), typeof(conversation), typeof(seq)) = ('integer', 'blob', 'integer', 'integer')
ORDER BY sender, client_id;

DROP TABLE messages;
