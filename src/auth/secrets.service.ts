import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { SluiceError } from '../kernel/errors.js';
import { SigningKey } from './signing-key.js';

/** Injection token of the secret that everything below derives from (`config.secret` or `dataDir/secret`). */
export const INSTANCE_SECRET = Symbol('INSTANCE_SECRET');

/** Marks the format, so that a later one can be told apart. */
const SEAL_VERSION = 'v1';
const IV_BYTES = 12;
const TAG_BYTES = 16;

function derive(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'sluice', purpose, 32));
}

/** Seals upstream headers, hashes keys and signs with secrets that never leave this object. */
@Injectable()
export class SecretsService {
  /** Signs checkpoints of the decision log: the same key in every process of an installation. */
  readonly audit: SigningKey;
  readonly #sealing: Buffer;
  readonly #sessions: Buffer;
  readonly #pepper: Buffer;

  constructor(@Inject(INSTANCE_SECRET) secret: string) {
    this.#sealing = derive(secret, 'upstream-headers');
    this.#sessions = derive(secret, 'console-sessions');
    this.#pepper = derive(secret, 'api-keys');
    this.audit = new SigningKey(derive(secret, 'audit-checkpoints'));
  }

  /** HMAC-SHA-256 as hex: the database and the traffic plan alone cannot confirm a guess. */
  hash(key: string): string {
    return createHmac('sha256', this.#pepper).update(key, 'utf8').digest('hex');
  }

  /** AES-256-GCM: `v1.<base64url of nonce, tag, ciphertext>`. */
  seal(headers: Readonly<Record<string, string>>): string {
    return sealWith(this.#sealing, JSON.stringify(headers));
  }

  /** The headers again; `internal` when the instance secret is another one or the text was changed. */
  unseal(sealed: string): Record<string, string> {
    try {
      return JSON.parse(unsealWith(this.#sealing, sealed)) as Record<string, string>;
    } catch (cause) {
      throw new SluiceError(
        'internal',
        'sealed upstream headers cannot be read',
        [
          {
            expected: 'headers sealed with this instance secret',
            advice:
              'start every process with the same SLUICE_SECRET, or register the version again',
          },
        ],
        { cause },
      );
    }
  }

  /** What a browser keeps of a session: it can neither read nor change it. */
  sealSession(text: string): string {
    return sealWith(this.#sessions, text);
  }

  /** Null for anything that this installation has not sealed: cookies are what strangers send. */
  unsealSession(sealed: string): string | null {
    try {
      return unsealWith(this.#sessions, sealed);
    } catch {
      return null;
    }
  }
}

function sealWith(key: Buffer, text: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return `${SEAL_VERSION}.${Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')}`;
}

/** Throws when the text was sealed with another key or changed. */
function unsealWith(key: Buffer, sealed: string): string {
  const [version, encoded] = sealed.split('.');
  const bytes = Buffer.from(encoded ?? '', 'base64url');
  if (version !== SEAL_VERSION) throw new Error(`unknown seal ${String(version)}`);
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const body = bytes.subarray(IV_BYTES + TAG_BYTES);
  return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
}
