import { Controller, Get } from '@nestjs/common';
import { Public } from '../auth/scope.js';
import { SluiceError } from '../kernel/errors.js';
import { StatusService } from './status.service.js';
import type { Status } from './status.service.js';

@Controller()
@Public()
export class HealthController {
  constructor(private readonly statuses: StatusService) {}

  @Get('live')
  live(): { readonly live: true } {
    return { live: true };
  }

  @Get('ready')
  ready(): { readonly ready: true } {
    if (!this.statuses.isReady) {
      throw new SluiceError('unavailable', 'still starting: waiting for the database or a plan');
    }
    return { ready: true };
  }

  @Get('status')
  status(): Promise<Status> {
    return this.statuses.read();
  }
}
