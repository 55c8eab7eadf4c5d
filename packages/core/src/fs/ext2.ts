/**
 * What ext2 is on any disk: its block map, its lock against fills and faults, mkfs, mount and fsck. What it does with pages
 * is in the package of ext2, what it does without them in that of DAX.
 *
 * @see fs/ext2 (v5.14, v5.15)
 */
export { __ext2TruncateBlocks, ext2GetBlock } from './ext2/balloc.js';
export { type BlockMapVerbs, type Ext2Block, Ext2InodeInfo, ext2InvalidateSem } from './ext2/ext2.js';
export { ext2Bmap, ext2FillSuper, ext2Fsck, ext2Mkfs } from './ext2/super.js';
