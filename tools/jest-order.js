// Which files of tests come first: those of the whole system spread evenly among the others, so that one worker waits for
// processes while the other one computes, and none of the long ones is left for the end.
const { statSync } = require('node:fs');

module.exports = class Order {
  sort(tests) {
    const size = new Map(tests.map((test) => [test, statSync(test.path).size]));
    const bySize = [...tests].sort((a, b) => size.get(b) - size.get(a));
    const [system, rooms] = [bySize.filter(isOfSystem), bySize.filter((test) => !isOfSystem(test))];
    // The last fifth is for those that are over soon.
    return [...places(system, 0.8), ...places(rooms, 1)].sort((a, b) => a.place - b.place).map(({ test }) => test);
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
};

function isOfSystem({ path }) {
  return /\/e2e\/test\//.test(path);
}

function places(tests, end) {
  return tests.map((test, at) => ({ test, place: (at / tests.length) * end }));
}
