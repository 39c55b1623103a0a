-- readable by: 3
--
-- Contacts, requests and blocks.  An older daemon would deliver what is blocked, so none may use this.

ALTER TABLE accounts ADD COLUMN findable INTEGER NOT NULL DEFAULT 1;
ALTER TABLE accounts ADD COLUMN open_to_contacts INTEGER NOT NULL DEFAULT 0;

-- Searches go through the names in their order.
CREATE UNIQUE INDEX directory ON accounts (name) WHERE findable = 1 AND deleted_ms = 0;

-- Always in pairs: whose contact somebody is is his contact, too.
CREATE TABLE contacts (
    owner    INTEGER NOT NULL REFERENCES accounts (number),
    account  INTEGER NOT NULL REFERENCES accounts (number),
    remark   TEXT    NOT NULL DEFAULT '' CHECK (length(remark) <= 256),
    category TEXT    NOT NULL DEFAULT '' CHECK (length(category) <= 256),
    PRIMARY KEY (owner, account)
) WITHOUT ROWID, STRICT;

-- refused_ms 0: it waits for an answer.
CREATE TABLE contact_requests (
    target     INTEGER NOT NULL REFERENCES accounts (number),
    asker      INTEGER NOT NULL REFERENCES accounts (number),
    text       TEXT    NOT NULL CHECK (length(text) <= 1024),
    time_ms    INTEGER NOT NULL,
    refused_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (target, asker)
) WITHOUT ROWID, STRICT;

CREATE INDEX requests_of ON contact_requests (asker);

-- The owner wants nothing of the account.
CREATE TABLE blocks (
    owner   INTEGER NOT NULL REFERENCES accounts (number),
    account INTEGER NOT NULL REFERENCES accounts (number),
    PRIMARY KEY (owner, account)
) WITHOUT ROWID, STRICT;

CREATE INDEX blocks_of ON blocks (account);

-- Contacts as they are shown: where one has blocked the other, neither is told of the other.
CREATE VIEW contacts_shown AS
SELECT c.owner, c.account, c.remark, c.category,
    EXISTS (SELECT 1 FROM blocks WHERE owner = c.owner AND account = c.account)
    OR EXISTS (SELECT 1 FROM blocks WHERE owner = c.account AND account = c.owner) AS is_silent
FROM contacts c;
