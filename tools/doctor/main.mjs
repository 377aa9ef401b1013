// `npm run doctor`: looks at an installation from outside, and says what to do.
import { examine } from './examination.mjs';
import { readOptions, UsageError } from './options.mjs';
import { report, reportJson } from './report.mjs';

try {
  const options = readOptions(process.argv.slice(2), process.env);
  const examination = await examine(options, process.env);
  console.log((options.json ? reportJson : report)(options.url, examination));
  process.exitCode = examination.findings.count('failed') > 0 ? 1 : 0;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
