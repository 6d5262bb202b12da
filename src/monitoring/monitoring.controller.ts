import { Controller, Get, Param, Query, SerializeOptions } from '@nestjs/common';
import { RequireScope } from '../auth/scope.js';
import {
  experimentIdSchema,
  modelNameSchema,
  type SeriesQuery,
  seriesQuerySchema,
  seriesSchema,
  type SeriesView,
  servedSchema,
  type ServedView,
  type TrafficQuery,
  trafficQuerySchema,
  trafficSchema,
  type TrafficView,
} from './monitoring.contract.js';
import { pairShapesSchema, type PairShapesView } from './pair-shapes.contract.js';
import { PairSampleService } from './pair-sample.service.js';
import { TrafficService } from './traffic.service.js';

@Controller()
export class MonitoringController {
  constructor(
    private readonly traffic: TrafficService,
    private readonly pairs: PairSampleService,
  ) {}

  @Get('traffic')
  @RequireScope('models:read')
  @SerializeOptions({ schema: trafficSchema })
  now(@Query({ schema: trafficQuerySchema }) { minutes }: TrafficQuery): Promise<TrafficView> {
    return this.traffic.now(minutes);
  }

  @Get('models/:model/traffic')
  @RequireScope('models:read')
  @SerializeOptions({ schema: seriesSchema })
  series(
    @Param('model', { schema: modelNameSchema }) model: string,
    @Query({ schema: seriesQuerySchema }) query: SeriesQuery,
  ): Promise<SeriesView> {
    return this.traffic.series(model, query);
  }

  @Get('experiments/:experiment/served')
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: servedSchema })
  served(
    @Param('experiment', { schema: experimentIdSchema }) experiment: string,
  ): Promise<ServedView> {
    return this.traffic.served(experiment);
  }

  @Get('experiments/:experiment/pairs')
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: pairShapesSchema })
  shapes(
    @Param('experiment', { schema: experimentIdSchema }) experiment: string,
  ): Promise<PairShapesView> {
    return this.pairs.shapes(experiment);
  }
}
