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
import { TrafficService } from './traffic.service.js';

@Controller()
export class MonitoringController {
  constructor(private readonly traffic: TrafficService) {}

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
}
