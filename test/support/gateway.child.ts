// A gateway in a process of its own, with the plan that is its first argument: its time and memory are its own.
// Prints its address; ends with SIGTERM like the product.
import { Logger } from '@nestjs/common';
import type { TrafficPlan } from '../../src/routing/plan.js';
import { MemoryPlanSource, startGateway } from './gateway.js';

Logger.overrideLogger(false);
const plan = JSON.parse(process.argv[2] ?? '') as TrafficPlan;
const gateway = await startGateway(new MemoryPlanSource(plan));
process.once('SIGTERM', () => void gateway.close());
process.stdout.write(`${gateway.url}\n`);
