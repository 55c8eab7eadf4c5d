/** Page-table entries when everything is quiet. P-1: none points to a page that left the file. P-4: a writable one has a dirty page. */
import {
  blocksPerPage,
  daxMapping,
  type FileSystemType,
  hasPage,
  type Inode,
  isDaxEntry,
  isZeroPfn,
  ownersOf,
  PAGE_SIZE,
  type PfnPte,
  type Pte,
  type VmAreaStruct,
} from '@fsport/core';
import type { Violation } from '@fsport/explore';
import { becauseOfPlace, becauseOfPte, becauseOfStore } from './because.js';
import { finding, type StateChecker } from './finding.js';

interface Problem {
  readonly rule: string;
  readonly text: string;
  /** Is it the end of the file that makes it one? */
  readonly beyond?: boolean;
}

/** An entry that points straight to storage. */
function strayPfn({ pfn, write }: PfnPte, fs: FileSystemType, inode: Inode, index: number): Problem | null {
  const where = `page ${index} of inode ${inode.iIno}`;
  const { state, phys } = fs.bmap(inode, index);
  if (isZeroPfn(pfn)) {
    if (state !== 'mapped') return null;
    return { rule: 'P-1', text: `${where} is still mapped as zeroes, but it has block ${phys} by now` };
  }
  if (
    state !== 'mapped' ||
    phys !== pfn.phys ||
    !ownersOf(pfn.bdev.blocks.at(pfn.phys).peek()).includes(inode.iIno)
  )
    return { rule: 'P-1', text: `${where} is mapped to block ${pfn.phys}, which is not its own any more` };
  const entry = inode.iMapping.iPages.at(index).peek();
  if (write && isDaxEntry(entry) && !entry.marked)
    return { rule: 'P-4', text: `${where} is mapped writable and clean: nobody will know of the next store` };
  return null;
}

function problem(fs: FileSystemType, pte: Pte, vma: VmAreaStruct, vpn: number): Problem | null {
  const index = vma.vmPgoff + vpn - vma.vmStart;
  const inode = vma.vmFile.fInode;
  const where = `page ${index} of inode ${inode.iIno}`;
  if (index * PAGE_SIZE >= inode.iSize.peek())
    return { rule: 'P-1', text: `${where} is still mapped, beyond the end of the file`, beyond: true };
  if (!hasPage(pte)) return strayPfn(pte, fs, inode, index);
  const { page, write } = pte;
  if (page.anon) return null;
  if (page.mapping.peek() !== vma.vmFile.fMapping)
    return { rule: 'P-1', text: `${where} is still mapped, but it is no longer the file's page` };
  if (daxMapping(vma.vmFile.fMapping) && fs.bmap(inode, index).state === 'mapped')
    return { rule: 'P-1', text: `${where} is still mapped as the page of a hole, but it has a block by now` };
  if (write && !page.dirty.peek() && !page.writeback.peek())
    return { rule: 'P-4', text: `${where} is mapped writable and clean: the next store will be forgotten` };
  return null;
}

/** P-1 and P-4. */
export const stalePtes: StateChecker = (state) => {
  const { world, fs } = state;
  const found: Violation[] = [];
  for (const mm of world.machine.mms) {
    for (const [vpn, pte] of mm.ptes.peekAll()) {
      if (pte === null) continue;
      const vma = mm.mmap.peek().find((v) => vpn >= v.vmStart && vpn < v.vmStart + v.nrPages);
      if (vma === undefined) {
        const text = `virtual page ${vpn} is mapped, but nothing is mapped there any more`;
        found.push(finding('stale-pte', 'P-1', text, becauseOfPte(state, mm.ptes.at(vpn))));
        continue;
      }
      const wrong = problem(fs, pte, vma, vpn);
      if (wrong === null) continue;
      const { fInode } = vma.vmFile;
      const because = [
        ...becauseOfPte(state, mm.ptes.at(vpn)),
        ...(wrong.beyond === true ? [becauseOfStore(state, 'i_size', fInode.iSize.id)] : []),
        ...becauseOfPlace(state, fInode, (vma.vmPgoff + vpn - vma.vmStart) * blocksPerPage()),
      ];
      found.push(finding('stale-pte', wrong.rule, wrong.text, because));
    }
  }
  return found;
};
