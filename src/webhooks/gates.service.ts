import { Injectable, Logger } from '@nestjs/common';
import { SecretsService } from '../auth/secrets.service.js';
import { Database } from '../database/database.service.js';
import { systemClock } from '../kernel/clock.js';
import { SluiceError } from '../kernel/errors.js';
import { cloudEvent, type EventContent } from './cloud-event.js';
import { freshMessageId, unknownWebhook } from './webhooks.service.js';
import { type Sent, WebhookSender } from './sender.service.js';
import type { GateKind } from './webhook.js';
import { gateAnswerSchema } from './webhook.contract.js';
import { secretsIn } from './webhook-secrets.js';
import { type SealedWebhook, WebhooksStore } from './webhooks.store.js';

/** A turn of the loop waits for it, within its lease. */
const GATE_TIMEOUT_MS = 5_000;
/** A reason is a sentence; it is stored with the decision for ever. */
const MAX_REASON_LENGTH = 500;

/** What a gate said; nothing usable within the time counts as unreachable, never as a yes. */
export interface GateVerdict {
  /** Name of the webhook. */
  readonly gate: string;
  readonly kind: GateKind;
  readonly answer: 'allowed' | 'vetoed' | 'unreachable';
  readonly reason: string;
}

export interface GateQuestion {
  readonly kind: GateKind;
  readonly model: string;
  /** Its type is set here. */
  readonly event: Omit<EventContent, 'type'>;
}

/** What a message on trial came to. */
export interface Trial {
  readonly delivered: boolean;
  readonly status: number | null;
  readonly elapsedMs: number;
  readonly error: string | null;
  /** What this would mean at a gate; null when the webhook is none. */
  readonly gate: Pick<GateVerdict, 'answer' | 'reason'> | null;
}

/** Questions that are answered at once: may this be done? Never inside a transaction. */
@Injectable()
export class GatesService {
  private readonly logger = new Logger('Webhooks');

  constructor(
    private readonly database: Database,
    private readonly webhooks: WebhooksStore,
    private readonly sender: WebhookSender,
    private readonly secrets: SecretsService,
  ) {}

  /** Asks every gate of this kind for this model, all at once. Empty: there are none. */
  async ask({ kind, model, event }: GateQuestion): Promise<readonly GateVerdict[]> {
    const gates = await this.webhooks.gates(this.database.manager, kind, model);
    if (gates.length === 0) return [];
    const question = cloudEvent({ ...event, type: `sluice.gate.${kind}` });
    return Promise.all(
      gates.map(async (gate) => {
        const sent = await this.send(gate, question.id, JSON.stringify(question));
        const verdict = verdictOf(sent);
        if (verdict.answer === 'unreachable') {
          this.logger.warn(`gate ${gate.webhook.name}: ${verdict.reason}`);
        }
        return { gate: gate.webhook.name, kind, ...verdict };
      }),
    );
  }

  /** Sends one message now, outside of all decisions, and says what came back. Throws `not_found`. */
  async test(name: string, actor: string): Promise<Trial> {
    const found = await this.webhooks.find(this.database.manager, name);
    if (found === null) throw unknownWebhook(name);
    const event = cloudEvent({
      id: freshMessageId('test'),
      type: 'sluice.webhook.test',
      subject: name,
      atMs: systemClock.nowMs(),
      data: { webhook: name, actor },
    });
    const sent = await this.send(found, event.id, JSON.stringify(event));
    const { status, elapsedMs, error } = sent;
    const gate = found.webhook.gate === null ? null : verdictOf(sent);
    return { delivered: error === null, status, elapsedMs, error, gate };
  }

  private async send(
    { webhook, sealedSecret }: SealedWebhook,
    id: string,
    body: string,
  ): Promise<Sent> {
    try {
      const secrets = secretsIn(this.secrets, sealedSecret, systemClock.nowMs());
      return await this.sender.post({
        url: webhook.url,
        secrets,
        id,
        body,
        timeoutMs: GATE_TIMEOUT_MS,
      });
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      return { status: null, answer: null, retryAfterMs: null, error: error.message, elapsedMs: 0 };
    }
  }
}

function verdictOf({ answer, error }: Sent): Pick<GateVerdict, 'answer' | 'reason'> {
  if (error !== null) return { answer: 'unreachable', reason: error };
  const parsed = gateAnswerSchema.safeParse(jsonOf(answer));
  if (!parsed.success) {
    const reason = 'the answer is not {"allow": true|false, "reason": "…"}';
    return { answer: 'unreachable', reason };
  }
  const { allow, reason = '' } = parsed.data;
  return { answer: allow ? 'allowed' : 'vetoed', reason: oneLine(reason) };
}

function jsonOf(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}

/** Reasons end up in sentences and log lines: neither lines of their own nor control characters. */
function oneLine(text: string): string {
  return text
    .slice(0, MAX_REASON_LENGTH)
    .replaceAll(/\p{C}+/gu, ' ')
    .trim();
}
