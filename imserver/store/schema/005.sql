-- readable by: 5
--
-- An older daemon would let frozen accounts in.

-- frozen_ms 0: not frozen.
ALTER TABLE accounts ADD COLUMN frozen_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN administrator INTEGER NOT NULL DEFAULT 0 CHECK (administrator IN (0, 1));

-- With one of these somebody may register although registration is closed.
CREATE TABLE invitations (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    code_sha256 BLOB    NOT NULL UNIQUE CHECK (length(code_sha256) = 32),
    uses_left   INTEGER NOT NULL CHECK (uses_left >= 0),
    expires_ms  INTEGER NOT NULL
) STRICT;
