/**
 * Tasks that a filesystem creates and never drives: a forgotten `yield*`.
 *
 * The engine counts steps that nobody drives, but a generator function that nobody drives has not run, so there is
 * nothing to count. Its calls are looked for in the source instead: calls of a function that is a task, or returns one,
 * whose result is thrown away or only tested. A task in a variable, an argument or a result may still be driven; what
 * is wrong with those is for the compiler.
 */
import { readFileSync } from 'node:fs';
import { findSourceMap } from 'node:module';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AnyNode, type CallExpression, getLineInfo } from 'acorn';
import { type FunctionNode, type Module, type Path, readModule, visit } from './modules.js';

/** Looks for tasks that are never driven. Modules that were read are remembered. */
export class FloatingTasks {
  readonly #modules = new Map<string, Module | null>();
  readonly #known = new Map<FunctionNode, boolean>();

  /**
   * Look through the modules of a package.
   *
   * @param entry - URL of its main module.
   * @param folder - Its folder: other packages are not looked through.
   * @returns One line for each call, with its place; empty if all is well.
   */
  in(entry: string, folder: string): readonly string[] {
    const found: string[] = [];
    const seen = new Set<string>();
    const queue = [entry];
    for (let url = queue.pop(); url !== undefined; url = queue.pop()) {
      if (seen.has(url) || !isIn(url, folder)) continue;
      seen.add(url);
      const module = this.#module(url);
      if (module === null) continue;
      found.push(...this.#lost(module).map((call) => placed(call, url, folder)));
      queue.push(...[...module.imports.values()].map(({ from }) => from), ...module.stars);
      for (const one of module.exports.values()) if (typeof one !== 'string') queue.push(one.from);
    }
    return found.sort();
  }

  #module(url: string): Module | null {
    const known = this.#modules.get(url);
    if (known !== undefined) return known;
    const module = readModule(url);
    this.#modules.set(url, module);
    return module;
  }

  #lost(module: Module): Path[] {
    const found: Path[] = [];
    visit(module.program, (path) => {
      const call = path.at(-1) as AnyNode;
      if (call.type === 'CallExpression' && isLost(path) && this.#creates(call, module, path))
        found.push([...path]);
    });
    return found;
  }

  /** Does a call create a task? */
  #creates(call: CallExpression, module: Module, path: Path): boolean {
    const { callee } = call;
    if (callee.type === 'Identifier') return this.#isTask(callee.name, module);
    if (callee.type !== 'MemberExpression' || callee.computed) return false;
    const name = nameOf(callee.property);
    if (callee.object.type === 'ThisExpression') return isOwnTask(name, path);
    if (callee.object.type !== 'Identifier') return false;
    const whole = module.imports.get(callee.object.name);
    return whole !== undefined && whole.name === null && this.#exportsTask(name, whole.from);
  }

  /** Is what a name stands for in a module a task, or a function that returns one? */
  #isTask(name: string, module: Module): boolean {
    const imported = module.imports.get(name);
    if (imported !== undefined)
      return imported.name !== null && this.#exportsTask(imported.name, imported.from);
    const own = module.functions.get(name);
    if (own === undefined) return false;
    const known = this.#known.get(own);
    if (known !== undefined) return known;
    this.#known.set(own, false); // until more is known: it may return itself
    const answer = own.generator ? !module.iterators.has(own) : this.#returnsTask(own, module);
    this.#known.set(own, answer);
    return answer;
  }

  #exportsTask(name: string, url: string): boolean {
    const module = this.#module(url);
    if (module === null) return false;
    const exported = module.exports.get(name);
    if (typeof exported === 'string') return this.#isTask(exported, module);
    if (exported !== undefined)
      return exported.name !== null && this.#exportsTask(exported.name, exported.from);
    if (module.functions.has(name)) return this.#isTask(name, module);
    return module.stars.some((star) => this.#exportsTask(name, star));
  }

  #returnsTask(own: FunctionNode, module: Module): boolean {
    const returned = own.body.type === 'BlockStatement' ? (module.returns.get(own) ?? []) : [[own.body]];
    return returned.some((path) => this.#mayCreate(path.at(-1) as AnyNode, module, path));
  }

  #mayCreate(node: AnyNode, module: Module, path: Path): boolean {
    if (node.type === 'CallExpression') return this.#creates(node, module, path);
    if (node.type !== 'ConditionalExpression') return false;
    return this.#mayCreate(node.consequent, module, path) || this.#mayCreate(node.alternate, module, path);
  }
}

function isIn(url: string, folder: string): boolean {
  if (!url.startsWith('file:')) return false;
  const path = relative(folder, fileURLToPath(url));
  return !/^\.\.|node_modules/.test(path);
}

/** The name of a function or of a member. */
function nameOf(property: AnyNode): string {
  if (property.type === 'PrivateIdentifier') return `#${property.name}`;
  return property.type === 'Identifier' ? property.name : '';
}

/** Is a method of the class around a node a generator? */
function isOwnTask(name: string, path: Path): boolean {
  const own = path.findLast((node) => node.type === 'ClassBody');
  if (own?.type !== 'ClassBody') return false;
  return own.body.some((member) => {
    return member.type === 'MethodDefinition' && nameOf(member.key) === name && member.value.generator;
  });
}

/** Is what a node evaluates to thrown away, or only tested? */
function isLost(path: Path): boolean {
  const node = path.at(-1) as AnyNode;
  const outer = path.at(-2);
  switch (outer?.type) {
    case 'ExpressionStatement':
    case 'UnaryExpression':
    case 'BinaryExpression':
    case 'IfStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
    case 'ForStatement':
      return true;
    case 'ConditionalExpression':
      return outer.test === node || isLost(path.slice(0, -1));
    case 'LogicalExpression':
      return outer.left === node || isLost(path.slice(0, -1));
    case 'SequenceExpression':
      return outer.expressions.at(-1) !== node || isLost(path.slice(0, -1));
    case 'ChainExpression':
      return isLost(path.slice(0, -1));
    default:
      return false;
  }
}

/** A call as people read it, at its place in the source that it was compiled from. */
function placed(path: Path, url: string, folder: string): string {
  const { callee, start } = path.at(-1) as CallExpression;
  const file = fileURLToPath(url);
  const { line, column } = getLineInfo(readFileSync(file, 'utf8'), start);
  const entry = findSourceMap(file)?.findEntry(line - 1, column);
  const at =
    entry !== undefined && 'originalSource' in entry
      ? { file: fileURLToPath(new URL(entry.originalSource, url)), line: entry.originalLine + 1 }
      : { file, line };
  const name = callee.type === 'MemberExpression' ? nameOf(callee.property) : nameOf(callee);
  return `${name}() at ${relative(dirname(folder), at.file)}:${at.line} is never driven`;
}
