import { Body, Controller, HttpCode, Post, SerializeOptions } from '@nestjs/common';
import { RequireScope } from '../auth/scope.js';
import { type PlanBody, planSchema } from './planning.contract.js';
import { forecastSchema } from './forecast.contract.js';
import { type ExperimentForecast, PlanningService } from './planning.service.js';

@Controller('experiments')
export class PlanningController {
  constructor(private readonly planning: PlanningService) {}

  /** What an experiment would need and how often it would be right; nothing is stored. */
  @Post('plan')
  @HttpCode(200)
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: forecastSchema })
  plan(@Body({ schema: planSchema }) body: PlanBody): Promise<ExperimentForecast> {
    return this.planning.plan(body);
  }
}
