// HEALTHCHECK of every image, without a shell: `node healthcheck.js` asks whether the service is ready, `node
// healthcheck.js healthz` only whether it lives, for those who kill what is not healthy.
const { request } = require('node:http');

const path = process.argv[2] === 'healthz' ? '/healthz' : '/readyz';
const asked = request({ host: '127.0.0.1', port: process.env.HEALTH_PORT, path, timeout: 2_000 }, ({ statusCode }) =>
  process.exit(statusCode === 200 ? 0 : 1),
);
asked.on('timeout', () => asked.destroy(new Error('no answer')));
asked.on('error', () => process.exit(1));
asked.end();
