import type { EntityManager } from 'typeorm';

/** How often this connection has begun to scan each day of each stream; earlier transactions may be in it. */
async function scansOf(tx: EntityManager): Promise<Map<string, number>> {
  const rows = await tx.query<{ table: string; scans: number }[]>(
    `SELECT relname AS table, (seq_scan + coalesce(idx_scan, 0))::integer AS scans
     FROM pg_stat_xact_user_tables WHERE relname ~ '_[0-9]{8}$'`,
  );
  return new Map(rows.map(({ table, scans }) => [table, scans]));
}

/** What a piece of work answers, and the day partitions (YYYYMMDD) that it read. */
export async function openedDays<T>(
  tx: EntityManager,
  work: () => Promise<T>,
): Promise<{ readonly answer: T; readonly days: ReadonlySet<string> }> {
  const before = await scansOf(tx);
  const answer = await work();
  const after = await scansOf(tx);
  const opened = [...after].filter(([table, scans]) => scans > (before.get(table) ?? 0));
  return { answer, days: new Set(opened.map(([table]) => table.slice(-8))) };
}
