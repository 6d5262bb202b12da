// SIGUSR2 makes the process collect all garbage and say what is left: what a leak is looked for in.
import { writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

process.on('SIGUSR2', () => {
  // the second takes what finalisers of the first let go
  collect();
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  writeSync(1, `collected ${JSON.stringify({ rss, live: heapUsed + external })}\n`);
});
