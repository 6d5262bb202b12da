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
  type CloseBody,
  closeBodySchema,
  decisionNumberSchema,
  type RedesignBody,
  redesignBodySchema,
  type Verb,
  type VerbBody,
  verbBodySchema,
  verbParamSchema,
  type WeightsBody,
  weightsBodySchema,
} from './rollouts.contract.js';
import { type DecisionLog, RolloutsService } from './rollouts.service.js';
import { SchedulerService } from './scheduler.service.js';
import type { StoredDecision } from './stored-decision.js';
import { VerbsService } from './verbs.service.js';

/** The log as it is shown: with inputs or, kilobytes lighter, without. */
interface ShownLog extends Omit<DecisionLog, 'decisions'> {
  readonly decisions: readonly Omit<StoredDecision, 'inputs'>[];
}

function withoutInputs({ decisions, chain }: DecisionLog): ShownLog {
  return { decisions: decisions.map(({ inputs: _inputs, ...shown }) => shown), chain };
}

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
  async decisions(
    @Param('experiment') experiment: string,
    @Query({ schema: decisionLogQuerySchema }) { inputs }: DecisionLogQuery,
  ): Promise<ShownLog> {
    const log = await this.rollouts.log(experiment);
    return inputs ? log : withoutInputs(log);
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

  @Post(':experiment/close')
  @HttpCode(200)
  @RequireScope('experiments:write')
  async close(
    @Param('experiment') experiment: string,
    @Body({ schema: closeBodySchema }) body: CloseBody,
    @Actor() actor: string,
  ): Promise<StoredDecision> {
    const decision = await this.verbs.close(experiment, body, actor);
    void this.scheduler.hint(decision.experimentId);
    return decision;
  }

  @Post(':experiment/weights')
  @HttpCode(200)
  @RequireScope('experiments:write')
  async reweigh(
    @Param('experiment') experiment: string,
    @Body({ schema: weightsBodySchema }) body: WeightsBody,
    @Actor() actor: string,
  ): Promise<StoredDecision> {
    const decision = await this.verbs.reweigh(experiment, body, actor);
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
