/** References and counts when everything is quiet: R-1 leaks, R-2 premature frees, R-4 file pins, R-5 nrpages. */
import { hasPage, isDaxEntry, type Machine, type Page } from '@fsport/core';
import type { Violation } from '@fsport/explore';
import { finding, type StateChecker } from './finding.js';
import { cachedPages } from './page-cache.js';

/** What blocks count that are accessed as memory: page-table entries that point to them, and devices. */
function blockCounts({ disks, mms }: Machine): Violation[] {
  const found: Violation[] = [];
  const entries = mms.flatMap((mm) => [...mm.ptes.peekAll()].map(([, pte]) => pte));
  for (const bdev of disks) {
    for (const [block, { mapped, pins }] of bdev.blocks.peekAll()) {
      const pointing = entries.filter(
        (pte) => pte !== null && !hasPage(pte) && pte.pfn.phys === block,
      ).length;
      if (mapped !== pointing)
        found.push(
          finding('refcount', 'P-3', `disk block ${block} counts ${mapped} mappings and has ${pointing}`),
        );
      if (pins !== 0)
        found.push(
          finding('refcount', 'R-1', `disk block ${block} is kept for ${pins} devices, and none uses it`),
        );
    }
  }
  return found;
}

/** */
export const references: StateChecker = ({ world }) => {
  const found: Violation[] = [];
  const { machine } = world;
  const ptes = new Map<Page, number>();
  const mappings = new Map<unknown, number>();
  for (const mm of machine.mms) {
    for (const [, pte] of mm.ptes.peekAll())
      if (hasPage(pte)) ptes.set(pte.page, (ptes.get(pte.page) ?? 0) + 1);
    for (const vma of mm.mmap.peek()) mappings.set(vma.vmFile, (mappings.get(vma.vmFile) ?? 0) + 1);
  }
  for (const page of machine.pages) {
    const mapped = ptes.get(page) ?? 0;
    const cached = page.mapping.peek() !== null && !page.anon ? 1 : 0;
    const expected = cached + mapped + (page.peekPrivate() ? 1 : 0);
    const refs = page.refs.peek();
    if (refs > expected)
      found.push(
        finding(
          'refcount',
          'R-1',
          `page ${page.index} has ${refs} references and ${expected} holders: it will never be freed`,
        ),
      );
    if (refs < expected)
      found.push(
        finding(
          'refcount',
          'R-2',
          `page ${page.index} has ${refs} references and ${expected} holders: it will be freed in use`,
        ),
      );
    if (page.mapcount.peek() !== mapped)
      found.push(
        finding(
          'refcount',
          'P-3',
          `page ${page.index} counts ${page.mapcount.peek()} mappings and has ${mapped}`,
        ),
      );
  }
  found.push(...blockCounts(machine));
  for (const file of machine.files) {
    const expected = 1 + (mappings.get(file) ?? 0);
    if (file.fCount.peek() !== expected)
      found.push(
        finding(
          'refcount',
          'R-4',
          `an open file of inode ${file.fInode.iIno} has ${file.fCount.peek()} references, ${expected} are accounted for`,
        ),
      );
  }
  for (const inode of world.inodes) {
    const entries = [...inode.iMapping.iPages.peekAll()].filter(([, slot]) => isDaxEntry(slot));
    const cached = cachedPages(inode).length + entries.length;
    const counted = inode.iMapping.nrpages.peek();
    if (counted !== cached)
      found.push(finding('refcount', 'R-5', `inode ${inode.iIno} counts ${counted} pages and has ${cached}`));
  }
  return found;
};
