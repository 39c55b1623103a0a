-- readable by: 4
--
-- Groups have numbers, roles, moderation and ways in; the lobby is one of them.

-- number: of a group, from 1 and never used again; 0 for direct conversations.  muted_until_ms: everybody but admins.
ALTER TABLE conversations ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN announcement TEXT NOT NULL DEFAULT '' CHECK (length(announcement) <= 2048);
ALTER TABLE conversations ADD COLUMN join_policy INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN muted_until_ms INTEGER NOT NULL DEFAULT 0;

-- role: 1 member, 2 admin, 3 owner.  removed: left, but not by himself.
ALTER TABLE members ADD COLUMN role INTEGER NOT NULL DEFAULT 1;
ALTER TABLE members ADD COLUMN muted_until_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;

CREATE TABLE join_requests (
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    account      INTEGER NOT NULL REFERENCES accounts (number),
    text         TEXT    NOT NULL CHECK (length(text) <= 1024),
    time_ms      INTEGER NOT NULL,
    PRIMARY KEY (conversation, account)
) WITHOUT ROWID, STRICT;

INSERT INTO conversations (id, kind, title, created_ms, number, join_policy) VALUES (1, 2, 'lobby', 0, 1, 1);

-- The groups there are: by invitation, as they were, and owned by whoever is in them for longest.
UPDATE conversations SET join_policy = 3, number = 1 + (
    SELECT count(*) FROM conversations o
    WHERE o.kind = 2 AND o.id <> 1 AND (o.created_ms, o.id) <= (conversations.created_ms, conversations.id))
WHERE kind = 2 AND id <> 1;
UPDATE members SET role = 3 WHERE left_seq = 0 AND account = (
    SELECT o.account FROM members o JOIN conversations c ON c.id = o.conversation
    WHERE o.conversation = members.conversation AND o.left_seq = 0 AND c.kind = 2
    ORDER BY o.joined_seq, o.account LIMIT 1);

CREATE UNIQUE INDEX groups_by_number ON conversations (number) WHERE number > 0;
