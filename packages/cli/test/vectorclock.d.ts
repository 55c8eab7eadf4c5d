/** A library of vector clocks, without types of its own. */
declare module 'vectorclock' {
  /** A clock, or something that has one. */
  type Clocked = { readonly clock: Readonly<Record<string, number>> };
  /** `-1` if `a` comes before `b`, `1` if after it, `0` if neither. */
  export function compare(a: Clocked, b: Clocked): -1 | 0 | 1;
}
