import { Controller, Get, Param, Query, SerializeOptions } from '@nestjs/common';
import { RequireScope } from '../auth/scope.js';
import { type SegmentsQuery, segmentsQuerySchema } from './analysis.contract.js';
import { segmentsViewSchema } from './report.contract.js';
import type { SegmentsView } from './segments.js';
import { SegmentsService } from './segments.service.js';

@Controller('experiments')
export class SegmentsController {
  constructor(private readonly segments: SegmentsService) {}

  @Get(':experiment/segments')
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: segmentsViewSchema })
  show(
    @Param('experiment') experiment: string,
    @Query({ schema: segmentsQuerySchema }) query: SegmentsQuery,
  ): Promise<SegmentsView> {
    return this.segments.show(experiment, query);
  }
}
