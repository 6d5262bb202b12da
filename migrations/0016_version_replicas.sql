-- Several replicas of a version, and how many calls of it may be under way per gateway process.
--
-- `url` stays the first of them, for the release before. When that release replaces it, it leaves `urls` as it was:
-- `urls` counts only while it begins with `url`.
ALTER TABLE versions
  ADD COLUMN urls            text[],   -- null: url is the only one
  ADD COLUMN max_concurrency integer;  -- null: the gateway's default
