import { Body, Controller, Get, Param, Patch, Post, Query, SerializeOptions } from '@nestjs/common';
import { RequireScope } from '../auth/scope.js';
import type {
  ExperimentDefinition,
  ExperimentFilter,
  ExperimentPatch,
} from './experiment.contract.js';
import {
  experimentFilterSchema,
  experimentPatchSchema,
  experimentRefSchema,
  experimentSchema,
} from './experiment.contract.js';
import { type ExperimentView, viewOf } from './experiment-view.js';
import { experimentListSchema, experimentViewSchema } from './experiment-view.contract.js';
import { ExperimentsService } from './experiments.service.js';

@Controller('experiments')
export class ExperimentsController {
  constructor(private readonly experiments: ExperimentsService) {}

  /** Makes a draft; POST /experiments/{id}/start freezes its design and begins. */
  @Post()
  @RequireScope('experiments:write')
  @SerializeOptions({ schema: experimentViewSchema })
  async create(
    @Body({ schema: experimentSchema }) definition: ExperimentDefinition,
  ): Promise<ExperimentView> {
    return viewOf(await this.experiments.create(definition));
  }

  /** Lists experiments, newest first. */
  @Get()
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: experimentListSchema })
  async list(
    @Query({ schema: experimentFilterSchema }) filter: ExperimentFilter,
  ): Promise<{ readonly experiments: readonly ExperimentView[] }> {
    return { experiments: (await this.experiments.list(filter)).map(viewOf) };
  }

  /** One experiment by id or name. */
  @Get(':id')
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: experimentViewSchema })
  async get(@Param('id', { schema: experimentRefSchema }) id: string): Promise<ExperimentView> {
    return viewOf(await this.experiments.get(id));
  }

  /** Replaces fields of a draft. */
  @Patch(':id')
  @RequireScope('experiments:write')
  @SerializeOptions({ schema: experimentViewSchema })
  async patch(
    @Param('id', { schema: experimentRefSchema }) id: string,
    @Body({ schema: experimentPatchSchema }) patch: ExperimentPatch,
  ): Promise<ExperimentView> {
    return viewOf(await this.experiments.patch(id, patch));
  }
}
