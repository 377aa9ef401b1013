import { runProcess } from '@latchkey/runtime';
import { startStandalone } from './start-standalone';
import { welcome } from './welcome';

// A person sits before it: what it has to say comes as text, and log lines only when something is wrong.
const environment = { LOG_LEVEL: 'warn', ...process.env };

void runProcess(
  'standalone',
  async (context) => {
    const system = await startStandalone(context);
    process.stdout.write(welcome(system, environment));
    return system;
  },
  environment,
);
