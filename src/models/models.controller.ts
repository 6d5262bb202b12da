import {
  Body,
  Controller,
  Get,
  HttpCode,
  Param,
  Post,
  Put,
  SerializeOptions,
} from '@nestjs/common';
import { Actor, RequireScope } from '../auth/scope.js';
import { championSchema, modelSchema, nameSchema, versionSchema } from './model.contract.js';
import type { ChampionRequest, ModelRequest, VersionRequest } from './model.contract.js';
import type { Model } from './model.js';
import { modelListSchema, modelViewSchema } from './model-view.contract.js';
import { ModelsService } from './models.service.js';

@Controller('models')
export class ModelsController {
  constructor(private readonly models: ModelsService) {}

  @Get()
  @RequireScope('models:read')
  @SerializeOptions({ schema: modelListSchema })
  async list(): Promise<{ readonly models: readonly Model[] }> {
    return { models: await this.models.list() };
  }

  @Get(':model')
  @RequireScope('models:read')
  @SerializeOptions({ schema: modelViewSchema })
  get(@Param('model', { schema: nameSchema }) model: string): Promise<Model> {
    return this.models.get(model);
  }

  @Put(':model')
  @RequireScope('models:write')
  put(
    @Param('model', { schema: nameSchema }) model: string,
    @Body({ schema: modelSchema }) body: ModelRequest,
    @Actor() actor: string,
  ): Promise<Model> {
    return this.models.put(model, body, actor);
  }

  @Put(':model/versions/:version')
  @RequireScope('models:write')
  putVersion(
    @Param('model', { schema: nameSchema }) model: string,
    @Param('version', { schema: nameSchema }) version: string,
    @Body({ schema: versionSchema }) request: VersionRequest,
    @Actor() actor: string,
  ): Promise<Model> {
    return this.models.putVersion({ model, version, request, actor });
  }

  @Post(':model/champion')
  @HttpCode(200)
  @RequireScope('models:write')
  @SerializeOptions({ schema: modelViewSchema })
  champion(
    @Param('model', { schema: nameSchema }) model: string,
    @Body({ schema: championSchema }) body: ChampionRequest,
    @Actor() actor: string,
  ): Promise<Model> {
    return this.models.chooseChampion(model, body, actor);
  }
}
