import 'reflect-metadata';
import { runGatewayProcess } from './app/gateway-process.js';

// Started by the main process only (src/app/gateway-slot.ts), which says over the channel what to do.
runGatewayProcess();
