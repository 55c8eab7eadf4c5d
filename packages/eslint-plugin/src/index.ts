/**
 * ESLint rules for filesystem models.
 *
 * @packageDocumentation
 */
import * as parser from '@typescript-eslint/parser';
import type { Linter } from 'eslint';
import { noFloatingTask } from './no-floating-task.js';
import { noHiddenNondeterminism } from './no-hidden-nondeterminism.js';

/** The rules by name. */
const rules = {
  'no-floating-task': noFloatingTask,
  'no-hidden-nondeterminism': noHiddenNondeterminism,
} as const;

/** A plugin as ESLint takes it. */
export interface Plugin {
  /** Its name and version. */
  readonly meta: { readonly name: string; readonly version: string };
  /** Its rules by name. */
  readonly rules: typeof rules;
  /** Configurations to begin with. */
  readonly configs: {
    /** Both rules for the sources of a package, the first one for its tests too. Type information included. */
    readonly recommended: readonly Linter.Config[];
  };
}

const base = { meta: { name: '@fsport/eslint-plugin', version: '0.1.0' }, rules } as const;
const plugins = { '@fsport': base as object };

/** The plugin. */
const plugin: Plugin = {
  ...base,
  configs: {
    recommended: [
      {
        files: ['**/*.ts'],
        languageOptions: { parser: parser as Linter.Parser, parserOptions: { project: ['tsconfig*.json'] } },
        plugins,
        rules: { '@fsport/no-floating-task': 'error' },
      },
      { files: ['src/**/*.ts'], plugins, rules: { '@fsport/no-hidden-nondeterminism': 'error' } },
    ],
  },
};

export default plugin;
