// Shows that the tracepoints come in an order that the rules for recorded kernel traces accept: a window opens after the
// lock against fills was taken, pages leave the cache before blocks leave the map, frees lie between the two events of
// a removal. Listens to single operations.

import {
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  ksysFallocate,
  ksysFtruncate,
  loff,
  machine,
  type TraceEvents,
} from '@fsport/core';
import { expect, test } from '@jest/globals';
import { World } from './world.js';

const EVENTS: readonly (keyof TraceEvents)[] = [
  'mm_filemap_add_to_page_cache',
  'mm_filemap_delete_from_page_cache',
  'ext4_punch_hole',
  'ext4_zero_range',
  'ext4_collapse_range',
  'ext4_insert_range',
  'ext4_es_remove_extent',
  'ext4_ext_remove_space',
  'ext4_ext_remove_space_done',
  'ext4_free_blocks',
  'ext4_invalidatepage',
  'ext4_truncate_enter',
  'ext4_truncate_exit',
];

/** Events and the acquisitions of the lock against fills, in order. */
function events(world: World): string[] {
  const seen: string[] = [];
  for (const name of EVENTS) {
    machine.trace.on(name, (event: object) => {
      const { ino, ...rest } = event as { ino: number };
      expect(ino).toBe(12);
      seen.push([name, ...Object.values(rest)].join(' '));
    });
  }
  world.execution.recorder = {
    performed: (step) => {
      if (step.object?.label === 'mapping.invalidate_lock') seen.push(step.verb);
    },
  };
  return seen;
}

test('punch', () => {
  const world = new World({ file: 'ABC' });
  world.read(0, 24);
  const seen = events(world);
  const punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  world.run(ksysFallocate(world.file, punch, loff(8), loff(8)));
  expect(seen).toEqual([
    'down_write',
    'ext4_punch_hole 8 8',
    'mm_filemap_delete_from_page_cache 1',
    'ext4_es_remove_extent 1 1',
    'ext4_ext_remove_space 1 1',
    'ext4_free_blocks 1 1',
    'ext4_ext_remove_space_done 1 1',
    'up_write',
  ]);
});

test('a partial page is added by the punch itself, inside the window', () => {
  const world = new World({ file: 'AB' });
  const seen = events(world);
  world.run(ksysFallocate(world.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, loff(2), loff(3)));
  expect(seen).toEqual(['down_write', 'ext4_punch_hole 2 3', 'mm_filemap_add_to_page_cache 0', 'up_write']);
});

test('truncate', () => {
  const world = new World({ file: 'AB', blockSize: 4 });
  world.read(0, 16);
  const seen = events(world);
  world.run(ksysFtruncate(world.file, loff(4)));
  expect(seen).toEqual([
    'down_write',
    'mm_filemap_delete_from_page_cache 1',
    'ext4_truncate_enter',
    'ext4_es_remove_extent 1 15',
    'ext4_ext_remove_space 1 15',
    'ext4_free_blocks 3 1',
    'ext4_free_blocks 2 1',
    'ext4_free_blocks 1 1',
    'ext4_ext_remove_space_done 1 15',
    'ext4_truncate_exit',
    'up_write',
  ]);
});

test.each([
  { mode: FALLOC_FL_ZERO_RANGE, event: 'ext4_zero_range 8 8' },
  { mode: FALLOC_FL_COLLAPSE_RANGE, event: 'ext4_collapse_range 8 8' },
  { mode: FALLOC_FL_INSERT_RANGE, event: 'ext4_insert_range 8 8' },
])('$event', ({ mode, event }) => {
  const world = new World({ file: 'ABC' });
  const seen = events(world);
  world.run(ksysFallocate(world.file, mode, loff(8), loff(8)));
  expect(seen.slice(0, 2)).toEqual(['down_write', event]);
  expect(seen.at(-1)).toBe('up_write');
});

test('ext4_invalidatepage names the part of the page', () => {
  const world = new World({ file: 'AB', blockSize: 4 });
  world.run(ksysFallocate(world.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, loff(1), loff(2))); // gives it buffers
  const seen = events(world);
  world.run(ksysFallocate(world.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, loff(4), loff(4)));
  expect(seen).toContain('ext4_invalidatepage 0 4 4');
});
