/** Which types are those of tasks. */
import type { Type } from 'typescript';

/** Names under which core declares tasks. */
const TASKS = new Set(['Task', 'Step']);
/** What a generator function without a declared type makes. */
const ITERATORS = new Set(['Generator', 'Iterable', 'IterableIterator', 'IteratorObject']);

/**
 * Is a value of this type a task: a `Task`, a `Step` or what is made from one, or an iterator over steps?
 *
 * @param type - The type.
 */
export function isTask(type: Type): boolean {
  if (type.isUnionOrIntersection()) return type.types.some(isTask);
  const name = type.symbol?.name ?? '';
  if (TASKS.has(name) && isIterable(type)) return true;
  if (ITERATORS.has(name)) return yieldsSteps(type);
  return type.isClassOrInterface() && (type.getBaseTypes() ?? []).some(isTask);
}

function isIterable(type: Type): boolean {
  return type.getProperties().some(({ escapedName }) => String(escapedName).startsWith('__@iterator'));
}

function yieldsSteps(type: Type): boolean {
  const { resolvedTypeArguments } = type as { readonly resolvedTypeArguments?: readonly Type[] };
  const [yielded] = resolvedTypeArguments ?? type.aliasTypeArguments ?? [];
  return yielded !== undefined && (yielded.symbol?.name === 'Step' || isTask(yielded));
}
