// `npm run bench [-- speke | keys | delivery] [--seconds N]`. Each starts what it measures itself.
const [topic = 'speke', ...rest] = process.argv.slice(2).filter((argument, at, all) => !isOption(all, at));

if (!['speke', 'keys', 'delivery'].includes(topic) || rest.length > 0) {
  console.error('npm run bench -- [speke | keys | delivery] [--seconds N]');
  process.exit(64);
}
await import(`./${topic}.mjs`);

/** `--name value` is for the bench itself. */
function isOption(all, at) {
  return all[at].startsWith('--') || all[at - 1]?.startsWith('--');
}
