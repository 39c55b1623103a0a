-- readable by: 6
--
-- Messages about others: replies, edits, recalls, forwarded ones, and those that are to be burnt after reading.

-- NULL, or of a run of one what few messages have (extras.py).  The checksum covers it.
ALTER TABLE runs ADD COLUMN extra TEXT CHECK (length(extra) <= 2048);

-- Which messages of kind 6 a message has, so that they go with it.
CREATE TABLE edits (
    conversation INTEGER NOT NULL,
    about        INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    PRIMARY KEY (conversation, about, seq)
) WITHOUT ROWID, STRICT;

-- Messages that will be destroyed at due_ms; or, while seconds is not 0, so long after everybody has read them.
CREATE TABLE burning (
    conversation INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    sender       INTEGER NOT NULL,
    seconds      INTEGER NOT NULL,
    due_ms       INTEGER NOT NULL,
    PRIMARY KEY (conversation, seq)
) WITHOUT ROWID, STRICT;

CREATE INDEX burning_due ON burning (due_ms);
