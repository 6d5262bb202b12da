// Preloaded by a process that is to die at a point of its work which is told by what it asks PostgreSQL:
// `CRASH_AT=decision_before_commit node --import ./test/support/crash-point.mjs …`
import pg from 'pg';

const DECIDES = /INSERT INTO "?decisions"?/;
const TELLS = /^\s*UPDATE outbox SET announced_at/;
const NOTES_DELIVERY = /^\s*UPDATE webhook_deliveries SET [\s\S]*delivered_at = /;
const COMMITS = /^\s*COMMIT/i;

const point = process.env['CRASH_AT'];
const { query } = pg.Client.prototype;
/** Connections in whose transaction a decision was written. */
const deciding = new WeakSet();

function die() {
  process.kill(process.pid, 'SIGKILL');
}

/** Dies when the answer to a query is there, before anybody hears of it. */
function dieAfter(client, args) {
  const config = typeof args[0] === 'string' ? { text: args[0] } : args[0];
  const values = Array.isArray(args[1]) ? args[1] : undefined;
  return query.call(client, config, values).then(die, die);
}

pg.Client.prototype.query = function (...args) {
  const text = typeof args[0] === 'string' ? args[0] : (args[0]?.text ?? '');
  if (DECIDES.test(text)) deciding.add(this);
  const commitsDecision = COMMITS.test(text) && deciding.has(this);
  if (commitsDecision) deciding.delete(this);
  if (point === 'decision_before_commit' && commitsDecision) die();
  if (point === 'told_before_mark' && TELLS.test(text)) die();
  if (point === 'delivered_before_mark' && NOTES_DELIVERY.test(text)) die();
  if (point === 'decision_after_commit' && commitsDecision) return dieAfter(this, args);
  return query.apply(this, args);
};
