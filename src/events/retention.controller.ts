import { Controller, Get, SerializeOptions } from '@nestjs/common';
import { RequireScope } from '../auth/scope.js';
import { retentionViewSchema } from './retention-view.contract.js';
import { RetentionService } from './retention.service.js';
import type { RetentionView } from './retention.service.js';

@Controller('events')
export class RetentionController {
  constructor(private readonly retention: RetentionService) {}

  /** What is kept and what the next upkeep would drop; changes nothing. */
  @Get('retention')
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: retentionViewSchema })
  view(): Promise<RetentionView> {
    return this.retention.view();
  }
}
