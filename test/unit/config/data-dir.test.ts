import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureDataDir, lockDataDir, readSecret } from '../../../src/config/data-dir.js';
import { ownIdentity, startTimeOf } from '../../../src/config/process-identity.js';

let base: string;
let dir: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'sluice-data-'));
  dir = join(base, 'deep', 'data');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const lockOf = (identity: object): void => {
  ensureDataDir(dir);
  writeFileSync(join(dir, 'lock'), JSON.stringify(identity));
};

describe('the data folder', () => {
  it('is made private, and as root passable for the account of the database', () => {
    ensureDataDir(dir);
    const expected = process.getuid?.() === 0 ? 0o711 : 0o700;
    expect(statSync(dir).mode & 0o777).toBe(expected);
  });

  it('is refused with its variable when it cannot be made', () => {
    writeFileSync(join(base, 'file'), '');
    expect(() => ensureDataDir(join(base, 'file', 'sub'))).toThrow(/file\/sub cannot be used/);
  });

  it('keeps one secret, readable by its owner only', () => {
    const secret = readSecret({ secret: null, dataDir: dir });
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(readSecret({ secret: null, dataDir: dir })).toBe(secret);
    expect(statSync(join(dir, 'secret')).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(['secret']);
  });

  it('prefers the secret that was given and makes none', () => {
    expect(readSecret({ secret: 'given', dataDir: dir })).toBe('given');
    expect(existsSync(dir)).toBe(false);
  });

  it('refuses an emptied secret file: a new secret would make every key worthless', () => {
    ensureDataDir(dir);
    writeFileSync(join(dir, 'secret'), '\n');
    expect(() => readSecret({ secret: null, dataDir: dir })).toThrow(/is empty/);
  });
});

describe('the lock of the data folder', () => {
  it('is held until every holder within the process has released it', () => {
    const first = lockDataDir(dir);
    const second = lockDataDir(dir);
    expect(JSON.parse(readFileSync(join(dir, 'lock'), 'utf8'))).toEqual(ownIdentity());
    first.release();
    first.release();
    expect(existsSync(join(dir, 'lock'))).toBe(true);
    second.release();
    expect(readdirSync(dir)).toEqual([]);
  });

  it('refuses a folder that a live process holds and names the process', async () => {
    const holder = spawn('sleep', ['60']);
    try {
      lockOf({ pid: holder.pid, startedAt: startTimeOf(holder.pid ?? 0) });
      expect(() => lockDataDir(dir)).toThrow(`in use by process ${holder.pid}`);
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
    lockDataDir(dir).release();
  });

  it('is taken over when the number of its dead owner was given to another process', () => {
    lockOf({ pid: process.ppid, startedAt: 'another boot:1' });
    lockDataDir(dir).release();
  });

  it('is taken over when it is unreadable or a take-over was left half-way', () => {
    ensureDataDir(dir);
    writeFileSync(join(dir, 'lock'), '{');
    mkdirSync(join(dir, 'lock.takeover'));
    expect(() => lockDataDir(dir)).toThrow(/in use by another process/);
    utimesSync(join(dir, 'lock.takeover'), new Date(0), new Date(0));
    lockDataDir(dir).release();
    expect(readdirSync(dir)).toEqual([]);
  });

  it('opens a folder of root that was too private for the database, and leaves any other as it is', () => {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    ensureDataDir(dir);
    expect(statSync(dir).mode & 0o777).toBe(process.getuid?.() === 0 ? 0o711 : 0o700);
    chmodSync(dir, 0o755);
    ensureDataDir(dir);
    expect(statSync(dir).mode & 0o777).toBe(0o755);
  });
});
