-- Fewer and cheaper indexes under outcomes: each random key costs an insert about 6 µs of the server's CPU, and four of
-- them were most of what an outcome costs. Rebuilding holds writers up for about a minute per ten million rows:
-- meanwhile outcomes are answered with 503, and exposures wait in the spools.

-- Ids are unique through outcome_ids, in the same transaction, across all days; nobody looks outcomes up by id.
ALTER TABLE outcomes DROP CONSTRAINT outcomes_pkey;

-- Ids first: they differ, models do not, and each comparison that stops at the first column is half as dear.
ALTER TABLE outcome_ids DROP CONSTRAINT outcome_ids_pkey;
ALTER TABLE outcome_ids ADD PRIMARY KEY (id, model);

-- Readers go by (model, x, id). Rows of one transaction lie together and are sorted by id when they are read, so the
-- index ends before the id: every insert is then at its right edge, and equal keys share their place.
DROP INDEX outcomes_new;
CREATE INDEX outcomes_new ON outcomes (model, x);

-- Units first, for the same reason, and so that a unit can be found in all models when it is to be erased.
DROP INDEX outcomes_unit;
CREATE INDEX outcomes_unit ON outcomes (unit_key, model, name);
