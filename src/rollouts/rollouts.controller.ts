import {
  Body,
  Controller,
  Get,
  HttpCode,
  Param,
  Post,
  Query,
  SerializeOptions,
} from '@nestjs/common';
import { Actor, RequireScope } from '../auth/scope.js';
import type { Explanation } from '../routing/explain.js';
import {
  type DecisionLogQuery,
  decisionLogQuerySchema,
  decisionLogSchema,
  decisionSchema,
  replaySchema,
} from './decision.contract.js';
import type { ReplayResult } from './replay.js';
import {
  type AssignmentQuery,
  assignmentQuerySchema,
  decisionNumberSchema,
  type RedesignBody,
  redesignBodySchema,
  type Verb,
  type VerbBody,
  verbBodySchema,
  verbParamSchema,
} from './rollouts.contract.js';
import { type DecisionLog, RolloutsService } from './rollouts.service.js';
import { SchedulerService } from './scheduler.service.js';
import type { StoredDecision } from './stored-decision.js';
import { VerbsService } from './verbs.service.js';

@Controller('experiments')
export class RolloutsController {
  constructor(
    private readonly verbs: VerbsService,
    private readonly rollouts: RolloutsService,
    private readonly scheduler: SchedulerService,
  ) {}

  @Get(':experiment/decisions')
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: decisionLogSchema })
  decisions(
    @Param('experiment') experiment: string,
    @Query({ schema: decisionLogQuerySchema }) { inputs }: DecisionLogQuery,
  ): Promise<DecisionLog> {
    return this.rollouts.log(experiment, inputs);
  }

  @Get(':experiment/decisions/:number')
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: decisionSchema })
  decision(
    @Param('experiment') experiment: string,
    @Param('number', { schema: decisionNumberSchema }) number: number,
  ): Promise<StoredDecision> {
    return this.rollouts.decision(experiment, number);
  }

  @Post(':experiment/decisions/:number/replay')
  @HttpCode(200)
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: replaySchema })
  replay(
    @Param('experiment') experiment: string,
    @Param('number', { schema: decisionNumberSchema }) number: number,
  ): Promise<ReplayResult> {
    return this.rollouts.replay(experiment, number);
  }

  @Get(':experiment/assignment')
  @RequireScope('experiments:read')
  assignment(
    @Param('experiment') experiment: string,
    @Query({ schema: assignmentQuerySchema }) query: AssignmentQuery,
  ): Promise<Explanation & { readonly configVersion: number }> {
    return this.rollouts.explain(experiment, query);
  }

  @Post(':experiment/redesign')
  @HttpCode(200)
  @RequireScope('experiments:write')
  @SerializeOptions({ schema: decisionSchema })
  async redesign(
    @Param('experiment') experiment: string,
    @Body({ schema: redesignBodySchema }) body: RedesignBody,
    @Actor() actor: string,
  ): Promise<StoredDecision> {
    const decision = await this.verbs.redesign(experiment, body, actor);
    void this.scheduler.hint(decision.experimentId);
    return decision;
  }

  @Post(':experiment/:verb')
  @HttpCode(200)
  @RequireScope('experiments:write')
  @SerializeOptions({ schema: decisionSchema })
  async perform(
    @Param('experiment') experiment: string,
    @Param('verb', { schema: verbParamSchema }) verb: Verb,
    @Body({ schema: verbBodySchema }) body: VerbBody,
    @Actor() actor: string,
  ): Promise<StoredDecision> {
    const decision = await this.verbs.perform(experiment, verb, body, actor);
    void this.scheduler.hint(decision.experimentId);
    return decision;
  }
}
