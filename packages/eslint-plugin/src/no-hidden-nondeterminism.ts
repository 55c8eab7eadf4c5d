/**
 * An execution must depend on its schedule alone, or it cannot be replayed: no clock, random numbers, timers, promises,
 * process or network in a model, no object walked in an order that is not ours, and nothing kept from one execution to
 * the next.
 */
import { AST_NODE_TYPES, ESLintUtils, type TSESLint, type TSESTree } from '@typescript-eslint/utils';

const CHOICE = 'Ask the scheduler with "yield* choose()" if it may go either way.';

/** Globals whose value is not ours, and what to do instead. */
const GLOBALS: Readonly<Record<string, string>> = {
  Date: 'There is no clock in a model.',
  performance: 'There is no clock in a model.',
  setTimeout: 'Spawn a task: the scheduler decides when it runs.',
  setInterval: 'Spawn a task: the scheduler decides when it runs.',
  setImmediate: 'Spawn a task: the scheduler decides when it runs.',
  queueMicrotask: 'Spawn a task: the scheduler decides when it runs.',
  Promise: 'Write a task: "function*", driven with "yield*".',
  crypto: CHOICE,
  process: 'Pass in what it needs when the model is mounted.',
  fetch: 'A model has no network; a server is a task.',
  navigator: 'Pass in what it needs when the model is mounted.',
  WeakRef: 'When memory is collected is not ours.',
  FinalizationRegistry: 'When memory is collected is not ours.',
};

/** The rule. */
export const noHiddenNondeterminism = ESLintUtils.RuleCreator.withoutDocs({
  meta: {
    type: 'problem',
    docs: { description: 'An execution of a model must depend on its schedule alone.' },
    schema: [],
    messages: {
      global: '"{{name}}" differs from run to run. {{instead}}',
      random: `"Math.random" differs from run to run. ${CHOICE}`,
      forIn: 'The order of "for ... in" is not ours: walk a Map, an array or Object.entries().',
      async: 'What is asynchronous runs when Node pleases: write a task, "function*", driven with "yield*".',
      kept: '"{{name}}" lives longer than one execution. Keep it in what mount() returns, or make it a constant.',
    },
  },
  defaultOptions: [],
  create(context) {
    return {
      'Program:exit'(node) {
        const scope = context.sourceCode.getScope(node);
        const own = scope.variables
          .filter(({ defs }) => defs.length === 0)
          .flatMap(({ references }) => references);
        for (const reference of new Set([...scope.through, ...own])) reportGlobal(context, reference);
      },
      MemberExpression(node) {
        if (isMathRandom(node)) context.report({ node, messageId: 'random' });
      },
      ForInStatement: (node) => context.report({ node, messageId: 'forIn' }),
      AwaitExpression: (node) => context.report({ node, messageId: 'async' }),
      ':function[async=true]': (node: TSESTree.Node) => context.report({ node, messageId: 'async' }),
      'Program > VariableDeclaration[kind!="const"] > VariableDeclarator': reportKept,
      'Program > ExportNamedDeclaration > VariableDeclaration[kind!="const"] > VariableDeclarator':
        reportKept,
    };

    function reportKept(node: TSESTree.VariableDeclarator): void {
      const name = context.sourceCode.getText(node.id).split(':')[0] as string;
      context.report({ node, messageId: 'kept', data: { name } });
    }
  },
});

function reportGlobal(
  context: Readonly<TSESLint.RuleContext<'global', []>>,
  { identifier, isTypeReference }: TSESLint.Scope.Reference,
): void {
  const { name } = identifier as TSESTree.Identifier;
  const instead = Object.hasOwn(GLOBALS, name) ? GLOBALS[name] : undefined;
  if (instead === undefined || isTypeReference) return;
  context.report({ node: identifier, messageId: 'global', data: { name, instead } });
}

function isMathRandom({ object, property }: TSESTree.MemberExpression): boolean {
  return (
    object.type === AST_NODE_TYPES.Identifier &&
    object.name === 'Math' &&
    property.type === AST_NODE_TYPES.Identifier &&
    property.name === 'random'
  );
}
