import { Body, Controller, Headers, Post, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { RequireScope } from '../auth/scope.js';
import { SluiceError } from '../kernel/errors.js';
import { MAX_OUTCOME_BATCH_BYTES, parseOutcomeBatch } from './outcome.contract.js';
import { OutcomeRateGuard } from './outcome-rate.guard.js';
import type { OutcomeReceipt } from './outcome.js';
import { OutcomesService } from './outcomes.service.js';

/** A receipt that took nothing is an error to the sender, with the same members as any receipt. */
interface RefusedReceipt extends OutcomeReceipt {
  readonly type: string;
  readonly title: string;
  readonly status: 409 | 422;
  readonly detail: string;
  readonly code: 'conflict' | 'invalid_input';
}

@Controller('outcomes')
export class OutcomesController {
  constructor(private readonly outcomes: OutcomesService) {}

  /**
   * 202 once everything that is counted as accepted is durable. 409 when nothing was taken and every entry contradicts
   * what is stored, 422 when nothing was taken for other reasons, 503 when nothing could be stored.
   */
  @Post()
  @UseGuards(OutcomeRateGuard)
  @RequireScope('outcomes:write')
  async post(
    @Body() body: unknown,
    @Headers('content-length') length: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OutcomeReceipt | RefusedReceipt> {
    if (Number(length ?? 0) > MAX_OUTCOME_BATCH_BYTES) {
      const expected = `at most ${MAX_OUTCOME_BATCH_BYTES} bytes`;
      throw new SluiceError('too_large', 'the batch is too large', [
        { given: Number(length), expected, advice: 'send several batches' },
      ]);
    }
    const receipt = await this.outcomes.record(parseOutcomeBatch(body));
    const refused = refusedReceipt(receipt);
    void reply.status(refused?.status ?? 202);
    if (refused !== null) void reply.type('application/problem+json; charset=utf-8');
    return refused ?? receipt;
  }
}

function refusedReceipt(receipt: OutcomeReceipt): RefusedReceipt | null {
  const { accepted, duplicates, rejected } = receipt;
  if (accepted + duplicates > 0 || rejected.length === 0) return null;
  const isConflict = rejected.every((one) => one.code === 'conflict');
  const detail =
    rejected.length === 1
      ? (rejected[0]?.detail ?? '')
      : `all ${rejected.length} outcomes are refused`;
  const code = isConflict ? 'conflict' : 'invalid_input';
  return {
    type: `urn:sluice:problem:${code}`,
    title: isConflict ? 'Conflict' : 'Unprocessable Entity',
    status: isConflict ? 409 : 422,
    detail,
    code,
    ...receipt,
  };
}
