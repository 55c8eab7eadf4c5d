// Which package may import which. `npm run lint` and the tidy test run it; build first, because links
// between packages go through `dist`.

/** What `src` of each package may import. A package that is not listed may import no other. */
const layers = {
  core: [],
  explore: ['core'],
  conformance: ['core', 'explore'],
  report: ['core', 'explore', 'conformance'],
  cli: ['core', 'explore', 'conformance', 'report', 'create-fs', 'fs-[^/]+'],
  'create-fs': ['core'],
  'eslint-plugin': [],
  'fs-[^/]+': ['core'],
};

/** What tests may import beyond that. */
const testLayers = { 'fs-[^/]+': ['conformance'], 'eslint-plugin': ['core'] };

const comment = Object.entries(layers)
  .map(([name, allowed]) => `${name} -> ${allowed.join(', ') || 'nothing'}`)
  .join('; ');

/** A rule against importing any package except the allowed ones and oneself. */
function layerRule(name, folders, allowed) {
  return {
    name: `layer-${name.replace('[^/]+', '*')}-${folders.replace('|', '-')}`,
    comment: `Move the code to a lower layer, or turn the dependency round. Allowed: ${comment}`,
    severity: 'error',
    from: { path: `^packages/(${name})/(?:${folders})/` },
    to: { path: '^packages/', pathNot: ['^packages/$1/', ...allowed.map((other) => `^packages/${other}/`)] },
  };
}

module.exports = {
  forbidden: [
    ...Object.entries(layers).flatMap(([name, allowed]) => [
      layerRule(name, 'src|bench', allowed),
      layerRule(name, 'test', [...allowed, ...(testLayers[name] ?? [])]),
    ]),
    {
      name: 'package-without-a-layer',
      comment: 'Give the package a line in `layers` in .dependency-cruiser.cjs.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/', pathNot: Object.keys(layers).map((name) => `^packages/${name}/`) },
      to: { path: '^packages/', pathNot: '^packages/$1/' },
    },
    {
      name: 'through-the-front-door',
      comment: 'Import another package by its name, never by a path into its folders.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/', pathNot: '^packages/$1/', dependencyTypes: ['local'] },
    },
    {
      name: 'sched-knows-no-filesystem',
      comment:
        'The scheduler runs any tasks. Keep what knows pages, disks or locks out of packages/core/src/sched.',
      severity: 'error',
      from: { path: '^packages/core/src/sched/' },
      to: { path: '^packages/core/src/(?:mm|fs|block|locking)/' },
    },
    {
      name: 'models-touch-no-platform',
      comment: 'A model depends on its schedule alone: no files, clock, threads or random numbers of Node.',
      severity: 'error',
      from: { path: '^packages/(?:core|fs-[^/]+)/src/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'src-imports-no-tests',
      comment: 'Move what both need into src.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { path: '^packages/[^/]+/(?:test|bench|dist-test|dist-bench)/' },
    },
    {
      name: 'no-circular',
      comment:
        'A cycle has no lowest layer, and one between injected classes dies when it is loaded. Move what both ' +
        'need into a file of its own.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolved',
      comment: 'Fix the path, or declare the package in package.json. After a fresh clone: npm run build.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // Not `exclude`: without the edges into `dist`, links between packages would vanish.
    doNotFollow: { path: 'node_modules|/dist/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
