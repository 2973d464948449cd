-- Users, apps, and what joins them. Runs on SQLite and on PostgreSQL: text identifiers, times as BIGINT milliseconds
-- since 1970, JSON as TEXT. Never edit a released migration: programs compare its checksum. Add the next number.

CREATE TABLE apps (
    package       TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    public_url    TEXT    NOT NULL,
    permissions   TEXT    NOT NULL, -- JSON array of names
    key_hash      TEXT    NOT NULL, -- 64 hex digits, SHA-256 of the API key; the key itself is nowhere
    uuid_sessions BOOLEAN NOT NULL,
    settings      TEXT    NOT NULL, -- JSON array, the settings that the app declares
    created_ms    BIGINT  NOT NULL
);

CREATE TABLE users (
    user_id    TEXT   NOT NULL PRIMARY KEY,
    settings   TEXT   NOT NULL, -- JSON object; a missing key means its default
    created_ms BIGINT NOT NULL
);

CREATE TABLE installs (
    user_id      TEXT   NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    package      TEXT   NOT NULL REFERENCES apps (package) ON DELETE CASCADE,
    installed_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, package)
);
CREATE INDEX installs_package ON installs (package);

-- A row: the user wants this app to run. Apart from installs, because an app may run without being installed.
CREATE TABLE running (
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    package TEXT NOT NULL REFERENCES apps (package) ON DELETE CASCADE,
    PRIMARY KEY (user_id, package)
);
CREATE INDEX running_package ON running (package);

CREATE TABLE app_settings (
    user_id  TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    package  TEXT NOT NULL REFERENCES apps (package) ON DELETE CASCADE,
    settings TEXT NOT NULL, -- JSON array, the values that the user chose
    PRIMARY KEY (user_id, package)
);
CREATE INDEX app_settings_package ON app_settings (package);

-- Counts the changes that live sessions must hear of: apps, and who installed them. One row.
CREATE TABLE catalogue (
    one     BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    version BIGINT NOT NULL
);
INSERT INTO catalogue (one, version) VALUES (1, 0);
