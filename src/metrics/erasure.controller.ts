import { Controller, Delete, Query, SerializeOptions } from '@nestjs/common';
import { Actor, RequireScope } from '../auth/scope.js';
import { erasureQuery, erasureReportSchema } from './erasure.contract.js';
import type { ErasureQuery } from './erasure.contract.js';
import { ErasureService } from './erasure.service.js';
import type { ErasureReport } from './erasure.service.js';

@Controller('units')
export class ErasureController {
  constructor(private readonly erasure: ErasureService) {}

  /** Removes what is stored about a unit, and says what that was. A unit that is not there is no error. */
  @Delete()
  @RequireScope('admin')
  @SerializeOptions({ schema: erasureReportSchema })
  erase(
    @Query({ schema: erasureQuery }) query: ErasureQuery,
    @Actor() actor: string,
  ): Promise<ErasureReport> {
    return this.erasure.erase({ unitKey: query.unit, model: query.model ?? null, actor });
  }
}
