import { defineConfig } from 'vite';

/** Where `npm run dev:console` finds a running Sluice. */
const CONTROL = process.env['SLUICE_CONTROL_URL'] ?? 'http://127.0.0.1:8081';

export default defineConfig({
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: { proxy: { '/api': CONTROL, '/status': CONTROL } },
});
