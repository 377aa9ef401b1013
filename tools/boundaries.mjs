// Who imports whom: `node tools/boundaries.mjs [root]`. The layers are in .dependency-cruiser.js; here besides: what a
// package.json declares, what its tsconfig.json refers to and what its source imports are the same.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';

const HOUSE = '@latchkey/';
/** Peers that Nest loads by itself: declared by who uses Nest, imported by few. */
const PEERS_OF_NEST = new Set(['rxjs', 'reflect-metadata', '@nestjs/core', '@nestjs/microservices', 'fastify']);

const home = fileURLToPath(new URL('..', import.meta.url));
const root = resolve(process.argv[2] ?? home);

const modules = await importsOf(root);
const faults = [...layerFaults(modules), ...packages(root).flatMap((each) => packageFaults(each, modules))];
for (const fault of faults) console.error(fault);
console.log(`boundaries: ${modules.length} modules, ${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;

async function importsOf(baseDir) {
  const { options, forbidden } = createRequire(import.meta.url)('../.dependency-cruiser.js');
  const { enhancedResolveOptions, ...rest } = options;
  const rooms = ['apps', 'libs', 'e2e', 'tools', 'bench'].filter((room) => existsSync(join(baseDir, room)));
  const result = await cruise(
    rooms,
    { ...rest, enhancedResolveOptions, baseDir, validate: true, ruleSet: { forbidden } },
    enhancedResolveOptions,
  );
  return result.output.modules;
}

function layerFaults(all) {
  return all.flatMap((module) =>
    module.dependencies.flatMap((dependency) =>
      (dependency.rules ?? []).map(({ name }) => `${module.source}: ${name} (imports ${dependency.module})`),
    ),
  );
}

function packages(baseDir) {
  const rooms = ['apps', 'libs'].flatMap((kind) =>
    existsSync(join(baseDir, kind)) ? readdirSync(join(baseDir, kind)).map((name) => `${kind}/${name}`) : [],
  );
  return rooms
    .filter((room) =>
      ['package.json', 'tsconfig.json', 'src/index.ts'].every((file) => existsSync(join(baseDir, room, file))),
    )
    .map((room) => {
      const references = readJson(join(baseDir, room, 'tsconfig.json')).references ?? [];
      return {
        room,
        manifest: readJson(join(baseDir, room, 'package.json')),
        references: references.map(({ path }) => readJson(join(baseDir, room, path, 'package.json')).name),
      };
    });
}

function packageFaults({ room, manifest, references }, all) {
  const imported = new Set(
    all
      .filter((module) => module.source.startsWith(`${room}/src/`))
      .flatMap((module) => module.dependencies.map((dependency) => packageName(dependency.module)))
      .filter((name) => name !== undefined && name !== manifest.name),
  );
  const declared = new Set(Object.keys(manifest.dependencies ?? {}));
  const house = [...imported].filter((name) => name.startsWith(HOUSE));
  return [
    ...missing(imported, declared).map((name) => `${room}: package.json does not declare ${name}, which is imported`),
    ...missing(declared, imported)
      .filter((name) => !PEERS_OF_NEST.has(name))
      .map((name) => `${room}: package.json declares ${name}, which is not imported`),
    ...missing(house, new Set(references)).map((name) => `${room}: tsconfig.json does not refer to ${name}`),
    ...missing(references, imported).map((name) => `${room}: tsconfig.json refers to ${name}, which is not imported`),
  ];
}

function missing(names, among) {
  return [...names].filter((name) => !among.has(name));
}

/** `@scope/name/deep` → `@scope/name`; nothing for relative and built-in modules. */
function packageName(specifier) {
  if (specifier.startsWith('.') || isBuiltin(specifier)) return undefined;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
