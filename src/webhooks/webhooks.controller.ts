import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { Actor, RequireScope } from '../auth/scope.js';
import { nameSchema } from '../models/model.contract.js';
import { DeliveriesService } from './deliveries.service.js';
import { GatesService, type Trial } from './gates.service.js';
import type { Delivery, Webhook } from './webhook.js';
import { type WebhookRequest, webhookSchema } from './webhook.contract.js';
import { WebhooksService } from './webhooks.service.js';

@Controller('webhooks')
export class WebhooksController {
  constructor(
    private readonly webhooks: WebhooksService,
    private readonly deliveries: DeliveriesService,
    private readonly gates: GatesService,
  ) {}

  @Get()
  @RequireScope('webhooks:read')
  async list(): Promise<{ readonly webhooks: readonly Webhook[] }> {
    return { webhooks: await this.webhooks.list() };
  }

  @Get(':webhook')
  @RequireScope('webhooks:read')
  get(@Param('webhook', { schema: nameSchema }) webhook: string): Promise<Webhook> {
    return this.webhooks.get(webhook);
  }

  @Put(':webhook')
  @RequireScope('webhooks:write')
  put(
    @Param('webhook', { schema: nameSchema }) name: string,
    @Body({ schema: webhookSchema }) request: WebhookRequest,
    @Actor() actor: string,
  ): Promise<Webhook & { secret?: string }> {
    return this.webhooks.put({ name, request, actor });
  }

  @Delete(':webhook')
  @HttpCode(204)
  @RequireScope('webhooks:write')
  remove(
    @Param('webhook', { schema: nameSchema }) webhook: string,
    @Actor() actor: string,
  ): Promise<void> {
    return this.webhooks.remove(webhook, actor);
  }

  @Post(':webhook/test')
  @HttpCode(200)
  @RequireScope('webhooks:write')
  test(
    @Param('webhook', { schema: nameSchema }) webhook: string,
    @Actor() actor: string,
  ): Promise<Trial> {
    return this.gates.test(webhook, actor);
  }

  @Get(':webhook/deliveries')
  @RequireScope('webhooks:read')
  async history(
    @Param('webhook', { schema: nameSchema }) webhook: string,
  ): Promise<{ readonly deliveries: readonly Delivery[] }> {
    return { deliveries: await this.deliveries.list(webhook) };
  }

  @Post(':webhook/redeliver')
  @HttpCode(200)
  @RequireScope('webhooks:write')
  redeliver(
    @Param('webhook', { schema: nameSchema }) webhook: string,
  ): Promise<{ readonly revived: number }> {
    return this.deliveries.redeliver(webhook);
  }
}
