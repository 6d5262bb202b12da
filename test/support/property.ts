import fc from 'fast-check';

/** The histories of `npm test` are the same every time: what passed here passes there. */
const SEED_OF_THE_GATE = 20_261_130;

/**
 * fast-check as the tests use it. A run that gates a change draws the same values every time; `npm run test:properties`
 * sets `SLUICE_PROPERTY_SEED=fresh` and looks where nobody has looked yet. A number repeats a run of it.
 * @see docs/decisions/0019-fixed-seeds-at-the-gate.md
 */
const given = process.env['SLUICE_PROPERTY_SEED'] ?? String(SEED_OF_THE_GATE);
if (given !== 'fresh') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: seedOf(given) });

function seedOf(text: string): number {
  if (/^-?\d{1,10}$/.test(text)) return Number(text);
  throw new Error(
    `SLUICE_PROPERTY_SEED is ${JSON.stringify(text)}; a whole number or "fresh" is expected`,
  );
}

export { fc };
