-- A model's holdout: {share, version, salt}. The salt is drawn once; with it, who is held out stays the same for as
-- long as the holdout is there, through restarts, promotions and new settings.
ALTER TABLE models ADD COLUMN holdout jsonb;
