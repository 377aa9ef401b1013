// Every room in one run: `npx jest`, or `npx jest libs/bus`. The workers take file after file, whatever room it is of.
const { existsSync, readdirSync } = require('node:fs');
const { join } = require('node:path');
const preset = require('./jest.preset.js');

const below = (folder) => readdirSync(join(__dirname, folder)).map((name) => `${folder}/${name}`);
const rooms = [...below('libs'), ...below('apps'), 'deploy/cdk', 'tools', 'e2e'];

const { testTimeout, ...room } = preset;

module.exports = {
  testTimeout,
  projects: rooms
    .filter((path) => existsSync(join(__dirname, path, 'test')))
    .map((path) => ({ ...room, displayName: path, rootDir: join(__dirname, path) })),
  testSequencer: join(__dirname, 'tools/jest-order.js'),
  // Each of the large ones has several processes besides.
  maxWorkers: 2,
  workerIdleMemoryLimit: '1GB',
};
