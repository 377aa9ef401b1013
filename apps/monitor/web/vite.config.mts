import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // The server puts a new one into every page it sends.
  html: { cspNonce: '{{nonce}}' },
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // Nothing inline: the policy lets only files of this server run.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // One table of charts and components for a whole console is no surprise.
    chunkSizeWarningLimit: 1_500,
  },
  // `vite web` beside a running monitor.
  server: { proxy: { '/v1': 'http://127.0.0.1:8082' } },
});
