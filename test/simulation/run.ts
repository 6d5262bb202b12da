// Lives many small worlds through the policy and everything around it. Exit code 1 when a property fails; the seed is
// printed. Run: npm run test:simulation, or with -- --seed 17 for one world, --steps 1e7, --from 5000 for other worlds
import { parseArgs } from 'node:util';
import { liveOnce, simulate } from './simulate.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    steps: { type: 'string', default: '1000000' },
  },
});

if (values.seed !== undefined) {
  process.stdout.write(`${JSON.stringify(liveOnce(Number(values.seed)), null, 2)}\n`);
} else {
  const sinceMs = performance.now();
  const { failure, ...told } = simulate(Number(values.from), Number(values.steps));
  const seconds = (performance.now() - sinceMs) / 1_000;
  process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
  process.stdout.write(`${seconds.toFixed(1)} s, ${(told.steps / seconds).toFixed(0)} steps/s\n`);
  if (failure !== null) {
    const { seed, error } = failure;
    process.stdout.write(`seed ${String(seed)}: ${error.stack ?? error.message}\n`);
    process.exitCode = 1;
  }
}
