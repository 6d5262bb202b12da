import { Controller, Get, Param, Query } from '@nestjs/common';
import { RequireScope } from '../auth/scope.js';
import type { QuantileCell } from '../metrics/metric.js';
import { type ReportsQuery, reportsQuerySchema } from './analysis.contract.js';
import { AnalysisService } from './analysis.service.js';
import type { ReportView } from './report.js';

@Controller('experiments')
export class AnalysisController {
  constructor(private readonly analysis: AnalysisService) {}

  @Get(':experiment/report')
  @RequireScope('experiments:read')
  latest(@Param('experiment') experiment: string): Promise<ReportView> {
    return this.analysis.latest(experiment);
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
  async list(
    @Param('experiment') experiment: string,
    @Query({ schema: reportsQuerySchema }) query: ReportsQuery,
  ): Promise<{ readonly reports: readonly ReportView[] }> {
    return { reports: await this.analysis.list(experiment, query.limit) };
  }
}
