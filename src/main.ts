import 'reflect-metadata';
import { run } from './app/run.js';

await run(process.env);
