import { Controller, SerializeOptions, Sse } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { RequireScope } from '../auth/scope.js';
import { SluiceError } from '../kernel/errors.js';
import { type ChangesMessage, ChangesService } from './changes.service.js';
import { changesSchema } from './decision.contract.js';

@Controller('changes')
export class ChangesController {
  constructor(private readonly changes: ChangesService) {}

  @Sse()
  @RequireScope('experiments:read')
  @SerializeOptions({ schema: changesSchema })
  watch(): Observable<ChangesMessage> {
    if (!this.changes.hasRoom) {
      throw new SluiceError('unavailable', 'too many streams are open; ask again later');
    }
    return this.changes.watch();
  }
}
