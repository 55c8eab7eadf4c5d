// Biome checks everything else. The first two rules need to know what a task is.
import fsport from '@fsport/eslint-plugin';

const [tasks, determinism] = fsport.configs.recommended;
const project = [
  'packages/*/tsconfig.json',
  'packages/*/tsconfig.test.json',
  'packages/*/tsconfig.bench.json',
];

export default [
  { ignores: ['**/dist*/', '**/*.{js,mjs,cjs}'] },
  {
    ...tasks,
    languageOptions: {
      ...tasks.languageOptions,
      parserOptions: { project, tsconfigRootDir: import.meta.dirname },
    },
  },
  { ...determinism, files: ['packages/{core,fs-*}/src/**/*.ts'] },
  {
    // V8 keeps the shape of a generator's objects outside the young generation, and by it all that the generator closes
    // over: here, the world of an execution that is over. See docs/decisions/0012-what-threads-share.md.
    files: ['packages/{core,fs-*}/src/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: ':function FunctionExpression[generator=true]',
          message:
            'Write it as a function of the module, and close over what it needs with "(...) => f(...)".',
        },
      ],
    },
  },
];
