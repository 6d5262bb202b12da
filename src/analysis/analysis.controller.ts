import { Controller, Get, Param, Query, SerializeOptions } from '@nestjs/common';
import { RequireScope } from '../auth/scope.js';
import type { QuantileCell } from '../metrics/metric.js';
import {
  type PathQuery,
  pathQuerySchema,
  type ReportsQuery,
  reportsQuerySchema,
} from './analysis.contract.js';
import { AnalysisService } from './analysis.service.js';
import type { PathPoint } from './path.js';
import { pathSchema, reportListSchema, reportSchema } from './report.contract.js';
import type { ReportView } from './report.js';

@Controller('experiments')
export class AnalysisController {
  constructor(private readonly analysis: AnalysisService) {}

  @Get(':experiment/report')
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: reportSchema })
  latest(@Param('experiment') experiment: string): Promise<ReportView> {
    return this.analysis.latest(experiment);
  }

  @Get(':experiment/path')
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: pathSchema })
  async path(
    @Param('experiment') experiment: string,
    @Query({ schema: pathQuerySchema }) { points }: PathQuery,
  ): Promise<{ readonly points: readonly PathPoint[] }> {
    return { points: await this.analysis.path(experiment, points) };
  }

  @Get(':experiment/quantiles')
  @RequireScope('experiments:read')
  async quantiles(
    @Param('experiment') experiment: string,
  ): Promise<{ readonly quantiles: readonly QuantileCell[] }> {
    return { quantiles: await this.analysis.quantiles(experiment) };
  }

  @Get(':experiment/reports')
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: reportListSchema })
  async list(
    @Param('experiment') experiment: string,
    @Query({ schema: reportsQuerySchema }) query: ReportsQuery,
  ): Promise<{ readonly reports: readonly ReportView[] }> {
    return { reports: await this.analysis.list(experiment, query.limit) };
  }
}
