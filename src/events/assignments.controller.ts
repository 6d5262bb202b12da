import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { RequireScope } from '../auth/scope.js';
import { assignmentBody } from './assignment.contract.js';
import type { AssignmentBody } from './assignment.contract.js';
import type { AssignmentReceipt } from './assignment.js';
import { AssignmentsService } from './assignments.service.js';

@Controller('assignments')
export class AssignmentsController {
  constructor(private readonly assignments: AssignmentsService) {}

  /** 200 once every exposure is durable; 503 when it cannot be known, then the same batch is sent again. */
  @Post()
  @HttpCode(200)
  @RequireScope('assignments:write')
  async post(@Body({ schema: assignmentBody }) body: AssignmentBody): Promise<AssignmentReceipt> {
    return this.assignments.assign(body);
  }
}
