-- A model's holdout: {share, version, salt}. The salt is drawn once; with it, who is held out stays the same for as
-- long as the holdout is there, through restarts, promotions and new settings.
ALTER TABLE models ADD COLUMN holdout jsonb;

-- Every change of a champion, in order: what a holdout is compared with, and since when. A trigger, so that the
-- release before, which may still run beside this one, writes them too.
CREATE TABLE champion_changes (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  model    text NOT NULL,
  previous text,                         -- null: the first champion
  version  text NOT NULL,
  at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX champion_changes_model ON champion_changes (model, at);

CREATE FUNCTION note_champion_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO champion_changes (model, previous, version) VALUES (NEW.name, OLD.champion, NEW.champion);
  RETURN NULL;
END $$;
CREATE TRIGGER champion_changed AFTER UPDATE OF champion ON models
  FOR EACH ROW WHEN (NEW.champion IS NOT NULL AND NEW.champion IS DISTINCT FROM OLD.champion)
  EXECUTE FUNCTION note_champion_change();
