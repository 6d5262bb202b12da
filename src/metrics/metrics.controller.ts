import { Body, Controller, Get, Param, Put, SerializeOptions } from '@nestjs/common';
import { RequireScope } from '../auth/scope.js';
import { metricBody, metricName } from './metric.contract.js';
import type { MetricBody } from './metric.contract.js';
import { metricDefinitionSchema, metricListSchema } from './metric-view.contract.js';
import type { MetricDefinition } from './metric.js';
import { MetricsService } from './metrics.service.js';

@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: MetricsService) {}

  /** Defines a metric, or replaces it for experiments that have not started yet. */
  @Put(':metric')
  @RequireScope('metrics:write')
  async define(
    @Param('metric', { schema: metricName }) name: string,
    @Body({ schema: metricBody }) body: MetricBody,
  ): Promise<MetricDefinition> {
    return this.metrics.define(name, body);
  }

  /** Lists all metrics, the built-in ones first. */
  @Get()
  @RequireScope('metrics:read')
  @SerializeOptions({ schema: metricListSchema })
  async list(): Promise<{ readonly metrics: readonly MetricDefinition[] }> {
    return { metrics: await this.metrics.list() };
  }

  @Get(':metric')
  @RequireScope('metrics:read')
  @SerializeOptions({ schema: metricDefinitionSchema })
  async get(@Param('metric', { schema: metricName }) name: string): Promise<MetricDefinition> {
    return this.metrics.get(name);
  }
}
