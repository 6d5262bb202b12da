// Brings server and console up to date.
import './build-server.mjs';
import './build-console.mjs';
