-- What apps need of the glasses: a JSON array of {type, level, description}.
ALTER TABLE apps ADD COLUMN hardware TEXT NOT NULL DEFAULT '[]';
