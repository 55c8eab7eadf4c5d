/** Units that must not be mixed up. Counts (`len`, `nrPages`) are plain numbers. */

declare const pgoffBrand: unique symbol;
declare const loffBrand: unique symbol;
declare const physBrand: unique symbol;

/** A page index in a file. @see `pgoff_t` */
export type Pgoff = number & { readonly [pgoffBrand]: true };
/** A byte position in a file. @see `loff_t` */
export type Loff = number & { readonly [loffBrand]: true };
/** A block number on the disk. @see `sector_t`, `ext4_fsblk_t` */
export type Phys = number & { readonly [physBrand]: true };

/** Say that a number is a page index. */
export function pgoff(index: number): Pgoff {
  return index as Pgoff;
}

/** Say that a number is a byte position. */
export function loff(pos: number): Loff {
  return pos as Loff;
}

/** Say that a number is a block number. */
export function phys(block: number): Phys {
  return block as Phys;
}

/** The largest byte position: a range that ends here goes on to the end of the file. */
export const LLONG_MAX: Loff = loff(Number.MAX_SAFE_INTEGER);
