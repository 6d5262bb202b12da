import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SecretsService } from '../auth/secrets.service.js';
import { Database } from '../database/database.service.js';
import { systemClock } from '../kernel/clock.js';
import { type Defect, SluiceError } from '../kernel/errors.js';
import { ModelsService } from '../models/models.service.js';
import { UpstreamGuard } from '../models/upstream-guard.js';
import { newSecret } from './signature.js';
import type { Webhook } from './webhook.js';
import type { WebhookRequest } from './webhook.contract.js';
import { sealSecret } from './webhook-secrets.js';
import { WebhooksStore } from './webhooks.store.js';

/** Every receiver has a lane of its own in every worker; this many lanes are harmless. */
export const MAX_WEBHOOKS = 50;

export interface WebhookChange {
  readonly name: string;
  readonly request: WebhookRequest;
  readonly actor: string;
}

/** Who is told about decisions, and who is asked before them. */
@Injectable()
export class WebhooksService {
  private readonly logger = new Logger('Webhooks');

  constructor(
    private readonly database: Database,
    private readonly webhooks: WebhooksStore,
    private readonly models: ModelsService,
    private readonly secrets: SecretsService,
    private readonly guard: UpstreamGuard,
  ) {}

  /** Registers a receiver or replaces it. A secret that was made here is in this answer and in no other. */
  async put({ name, request, actor }: WebhookChange): Promise<Webhook & { secret?: string }> {
    const { url, events, models, gate } = request;
    this.guard.checkUrl(url);
    await this.needModels(models ?? []);
    const made = await this.database.transaction(async (tx) => {
      await this.webhooks.lock(tx);
      const known = await this.webhooks.find(tx, name);
      if (known === null && (await this.webhooks.count(tx)) >= MAX_WEBHOOKS) throw tooMany();
      const secret = request.secret ?? (known === null ? newSecret() : null);
      const replaced =
        known === null ? null : { sealed: known.sealedSecret, nowMs: systemClock.nowMs() };
      const sealedSecret =
        secret === null ? (known?.sealedSecret ?? '') : sealSecret(this.secrets, secret, replaced);
      // as given, but in the form that will be called: a slash at its end may matter to the receiver
      const href = new URL(url).href;
      await this.webhooks.put(tx, { name, url: href, events, models, gate, sealedSecret });
      return request.secret === undefined ? secret : null;
    });
    this.logger.log(
      `${actor} registered webhook ${name}: ${[...events, ...(gate === null ? [] : [`gate ${gate}`])].join(', ')}`,
    );
    const webhook = await this.get(name);
    return made === null ? webhook : { ...webhook, secret: made };
  }

  /** Throws `not_found`. */
  async get(name: string): Promise<Webhook> {
    const found = await this.webhooks.find(this.database.manager, name);
    if (found === null) throw unknownWebhook(name);
    return found.webhook;
  }

  list(): Promise<readonly Webhook[]> {
    return this.webhooks.list(this.database.manager);
  }

  /** Nobody is told or asked any more; what waited goes too. Throws `not_found`. */
  async remove(name: string, actor: string): Promise<void> {
    const removed = await this.database.transaction((tx: EntityManager) =>
      this.webhooks.remove(tx, name),
    );
    if (!removed) throw unknownWebhook(name);
    this.logger.log(`${actor} removed webhook ${name}`);
  }

  /** A mistyped model would leave a gate open without anybody noticing. */
  private async needModels(models: readonly string[]): Promise<void> {
    const defects: Defect[] = [];
    for (const [index, model] of models.entries()) {
      if (await this.models.exists(model)) continue;
      defects.push({
        field: `/models/${String(index)}`,
        given: model,
        expected: 'a registered model',
      });
    }
    if (defects.length > 0) throw new SluiceError('invalid_input', 'unknown models', defects);
  }
}

/** An id for messages that no decision stands behind. */
export function freshMessageId(kind: string): string {
  return `${kind}-${randomUUID()}`;
}

export function unknownWebhook(name: string): SluiceError {
  return new SluiceError('not_found', `there is no webhook ${name}`, [
    {
      field: 'webhook',
      given: name,
      expected: 'a registered webhook',
      advice: `PUT /api/v1/webhooks/${name} registers it`,
    },
  ]);
}

function tooMany(): SluiceError {
  return new SluiceError('conflict', `there are ${MAX_WEBHOOKS} webhooks already`, [
    {
      field: 'webhook',
      expected: `at most ${MAX_WEBHOOKS}`,
      advice: 'remove one that nobody needs',
    },
  ]);
}
