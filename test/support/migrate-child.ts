// One of several processes that migrate the same database: prints how many migrations it applied.
import { migrate } from '../../src/database/migrate.js';

const [, , url = '', folder] = process.argv;
process.stdout.write(String(await migrate(url, folder)));
