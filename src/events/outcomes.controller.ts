import { Body, Controller, Headers, Post, Res, UseGuards } from '@nestjs/common';
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { RequireScope } from '../auth/scope.js';
import { SluiceError } from '../kernel/errors.js';
import { MAX_OUTCOME_BATCH_BYTES, parseOutcomeBatch } from './outcome.contract.js';
import { OutcomeRateGuard } from './outcome-rate.guard.js';
import type { BatchEntry } from './outcome.contract.js';
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
   * what is stored, 422 when nothing was taken for other reasons, 503 when not everything could be stored. NDJSON is
   * taken line by line as it arrives; a JSON body is one batch.
   */
  @Post()
  @UseGuards(OutcomeRateGuard)
  @RequireScope('outcomes:write')
  async post(
    @Body() body: unknown,
    @Headers('content-length') length: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OutcomeReceipt | RefusedReceipt> {
    const receipt =
      body instanceof Readable
        ? await this.#recordLines(body)
        : await this.outcomes.record(batchOf(body, Number(length ?? 0)));
    const refused = refusedReceipt(receipt);
    void reply.status(refused?.status ?? 202);
    if (refused !== null) void reply.type('application/problem+json; charset=utf-8');
    return refused ?? receipt;
  }

  /** An error is answered at once; what the sender still sends is thrown away, so that it gets to read the answer. */
  async #recordLines(body: Readable): Promise<OutcomeReceipt> {
    try {
      return await this.outcomes.recordLines(body.iterator({ destroyOnReturn: false }));
    } finally {
      body.resume();
    }
  }
}

function batchOf(body: unknown, bytes: number): readonly BatchEntry[] {
  if (bytes <= MAX_OUTCOME_BATCH_BYTES) return parseOutcomeBatch(body);
  throw new SluiceError('too_large', 'the batch is too large', [
    {
      given: bytes,
      expected: `at most ${MAX_OUTCOME_BATCH_BYTES} bytes`,
      advice: 'send several batches, or one outcome a line as application/x-ndjson',
    },
  ]);
}

function refusedReceipt(receipt: OutcomeReceipt): RefusedReceipt | null {
  const { accepted, duplicates, rejected, moreRejected } = receipt;
  if (accepted + duplicates > 0 || rejected.length === 0) return null;
  const isConflict = rejected.every((one) => one.code === 'conflict');
  const detail =
    rejected.length === 1
      ? (rejected[0]?.detail ?? '')
      : `all ${rejected.length + moreRejected} outcomes are refused`;
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
