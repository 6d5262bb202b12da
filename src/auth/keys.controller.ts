import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { AuthService } from './auth.service.js';
import type { ApiKey } from './auth.service.js';
import { keyIdSchema, newKeySchema } from './keys.contract.js';
import type { NewKey } from './keys.contract.js';
import { Caller, RequireScope } from './scope.js';
import type { Principal } from './scope.js';

@Controller('keys')
export class KeysController {
  constructor(private readonly auth: AuthService) {}

  /** Makes a key. The answer is the only place where its text appears. */
  @Post()
  @RequireScope('keys:write')
  async create(
    @Body({ schema: newKeySchema }) body: NewKey,
    @Caller() caller: Principal,
  ): Promise<ApiKey & { readonly key: string }> {
    const { key, apiKey } = await this.auth.create(body, caller);
    return { ...apiKey, key };
  }

  /** Lists all keys, revoked ones too, without their texts. */
  @Get()
  @RequireScope('keys:write')
  async list(): Promise<{ readonly keys: readonly ApiKey[] }> {
    return { keys: await this.auth.list() };
  }

  /** Revokes a key everywhere within one second. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('keys:write')
  async revoke(
    @Param('id', { schema: keyIdSchema }) id: string,
    @Caller() caller: Principal,
  ): Promise<void> {
    await this.auth.revoke(id, caller);
  }
}
