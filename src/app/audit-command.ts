import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { SecretsService } from '../auth/secrets.service.js';
import { VerificationKey } from '../auth/signing-key.js';
import type { Config } from '../config/config.js';
import { readIfThere } from '../config/data-dir.js';
import { loadConfig } from '../config/load-config.js';
import { SluiceError } from '../kernel/errors.js';
import type { Verifier } from '../rollouts/audit.js';
import { type AuditedLog, auditLogs, type AuditReport } from '../rollouts/auditor.js';
import type { Checkpoint } from '../rollouts/checkpoint.js';
import { openAuditDatabase } from './audit-database.js';

export const AUDIT_USAGE = `sluice audit verify [options]
  checks the decision logs in the database: numbers, hashes, chain, signatures, ends; exit code 1 when one is broken

  --experiment NAME   only this one (name or id)
  --replay            compute every automatic decision again from its stored inputs
  --anchor FILE       compare with an earlier answer of GET /api/v1/audit/checkpoints, kept elsewhere
  --public-key FILE   check signatures with this key (PEM) instead of the installation's secret
  --json              print the findings as JSON

  The database is the one that DATABASE_URL or SLUICE_DATA_DIR name; the product may run or not.
`;

const checkpointsSchema = z.object({
  checkpoints: z.array(
    z.object({
      experimentId: z.string(),
      number: z.int(),
      hash: z.string(),
      atMs: z.int(),
      keyId: z.string(),
      signature: z.string(),
    }),
  ),
});

export interface CommandResult {
  readonly exitCode: number;
  readonly output: string;
}

/** Runs `sluice audit verify`. Throws SluiceError when it cannot even look. */
export async function auditCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<CommandResult> {
  const { values, positionals } = parsed(args);
  if (positionals.join(' ') !== 'verify') return { exitCode: 2, output: AUDIT_USAGE };
  const config = loadConfig(env);
  const request = {
    key: verifierOf(config, values['public-key'] ?? null),
    experiment: values.experiment ?? null,
    withReplay: values.replay === true,
    anchors: values.anchor === undefined ? [] : anchorsIn(values.anchor),
  };
  const database = await openAuditDatabase(config);
  try {
    const report = await auditLogs(database, request);
    if (request.experiment !== null && report.logs.length === 0) throw unknown(request.experiment);
    const output = values.json === true ? `${JSON.stringify(report)}\n` : tableOf(report);
    return { exitCode: report.intact ? 0 : 1, output };
  } finally {
    await database.close();
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        experiment: { type: 'string' },
        anchor: { type: 'string' },
        'public-key': { type: 'string' },
        replay: { type: 'boolean' },
        json: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new SluiceError('invalid_input', (error as Error).message, [
      { field: 'arguments', expected: 'sluice audit verify --help', given: args },
    ]);
  }
}

/** An auditor without the secret brings the public key; the secret is never made here. */
function verifierOf(config: Config, publicKeyFile: string | null): Verifier {
  if (publicKeyFile !== null) return VerificationKey.fromPem(textOf(publicKeyFile));
  const secret = config.secret ?? readIfThere(join(config.dataDir, 'secret'))?.trim() ?? '';
  if (secret !== '') return new SecretsService(secret).audit.public;
  throw new SluiceError('invalid_input', 'signatures cannot be checked', [
    {
      field: 'SLUICE_SECRET',
      expected: 'the secret of the installation, in the environment or in its data folder',
      advice: 'or give --public-key with the answer of GET /api/v1/audit/key',
    },
  ]);
}

function anchorsIn(file: string): readonly Checkpoint[] {
  try {
    return checkpointsSchema.parse(JSON.parse(textOf(file))).checkpoints;
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw new SluiceError('invalid_input', `${file} holds no checkpoints`, [
      { field: '--anchor', given: file, expected: 'an answer of GET /api/v1/audit/checkpoints' },
    ]);
  }
}

function textOf(file: string): string {
  const text = readIfThere(file);
  if (text !== null) return text;
  throw new SluiceError('invalid_input', `there is no file ${file}`, [
    { field: 'arguments', given: file, expected: 'a file that can be read' },
  ]);
}

function unknown(experiment: string): SluiceError {
  return new SluiceError('not_found', `there is no started experiment ${experiment}`, [
    { field: '--experiment', given: experiment, expected: 'name or id of a started experiment' },
  ]);
}

function tableOf({ logs, keyId, intact }: AuditReport): string {
  const head = ['experiment', 'status', 'decisions', 'signed', 'replayed', 'verdict'];
  const rows = logs.map((log) => [
    log.experiment,
    log.status,
    String(log.decisions),
    String(log.signed),
    String(log.replayed),
    log.findings.length === 0 ? 'intact' : `broken at ${placeOf(log)}`,
  ]);
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)),
  );
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const findings = logs.flatMap((log) => log.findings.map((finding) => findingText(log, finding)));
  const total = logs.reduce((sum, { decisions }) => sum + decisions, 0);
  const verdict = intact
    ? `${total} decisions of ${logs.length} experiments are intact (key ${keyId})`
    : `first broken link: ${findings[0] ?? ''}`;
  return [...lines, '', ...findings, ...(findings.length > 0 ? [''] : []), verdict, ''].join('\n');
}

function placeOf({ findings }: AuditedLog): string {
  const number = findings[0]?.number ?? null;
  return number === null ? 'the end' : `#${number}`;
}

function findingText(
  { experiment }: AuditedLog,
  { number, problem, detail }: AuditedLog['findings'][number],
): string {
  return `${experiment}${number === null ? '' : ` #${number}`}: ${problem}: ${detail}`;
}
