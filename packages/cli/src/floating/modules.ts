/** Modules, read as far as it takes to tell which of their functions are tasks. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type AnonymousFunctionDeclaration,
  type AnyNode,
  type ArrowFunctionExpression,
  type FunctionDeclaration,
  type FunctionExpression,
  type Identifier,
  type Program,
  parse,
} from 'acorn';
import { fullAncestor } from 'acorn-walk';
import { resolve } from 'import-meta-resolve';

/** A function. */
export type FunctionNode =
  | AnonymousFunctionDeclaration
  | ArrowFunctionExpression
  | FunctionDeclaration
  | FunctionExpression;

/** A node and the nodes around it, outermost first. */
export type Path = readonly AnyNode[];

/** Something of another module. */
export interface Foreign {
  /** URL of the module. */
  readonly from: string;
  /** Its name there, `null` for the whole module. */
  readonly name: string | null;
}

/** One module. */
export interface Module {
  /** Its syntax tree. */
  readonly program: Program;
  /** Its functions by name, those whose name means nothing else anywhere in the module. */
  readonly functions: ReadonlyMap<string, FunctionNode>;
  /** Generators that yield by themselves: what they yield are no steps, so they are no tasks. */
  readonly iterators: ReadonlySet<FunctionNode | undefined>;
  /** What the `return`s of a function return. */
  readonly returns: ReadonlyMap<FunctionNode | undefined, readonly Path[]>;
  /** What it imports, by the name it has here. */
  readonly imports: ReadonlyMap<string, Foreign>;
  /** What it exports: of its own, by its name here, or of another module. */
  readonly exports: ReadonlyMap<string, Foreign | string>;
  /** URLs of modules all of whose exports it passes on. */
  readonly stars: readonly string[];
}

/** Visit every node. The last override of a node's type says whether it binds a name. */
export function visit(program: Program, each: (path: Path, binds: boolean) => void): void {
  fullAncestor(program, (_, __, path, type) => each(path as unknown as Path, type === 'VariablePattern'));
}

function isFunction(node: AnyNode | null | undefined): node is FunctionNode {
  return node != null && /Function/.test(node.type);
}

/** The innermost function around a node. */
export function functionAround(path: Path): FunctionNode | undefined {
  return path.slice(0, -1).findLast(isFunction);
}

/**
 * Read a module.
 *
 * @param url - Its URL.
 * @returns `null` if it is none of JavaScript: then nothing is known about it.
 */
export function readModule(url: string): Module | null {
  const path = url.startsWith('file:') ? fileURLToPath(url) : '';
  if (!existsSync(path)) return null;
  try {
    return moduleOf(parse(readFileSync(path, 'utf8'), { ecmaVersion: 'latest', sourceType: 'module' }), url);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function moduleOf(program: Program, url: string): Module {
  const imports = new Map<string, Foreign>();
  const exports = new Map<string, Foreign | string>();
  const stars: string[] = [];
  for (const node of program.body) {
    if (node.type === 'ImportDeclaration') {
      const from = urlOf(String(node.source.value), url);
      for (const one of node.specifiers) {
        const name =
          one.type === 'ImportSpecifier'
            ? nameOf(one.imported)
            : one.type === 'ImportDefaultSpecifier'
              ? 'default'
              : null;
        imports.set(one.local.name, { from, name });
      }
    } else if (node.type === 'ExportAllDeclaration') {
      stars.push(urlOf(String(node.source.value), url));
    } else if (node.type === 'ExportNamedDeclaration') {
      const from = node.source == null ? null : urlOf(String(node.source.value), url);
      for (const one of node.specifiers) {
        const name = nameOf(one.local);
        exports.set(nameOf(one.exported), from === null ? name : { from, name });
      }
    }
  }
  return { program, ...functionsOf(program, imports), imports, exports, stars };
}

function nameOf(node: Identifier | { readonly type: 'Literal'; readonly value?: unknown }): string {
  return node.type === 'Identifier' ? node.name : String(node.value);
}

function urlOf(specifier: string, parent: string): string {
  try {
    return resolve(specifier, parent);
  } catch {
    return ''; // it is for the loader to say so
  }
}

function functionsOf(
  program: Program,
  imports: ReadonlyMap<string, Foreign>,
): Pick<Module, 'functions' | 'iterators' | 'returns'> {
  const functions = new Map<string, FunctionNode>();
  const iterators = new Set<FunctionNode | undefined>();
  const returns = new Map<FunctionNode | undefined, Path[]>();
  const meanings = new Map<string, number>([...imports.keys()].map((name) => [name, 1]));
  visit(program, (path, binds) => {
    const node = path.at(-1) as AnyNode;
    if (binds && node.type === 'Identifier') meanings.set(node.name, (meanings.get(node.name) ?? 0) + 1);
    if (node.type === 'FunctionDeclaration' && node.id != null) functions.set(node.id.name, node);
    if (node.type === 'YieldExpression' && !node.delegate) iterators.add(functionAround(path));
    if (node.type === 'ReturnStatement' && node.argument != null) {
      const own = functionAround(path);
      returns.set(own, [...(returns.get(own) ?? []), [...path, node.argument]]);
    }
    if (node.type !== 'VariableDeclarator' || node.id.type !== 'Identifier') return;
    if (isFunction(node.init)) functions.set(node.id.name, node.init);
  });
  const clear = [...functions].filter(([name]) => meanings.get(name) === 1);
  return { functions: new Map(clear), iterators, returns };
}
