-- What an assistant may have an app do: a JSON array of {id, description, activationPhrases, parameters}.
ALTER TABLE apps ADD COLUMN tools TEXT NOT NULL DEFAULT '[]';
