import { Controller, Get } from '@nestjs/common';
import { RequireScope } from '../auth/scope.js';
import { type AuditKey, AuditService } from './audit.service.js';
import type { Checkpoint } from './checkpoint.js';

@Controller('audit')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  @Get('key')
  @RequireScope('experiments:read')
  key(): AuditKey {
    return this.audit.key;
  }

  /** Kept outside, this answer shows later that nothing was cut off or forged: `sluice audit verify --anchor`. */
  @Get('checkpoints')
  @RequireScope('experiments:read')
  async checkpoints(): Promise<{ readonly checkpoints: readonly Checkpoint[] }> {
    return { checkpoints: await this.audit.heads() };
  }
}
