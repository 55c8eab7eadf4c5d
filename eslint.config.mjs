// Biome checks everything else. These two rules need to know what a task is.
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
];
