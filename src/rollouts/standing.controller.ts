import { Controller, Get, Param, Query, SerializeOptions } from '@nestjs/common';
import { RequireScope } from '../auth/scope.js';
import {
  type RecentDecision,
  type RecentDecisionsQuery,
  recentDecisionsQuerySchema,
  recentDecisionsSchema,
  type Standing,
  standingSchema,
} from './decision.contract.js';
import { StandingService } from './standing.service.js';

@Controller()
export class StandingController {
  constructor(private readonly standings: StandingService) {}

  @Get('experiments/:experiment/standing')
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: standingSchema })
  standing(@Param('experiment') experiment: string): Promise<Standing> {
    return this.standings.standing(experiment);
  }

  @Get('decisions')
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: recentDecisionsSchema })
  async recent(
    @Query({ schema: recentDecisionsQuerySchema }) { limit }: RecentDecisionsQuery,
  ): Promise<{ readonly decisions: readonly RecentDecision[] }> {
    return { decisions: await this.standings.recent(limit) };
  }
}
