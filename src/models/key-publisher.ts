import { Injectable } from '@nestjs/common';
import { AuthService } from '../auth/auth.service.js';
import { withKeys } from '../routing/plan-change.js';
import { PlanService } from './plan.service.js';

/** Carries data-plane keys into the traffic plan, so that gateways check them from memory. */
@Injectable()
export class KeyPublisher {
  constructor(auth: AuthService, plans: PlanService) {
    auth.publishThrough(async (tx, { actor, reason, edit }) => {
      await plans.change(tx, { actor, reason }, (plan) => withKeys(plan, edit(plan.keys)));
    });
  }
}
