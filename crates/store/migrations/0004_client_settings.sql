-- What the phone keeps here: a JSON object of its own keys. The system settings that apps see are derived from it when it
-- is written.
ALTER TABLE users ADD COLUMN client_settings TEXT NOT NULL DEFAULT '{}';
