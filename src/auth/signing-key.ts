import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** What precedes the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410 §7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
/** Enough to tell keys apart; nothing rests on it. */
const KEY_ID_LENGTH = 16;

/** The public half of an Ed25519 key: enough to check signatures. */
export class VerificationKey {
  readonly id: string;
  readonly pem: string;

  private constructor(private readonly key: KeyObject) {
    const der = key.export({ format: 'der', type: 'spki' });
    this.id = createHash('sha256').update(der).digest('hex').slice(0, KEY_ID_LENGTH);
    this.pem = key.export({ format: 'pem', type: 'spki' }).toString();
  }

  /** @throws Error when the text is no public Ed25519 key in PEM */
  static fromPem(pem: string): VerificationKey {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('this is no Ed25519 key');
    return new VerificationKey(key);
  }

  /** @param signature base64; nonsense is no signature */
  verifies(text: string, signature: string): boolean {
    return verify(null, Buffer.from(text, 'utf8'), this.key, Buffer.from(signature, 'base64'));
  }
}

/** An Ed25519 key made of 32 secret bytes. */
export class SigningKey {
  readonly public: VerificationKey;
  readonly #key: KeyObject;

  constructor(seed: Buffer) {
    const key = Buffer.concat([PKCS8_HEAD, seed]);
    this.#key = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    const pem = createPublicKey(this.#key).export({ format: 'pem', type: 'spki' });
    this.public = VerificationKey.fromPem(pem.toString());
  }

  /** Base64 of the signature over the text's UTF-8 bytes. */
  sign(text: string): string {
    return sign(null, Buffer.from(text, 'utf8'), this.#key).toString('base64');
  }
}
