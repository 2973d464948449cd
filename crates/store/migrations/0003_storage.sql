-- What apps keep for their users. A key is any text and means nothing: a dot in it makes no tree.
CREATE TABLE storage (
    user_id    TEXT   NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    package    TEXT   NOT NULL REFERENCES apps (package) ON DELETE CASCADE,
    key        TEXT   NOT NULL,
    bytes      BIGINT NOT NULL, -- of key and value together; before the value, so that adding up reads no value
    updated_ms BIGINT NOT NULL,
    value      TEXT   NOT NULL,
    PRIMARY KEY (user_id, package, key)
);
CREATE INDEX storage_package ON storage (package);
