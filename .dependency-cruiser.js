// Who may import whom: docs/decisions/0002-boundaries.md. Each row is checked as an error by `npm run lint`, and
// tools/test/boundaries.test.ts shows for each rule that a wrong import fails.

/** What each library may import from the house, and from npm where that is limited. `npm: undefined` means any. */
const LIBRARIES = {
  // domain: the standards, and no framework
  cenc: { house: [], npm: [] },
  cpix: { house: ['cenc'], npm: ['saxes'] },
  speke: { house: ['cenc', 'cpix'], npm: ['zod'] },
  signaling: { house: ['cenc'], npm: [] },
  // contract: what crosses the bus, and who the tenants are
  messages: { house: ['cenc'], npm: ['zod'] },
  tenants: { house: ['cenc'], npm: ['zod', 'yaml'] },
  // adapters: one technology each
  runtime: { house: [] },
  bus: { house: ['messages', 'runtime'] },
  http: { house: ['cenc', 'messages', 'bus', 'runtime', 'tenants'] },
  'tenant-source': { house: ['runtime', 'tenants'] },
  // tests only
  testing: { house: ['cenc', 'messages', 'bus', 'runtime', 'tenants'] },
};

/** Technologies, and the only places that know them. */
const TECHNOLOGIES = {
  nest: {
    packages: ['@nestjs/'],
    places: [
      'libs/(bus|http)/src/',
      'apps/[^/]+/src/(main|index)\\.ts$',
      'apps/[^/]+/src/.*\\.(module|controller)\\.ts$',
    ],
  },
  nats: { packages: ['nats/'], places: ['libs/bus/src/'] },
  aws: { packages: ['@aws-sdk/', '@smithy/'], places: ['apps/(key-service|monitor)/src/', 'libs/tenant-source/src/'] },
  // Only the key service may speak to KMS.
  kms: { packages: ['@aws-sdk/client-kms/'], places: ['apps/key-service/src/'] },
  fastify: {
    packages: ['fastify/', '@fastify/'],
    places: ['libs/http/src/', 'apps/(speke-gateway|key-delivery|monitor)/src/'],
  },
  'opentelemetry-sdk': { packages: ['@opentelemetry/(?!api/)'], places: ['libs/runtime/src/'] },
  'xml-reader': { packages: ['saxes/', 'xml2js/'], places: ['libs/cpix/src/', 'libs/testing/src/'] },
};

const npmPackages = (names) => `node_modules/(${names.join('|')})`;
const libraries = (names) => `^libs/(${names.join('|')})/src/`;

/** @returns {import('dependency-cruiser').IForbiddenRuleType[]} */
function libraryRules([name, { house, npm }]) {
  const from = { path: `^libs/${name}/src/` };
  const imports = {
    name: `${name}-imports-only-what-lies-below`,
    comment: `libs/${name} may import ${house.length ? house.join(', ') : 'nothing'} of the house`,
    severity: 'error',
    from,
    to: { path: '^(libs|apps|e2e)/', pathNot: [libraries([name, ...house]), 'node_modules/'] },
  };
  if (!npm) return [imports];
  return [
    imports,
    {
      name: `${name}-knows-no-framework`,
      comment: `libs/${name} may import ${npm.length ? npm.join(', ') : 'nothing'} from npm`,
      severity: 'error',
      from,
      to: { path: 'node_modules/', ...(npm.length && { pathNot: npmPackages(npm.map((each) => `${each}/`)) }) },
    },
  ];
}

/** @returns {import('dependency-cruiser').IForbiddenRuleType} */
function technologyRule([name, { packages, places }]) {
  return {
    name: `${name}-has-its-place`,
    comment: `only ${places.join(', ')} may import ${packages.join(', ')}`,
    severity: 'error',
    from: { path: '^(libs|apps)/[^/]+/src/', pathNot: places.map((place) => `^${place}`) },
    to: { path: npmPackages(packages) },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(LIBRARIES).flatMap(libraryRules),
    ...Object.entries(TECHNOLOGIES).map(technologyRule),
    {
      name: 'library-is-in-the-table',
      comment: 'a new library needs a row in LIBRARIES, or nothing is checked for it',
      severity: 'error',
      from: { path: '^libs/', pathNot: `^libs/(${Object.keys(LIBRARIES).join('|')})/` },
      to: {},
    },
    {
      name: 'apps-never-import-each-other',
      comment: 'only apps/standalone composes apps',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/standalone/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'standalone-is-imported-by-nobody',
      severity: 'error',
      from: { path: '^(libs|apps)/', pathNot: '^apps/standalone/' },
      to: { path: '^apps/standalone/' },
    },
    {
      name: 'testing-only-from-tests',
      severity: 'error',
      from: { path: '^(libs|apps)/[^/]+/src/', pathNot: '^libs/testing/' },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'source-imports-no-test',
      severity: 'error',
      from: { path: '^(libs|apps)/[^/]+/src/' },
      to: { path: '(^|/)test/', pathNot: 'node_modules/' },
    },
    {
      name: 'through-the-front-door',
      comment: 'a room is imported by its name, which is its index.ts',
      severity: 'error',
      from: { path: '^((?:libs|apps)/[^/]+|e2e|tools)/' },
      to: { path: '^(libs|apps)/[^/]+/', pathNot: ['^$1/', '^(libs|apps)/[^/]+/src/index\\.ts$', 'node_modules/'] },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'declared-in-package-json',
      severity: 'error',
      from: { path: '^(libs|apps)/[^/]+/src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
    },
    // What a build makes need not be there yet: benches take the built system.
    { name: 'resolves', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '/dist/' } },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    // Anchored: many packages have a dist/ of their own, and a rule on them would never fire.
    // web/ is for browsers: a bundler packs it, and it reaches the house over HTTP only.
    exclude: { path: ['^(apps|libs)/[^/]+/(dist|web)/', '^(apps|libs|e2e|tools)/.*fixtures/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@latchkey/source', 'node', 'require', 'import', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json', '.d.ts'],
      mainFields: ['main', 'types'],
    },
  },
};
