const { join } = require('node:path');

// Tests that use ONNX Runtime themselves: it would report to its maker, and leave files in the home and the temporary folder.
process.env.ORT_DISABLE_TELEMETRY = '1';

// What tools keep for their next run: outside of the home and the temporary folder, which each test file has to leave empty.
const caches = join(__dirname, 'node_modules', '.cache');
process.env.SWC_NATIVE_BINDING_CACHE = join(caches, 'swc');

const shared = {
  rootDir: __dirname,
  cacheDirectory: join(caches, 'jest'),
  testEnvironment: '<rootDir>/tests/support/jest/environment.cjs',
  // Only tests and scripts are compiled here: they import the product as it is built (`#shared/*` and so on, in package.json).
  // The package is one of ES modules, which Node requires since 20.19 and Jest does not; Fastify's `inject` needs it.
  transformIgnorePatterns: ['/node_modules/(?!cookie/)'],
  transform: {
    '/node_modules/cookie/': ['@swc/jest', { module: { type: 'commonjs' } }],
    '/(tests|scripts/src)/.*\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/tests', '<rootDir>/\\.forewarm'],
};

/** @type {import('jest').Config} */
module.exports = {
  // Slow tests mostly wait: for periods, for servers, for processes to start. More than the usual two cores have something to do.
  maxWorkers: 3,
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/tests/unit/**/*.test.ts'] },
    {
      ...shared,
      displayName: 'slow',
      testMatch: ['<rootDir>/tests/{slow,faults,conformance,integration,browser}/**/*.test.ts'],
      globalSetup: '<rootDir>/tests/support/servers/global-setup.ts',
      globalTeardown: '<rootDir>/tests/support/servers/global-teardown.ts',
    },
  ],
};
