/**
 * Final states as strings: two states have one key only if nothing that runs from there on can tell them apart.
 *
 * A key is everything that can be reached from the roots, in the order in which it is reached: objects of any class by
 * their class and their fields, shared objects by what they tell of themselves, functions by identity. What keeps
 * something to itself (a private field, a closure, a generator) makes a state one that has no key.
 */
import { SharedObject, UNKNOWN_STATE } from '@fsport/core';

/** Thrown inside {@link StateKeys.of} only. */
const NO_KEY = new Error('a part of the state cannot be seen');

/** What begins a value in a key; from the last one on, small whole numbers. */
const UNDEFINED = 0;
const NULL = 1;
const FALSE = 2;
const TRUE = 3;
const TEXT = 4;
const KNOWN = 5;
const ARRAY = 6;
const OBJECT = 7;
const SHARED = 8;
const MAP = 9;
const SET = 10;
const FUNCTION = 11;
const INTEGER = 12;
const SMALL = 13;

/** Digits of a number in a key: fifteen bits, and one that says that more follow. */
const DIGIT = 0x8000;

/** A class, or a way in which objects of it look. */
interface Shape {
  readonly number: number;
  /** Its fields, in order. */
  readonly names: readonly string[];
}

/** Makes keys that can be compared with each other. */
export class StateKeys {
  /** Numbers of strings, and of numbers that are not whole. */
  readonly #texts = new Map<string, number>();
  /** Numbers of functions, and of what is the same as itself only. */
  readonly #identified = new WeakMap<object, number>();
  #identities = 0;
  /** How objects of a class look. */
  readonly #shapes = new Map<object, Shape[]>();
  #shapeCount = 0;
  readonly #classNumbers = new Map<object, number>();
  /** By id of a shared object: the key that it is in already. */
  readonly #seen: number[] = [];
  #made = 0;
  /** Other objects in the key. Not one map that is cleared: V8 links what it held to what it holds next. */
  #visited = new Map<object, number>();
  #codes = new Uint16Array(1024);
  #length = 0;

  /**
   * The key of a state.
   *
   * @param roots - What everything else can be reached from.
   * @param context - What else belongs to it: each is the same as itself only.
   * @returns `null` if it has none.
   */
  of(roots: readonly unknown[], context: readonly object[]): string | null {
    this.#length = 0;
    this.#made++;
    this.#visited = new Map();
    try {
      for (const one of context) this.#digits(this.#identity(one));
      this.#value(roots);
    } catch (error) {
      if (error === NO_KEY) return null;
      throw error;
    }
    return Buffer.from(this.#codes.buffer, 0, 2 * this.#length).toString('utf16le');
  }

  #value(value: unknown): void {
    if (typeof value === 'number') this.#number(value);
    else if (value === null) this.#code(NULL);
    else if (typeof value === 'boolean') this.#code(value ? TRUE : FALSE);
    else if (typeof value === 'object') {
      if (value instanceof SharedObject) this.#shared(value);
      else this.#object(value);
    } else if (typeof value === 'string') this.#text(value);
    else if (value === undefined) this.#code(UNDEFINED);
    else if (typeof value === 'function') {
      this.#code(FUNCTION);
      this.#digits(this.#identity(value));
    } else throw NO_KEY;
  }

  #number(value: number): void {
    if (value > 0 && value < DIGIT - SMALL && Number.isInteger(value)) this.#code(SMALL + value);
    else if (Object.is(value, 0)) this.#code(SMALL);
    else if (Number.isSafeInteger(value) && value !== 0) {
      this.#code(INTEGER);
      this.#digits(value < 0 ? -2 * value - 1 : 2 * value);
    } else this.#text(Object.is(value, -0) ? '-0' : `${value}`);
  }

  #text(value: string): void {
    this.#code(TEXT);
    let number = this.#texts.get(value);
    if (number === undefined) {
      number = this.#texts.size;
      this.#texts.set(value, number);
    }
    this.#digits(number);
  }

  #shared(value: SharedObject): void {
    const { id } = value;
    this.#code(SHARED);
    // Lock orders are about identities.
    this.#digits(id);
    if (this.#seen[id] === this.#made) return;
    while (this.#seen.length <= id) this.#seen.push(0);
    this.#seen[id] = this.#made;
    this.#digits(this.#sharedClass(value));
    const state = value.peekState();
    if (state === UNKNOWN_STATE) throw NO_KEY;
    this.#value(state);
  }

  #sharedClass(value: SharedObject): number {
    const prototype = Object.getPrototypeOf(value) as object;
    let number = this.#classNumbers.get(prototype);
    if (number === undefined) {
      if (hidesSomething(prototype)) throw NO_KEY;
      number = this.#classNumbers.size;
      this.#classNumbers.set(prototype, number);
    }
    return number;
  }

  #object(value: object): void {
    const known = this.#visited.get(value);
    if (known !== undefined) {
      this.#code(KNOWN);
      this.#digits(known);
      return;
    }
    this.#visited.set(value, this.#visited.size);
    if (Array.isArray(value)) {
      this.#code(ARRAY);
      this.#digits(value.length);
      for (let i = 0; i < value.length; i++) this.#value(value[i]);
    } else if (value instanceof Map) {
      this.#code(MAP);
      this.#digits(value.size);
      for (const [key, its] of value) {
        this.#value(key);
        this.#value(its);
      }
    } else if (value instanceof Set) {
      this.#code(SET);
      this.#digits(value.size);
      for (const member of value) this.#value(member);
    } else {
      this.#code(OBJECT);
      const { number, names } = this.#shapeOf(value);
      this.#digits(number);
      for (let i = 0; i < names.length; i++) this.#value(value[names[i] as keyof typeof value]);
    }
  }

  #shapeOf(value: object): Shape {
    const prototype = Object.getPrototypeOf(value) as object | null;
    const shapes = this.#shapes.get(prototype ?? NO_CLASS);
    for (const shape of shapes ?? []) if (looks(value, shape.names)) return shape;
    if (prototype !== null && hidesSomething(prototype)) throw NO_KEY;
    const names: string[] = [];
    for (const name in value) names.push(name);
    const shape = { number: this.#shapeCount++, names };
    if (shapes === undefined) this.#shapes.set(prototype ?? NO_CLASS, [shape]);
    else shapes.push(shape);
    return shape;
  }

  #identity(value: object): number {
    let number = this.#identified.get(value);
    if (number === undefined) {
      number = this.#identities++;
      this.#identified.set(value, number);
    }
    return number;
  }

  #digits(value: number): void {
    let rest = value;
    for (; rest >= DIGIT; rest = Math.floor(rest / DIGIT)) this.#code(DIGIT + (rest % DIGIT));
    this.#code(rest);
  }

  #code(code: number): void {
    if (this.#length === this.#codes.length) {
      const longer = new Uint16Array(2 * this.#length);
      longer.set(this.#codes);
      this.#codes = longer;
    }
    this.#codes[this.#length++] = code;
  }
}

/** Stands for the class of objects that have none. */
const NO_CLASS = {};

/** Has an object these fields, in this order, and no others? */
function looks(value: object, names: readonly string[]): boolean {
  let count = 0;
  for (const name in value) if (name !== names[count++]) return false;
  return count === names.length;
}

/** Has a class private fields, and does not tell what is in them? Is it one of the platform's own? */
function hidesSomething(prototype: object): boolean {
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    if (at === Object.prototype) return false;
    if (Object.hasOwn(at, 'peekState')) continue;
    const made = at.constructor as unknown;
    if (typeof made !== 'function') return true;
    const source = Function.prototype.toString.call(made);
    if (!source.startsWith('class') || /#[a-z_$]/i.test(source)) return true;
  }
  return false;
}
