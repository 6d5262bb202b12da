// A gateway in a process of its own, with the plan (and settings) that are its arguments: its time and memory are its own.
// Prints its address; ends with SIGTERM like the product.
import { Logger } from '@nestjs/common';
import type { Config } from '../../src/config/config.js';
import type { TrafficPlan } from '../../src/routing/plan.js';
import { MemoryPlanSource, startGateway } from './gateway.js';

Logger.overrideLogger(false);
const plan = JSON.parse(process.argv[2] ?? '') as TrafficPlan;
const config = JSON.parse(process.argv[3] ?? '{}') as Partial<Config>;
const gateway = await startGateway(new MemoryPlanSource(plan), { config });
process.once('SIGTERM', () => void gateway.close());
process.stdout.write(`${gateway.url}\n`);
