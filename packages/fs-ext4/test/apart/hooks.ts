// Loads the model so that everything a task does between two of its steps is a step of its own: each call that is not
// itself driven with `yield*` (a load, a store, a helper that joins the step in progress) comes after a scheduling point.
// What one section does stays one step. The scheduler's own modules are left alone.

import type { LoadHook } from 'node:module';
import { type CallExpression, type Function as FunctionNode, type Node, parse } from 'acorn';
import { fullAncestor } from 'acorn-walk';

const MODEL = /\/packages\/(?:core|fs-[^/]+)\/dist\/(?!sched\/)/;

const isFunction = (node: Node): node is FunctionNode => /Function/.test(node.type);

/** The function around the last node of a path. */
function around(path: readonly Node[]): FunctionNode | undefined {
  return path.slice(0, -1).findLast(isFunction);
}

/** Functions that yield by themselves: iterators over something else than steps. */
function iterators(program: Node): ReadonlySet<Node | undefined> {
  const found = new Set<Node | undefined>();
  fullAncestor(program, (node, _, path) => {
    if (node.type === 'YieldExpression' && !(node as { delegate?: boolean }).delegate)
      found.add(around(path));
  });
  return found;
}

/** The whole of an optional chain that a call belongs to, otherwise the call. */
function whole(path: readonly Node[]): Node {
  let node = path.at(-1) as Node;
  for (const outer of path.slice(0, -1).reverse()) {
    if (outer.type === 'ChainExpression') return outer;
    const links = outer.type === 'MemberExpression' || (outer as CallExpression).callee === node;
    if (!links) break;
    node = outer;
  }
  return path.at(-1) as Node;
}

/**
 * Put a step of its own before each call in a task.
 *
 * @param source - A module.
 * @returns The module with these steps.
 */
export function apart(source: string): string {
  const program = parse(source, { ecmaVersion: 'latest', sourceType: 'module' });
  const others = iterators(program);
  const calls = new Map<number, number>();
  fullAncestor(program, (node, _, path) => {
    const task = around(path);
    if (node.type !== 'CallExpression' || task?.generator !== true || others.has(task)) return;
    const parent = path.at(-2) as Node;
    const { start, end } = whole(path);
    if (parent.type !== 'YieldExpression' && start > task.body.start)
      calls.set(start, Math.max(end, calls.get(start) ?? 0));
  });
  const edits = [...calls].flatMap(([start, end]) => [
    { at: start, text: '(yield* apart$(), ', opens: 1 },
    { at: end, text: ')', opens: 0 },
  ]);
  edits.sort((a, b) => a.at - b.at || a.opens - b.opens);
  let done = 0;
  const parts = edits.map(({ at, text }) => {
    const part = source.slice(done, at) + text;
    done = at;
    return part;
  });
  const tail = `${source.slice(done)}\nimport { choose as choose$ } from '@fsport/core';\nfunction apart$() { return choose$('apart', 1); }\n`;
  return parts.join('') + tail;
}

/** The hook. */
export const load: LoadHook = async (url, context, next) => {
  const loaded = await next(url, context);
  return MODEL.test(url) ? { ...loaded, source: apart(String(loaded.source)) } : loaded;
};
