import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { Actor, RequireScope } from '../auth/scope.js';
import { nameSchema } from '../models/model.contract.js';
import { releaseBodySchema } from './holdout.contract.js';
import type { ReleaseBody } from './holdout.contract.js';
import { HoldoutService, type Release } from './holdout.service.js';

@Controller('models')
export class HoldoutController {
  constructor(private readonly holdouts: HoldoutService) {}

  @Post(':model/holdout/release')
  @HttpCode(200)
  @RequireScope('models:write')
  release(
    @Param('model', { schema: nameSchema }) model: string,
    @Body({ schema: releaseBodySchema }) body: ReleaseBody,
    @Actor() actor: string,
  ): Promise<Release> {
    return this.holdouts.release(model, body, actor);
  }
}
