/** Page-table entries when everything is quiet. P-1: none points to a page that left the file. P-4: a writable one has a dirty page. */
import { PAGE_SIZE, type Pte, type VmAreaStruct } from '@fsport/core';
import type { Violation } from '@fsport/explore';
import { finding, type StateChecker } from './finding.js';

function problem(pte: Pte, vma: VmAreaStruct, vpn: number): { rule: string; text: string } | null {
  const { page, write } = pte;
  const index = vma.vmPgoff + vpn - vma.vmStart;
  const inode = vma.vmFile.fInode;
  const where = `page ${index} of inode ${inode.iIno}`;
  if (index * PAGE_SIZE >= inode.iSize.peek())
    return { rule: 'P-1', text: `${where} is still mapped, beyond the end of the file` };
  if (page.anon) return null;
  if (page.mapping.peek() !== vma.vmFile.fMapping)
    return { rule: 'P-1', text: `${where} is still mapped, but it is no longer the file's page` };
  if (write && !page.dirty.peek() && !page.writeback.peek())
    return { rule: 'P-4', text: `${where} is mapped writable and clean: the next store will be forgotten` };
  return null;
}

/** P-1 and P-4. */
export const stalePtes: StateChecker = ({ world }) => {
  const found: Violation[] = [];
  for (const mm of world.machine.mms) {
    for (const [vpn, pte] of mm.ptes.peekAll()) {
      if (pte === null) continue;
      const vma = mm.mmap.peek().find((v) => vpn >= v.vmStart && vpn < v.vmStart + v.nrPages);
      if (vma === undefined) {
        found.push(
          finding('stale-pte', 'P-1', `virtual page ${vpn} is mapped, but nothing is mapped there any more`),
        );
        continue;
      }
      const wrong = problem(pte, vma, vpn);
      if (wrong !== null) found.push(finding('stale-pte', wrong.rule, wrong.text));
    }
  }
  return found;
};
