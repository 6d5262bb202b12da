-- A changed design of a running experiment is a decision of its own: it begins the next analysis epoch.
ALTER TABLE decisions DROP CONSTRAINT decisions_kind_check;
ALTER TABLE decisions ADD CONSTRAINT decisions_kind_check CHECK (kind IN ('start', 'promote', 'rollback', 'advance',
  'hold', 'inconclusive', 'error', 'pause', 'resume', 'approve', 'abort', 'redesign'));
