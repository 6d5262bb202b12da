// The floors of the house: which folder of src may import which. A folder that is missing here may import nothing.
const PURE = ['kernel', 'statistics', 'routing'];

// What the simulations of a plan are made of: pure folders, and the pure files of others.
const PLANNED_WITH = [
  'rollouts/(planning|policy)/',
  'rollouts/(change|phases)\\.ts',
  'analysis/(assess|evidence|strata|minimum-evidence)\\.ts',
  'experiments/(experiment|shares)\\.ts',
  'metrics/metric\\.ts',
  'statistics/',
  'kernel/',
];

const MAY_IMPORT = {
  kernel: [],
  statistics: ['kernel'],
  routing: ['kernel'],
  config: ['kernel'],
  load: ['config', 'kernel'],
  database: ['config', 'kernel'],
  auth: ['database', 'config', 'kernel'],
  queue: ['database', 'config', 'kernel'],
  models: ['auth', 'database', 'config', 'routing', 'kernel'],
  webhooks: ['models', 'auth', 'database', 'config', 'kernel'],
  events: ['models', 'auth', 'database', 'load', 'config', 'routing', 'kernel'],
  monitoring: ['auth', 'database', 'kernel'],
  metrics: ['events', 'models', 'auth', 'database', 'kernel'],
  experiments: ['metrics', 'models', 'auth', 'database', 'routing', 'kernel'],
  analysis: [
    'experiments',
    'metrics',
    'events',
    'models',
    'statistics',
    'auth',
    'database',
    'kernel',
  ],
  rollouts: [
    'analysis',
    'experiments',
    'webhooks',
    'models',
    'queue',
    'auth',
    'database',
    'routing',
    'config',
    'kernel',
  ],
  // what it serves talks to the API only, as any other client does
  console: [],
  gateway: ['models', 'events', 'routing', 'auth', 'load', 'config', 'database', 'kernel'],
};

const edges = Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
  name: `floor-of-${folder}`,
  comment: `src/${folder} imports only from: ${allowed.join(', ') || 'nothing'}`,
  severity: 'error',
  // the pure folders of rollouts have stricter rules of their own
  from: { path: `^src/${folder}/`, pathNot: '^src/rollouts/(policy|planning)/' },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...allowed].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...edges,
    {
      name: 'floor-is-known',
      comment: 'A new folder of src gets its line in MAY_IMPORT and in ARCHITECTURE.md first.',
      severity: 'error',
      from: { path: `^src/(?!(${[...Object.keys(MAY_IMPORT), 'app'].join('|')})/)[^/]+/` },
      to: {},
    },
    {
      name: 'policy-is-pure',
      comment: 'A decision is a pure function of what statistics says.',
      severity: 'error',
      from: { path: '^src/rollouts/policy/' },
      to: { path: '^src/', pathNot: '^src/(rollouts/policy|statistics|kernel)/' },
    },
    {
      name: 'planning-is-pure',
      comment:
        'A plan runs the real statistics and policy on drawn data; neither clock nor database.',
      severity: 'error',
      from: { path: '^src/rollouts/planning/' },
      to: { path: '^src/', pathNot: `^src/(${PLANNED_WITH.join('|')})` },
    },
    {
      name: 'segments-decide-nothing',
      comment:
        'Many segments find something by chance: they are shown, and no decision can reach them.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/analysis/(segments\\.|analysis\\.module)' },
      to: { path: '^src/analysis/segments\\.' },
    },
    {
      name: 'pure-folders-touch-no-package',
      comment: 'No clock, environment, framework or SQL. Exceptions: numerics and the one hash.',
      severity: 'error',
      from: {
        path: `^src/(${[...PURE, 'analysis/paired', 'rollouts/policy', 'rollouts/planning'].join('|')})/`,
        pathNot: '^src/(statistics/[^/]+|kernel/hash)\\.ts$',
      },
      to: { pathNot: '^src/' },
    },
    {
      name: 'statistics-describes-with-one-library',
      comment: 'Special functions are the business of numerics.ts alone.',
      severity: 'error',
      from: { path: '^src/statistics/', pathNot: '^src/statistics/numerics\\.ts$' },
      to: { pathNot: '(^src/|(^|/)node_modules/simple-statistics/)' },
    },
    {
      name: 'numerics-libraries',
      comment: 'Each inside its measured box: docs/decisions/0006.',
      severity: 'error',
      from: { path: '^src/statistics/numerics\\.ts$' },
      to: { pathNot: '(^src/|(^|/)node_modules/(@stdlib/|simple-statistics/))' },
    },
    {
      name: 'hash-needs-only-crypto',
      severity: 'error',
      from: { path: '^src/kernel/hash\\.ts$' },
      to: { pathNot: '^(src/kernel/|(node:)?crypto$)' },
    },
    {
      name: 'events-are-types-to-metrics',
      comment: 'Metrics read events through SQL views; only the shapes are shared.',
      severity: 'error',
      from: { path: '^src/metrics/' },
      to: { path: '^src/events/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'rooms-are-private',
      comment: "Another folder's store, row, controller or processor is its own business.",
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/.+\\.(store|row|controller|processor)\\.ts$', pathNot: '^src/$1/' },
    },
    {
      name: 'console-talks-to-the-api-only',
      comment: 'What the page can do, any client can do; its types come from the API document.',
      severity: 'error',
      from: { path: '^console/' },
      to: { path: '^(src|test|demo|bench|scripts)/' },
    },
    {
      name: 'product-knows-no-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|demo|bench|scripts)/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-development-packages-at-run-time',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
