/**
 * A task that is created and not driven does nothing: `downRead(lock);` compiles. With type information every expression
 * whose value is a `Task` is looked at; without, every call of a generator function of the same module.
 */
import { AST_NODE_TYPES, ESLintUtils, type TSESLint, type TSESTree } from '@typescript-eslint/utils';
import { isTask } from './tasks.js';

type Context = Readonly<TSESLint.RuleContext<'floating' | 'yielded', []>>;

/** The rule. */
export const noFloatingTask = ESLintUtils.RuleCreator.withoutDocs({
  meta: {
    type: 'problem',
    docs: { description: 'A task that is created must be driven.' },
    schema: [],
    messages: {
      floating: 'This task is created and never driven: write "yield*" in front of it.',
      yielded: 'A bare "yield" hands the task out and does not drive it: write "yield*".',
    },
  },
  defaultOptions: [],
  create(context: Context) {
    const creates = creatorOf(context);
    const look = (node: TSESTree.CallExpression | TSESTree.NewExpression): void => {
      const whole = unwrapped(node);
      const { parent } = whole;
      if (parent.type === AST_NODE_TYPES.YieldExpression && !parent.delegate) {
        if (creates(node)) context.report({ node: parent, messageId: 'yielded' });
      } else if (isLost(whole) && creates(node)) context.report({ node, messageId: 'floating' });
    };
    return { CallExpression: look, NewExpression: look };
  },
});

/** Does an expression create a task? */
function creatorOf(context: Context): (node: TSESTree.Node) => boolean {
  const services = context.sourceCode.parserServices;
  if (services?.program != null) {
    const { getTypeAtLocation } = ESLintUtils.getParserServices(context);
    return (node) => isTask(getTypeAtLocation(node));
  }
  return (node) =>
    node.type === AST_NODE_TYPES.CallExpression &&
    node.callee.type === AST_NODE_TYPES.Identifier &&
    isGenerator(node.callee, context);
}

/** Does a name stand for a generator function that only delegates? One that yields by itself makes no task. */
function isGenerator(name: TSESTree.Identifier, { sourceCode }: Context): boolean {
  for (
    let scope: TSESLint.Scope.Scope | null = sourceCode.getScope(name);
    scope !== null;
    scope = scope.upper
  ) {
    const definition = scope.set.get(name.name)?.defs[0];
    if (definition === undefined) continue;
    const node = definition.node;
    const made = node.type === AST_NODE_TYPES.VariableDeclarator ? node.init : node;
    const isFunction =
      made?.type === AST_NODE_TYPES.FunctionDeclaration || made?.type === AST_NODE_TYPES.FunctionExpression;
    return isFunction && made.generator && !/\byield(?!\s*\*)/.test(sourceCode.getText(made));
  }
  return false;
}

/** An expression with what says something about it and changes nothing. */
function unwrapped(node: TSESTree.Expression): TSESTree.Expression {
  const { parent } = node;
  const says =
    parent?.type === AST_NODE_TYPES.ChainExpression ||
    parent?.type === AST_NODE_TYPES.TSAsExpression ||
    parent?.type === AST_NODE_TYPES.TSNonNullExpression;
  return says ? unwrapped(parent) : node;
}

/** Is what an expression evaluates to thrown away, or only tested? */
function isLost(node: TSESTree.Expression): boolean {
  const outer = node.parent;
  switch (outer.type) {
    case AST_NODE_TYPES.ExpressionStatement:
    case AST_NODE_TYPES.UnaryExpression:
    case AST_NODE_TYPES.BinaryExpression:
    case AST_NODE_TYPES.IfStatement:
    case AST_NODE_TYPES.WhileStatement:
    case AST_NODE_TYPES.DoWhileStatement:
    case AST_NODE_TYPES.ForStatement:
      return true;
    case AST_NODE_TYPES.ConditionalExpression:
      return outer.test === node || isLost(unwrapped(outer));
    case AST_NODE_TYPES.LogicalExpression:
      return outer.left === node || isLost(unwrapped(outer));
    case AST_NODE_TYPES.SequenceExpression:
      return outer.expressions.at(-1) !== node || isLost(unwrapped(outer));
    default:
      return false;
  }
}
