/**
 * The requests of the protocol. Those that are waited for return what the server says.
 *
 * @departs No credits, no reconnection, no signing; a request is as large as it has to be.
 * @see fs/cifs/smb2pdu.c (v5.14, v5.15)
 */
import {
  type Cells,
  type Inode,
  type Page,
  type ServedBlock,
  sendReceive,
  serverCopy,
  serverRead,
  serverSetEof,
  serverWrite,
  serverZero,
  type Task,
} from '@fsport/core';
import { CIFS_I } from './cifsglob.js';

/** Read whole pages. @returns Their blocks, or an errno. @context Sleeps. @see `SMB2_read()` (v5.15) */
export function SMB2_read(inode: Inode, pages: readonly Page[]): Task<readonly ServedBlock[] | number> {
  return sendReceive('SMB2_READ', () => serverRead(CIFS_I(inode).server, pages));
}

/** Write. @returns Bytes, or an errno. @context Sleeps. @see `SMB2_write()` (v5.15) */
export function SMB2_write(inode: Inode, pos: number, cells: Cells): Task<number> {
  return sendReceive('SMB2_WRITE', () => serverWrite(CIFS_I(inode).server, pos, cells));
}

/** Change the size. @context Sleeps. @see `SMB2_set_eof()` (v5.15) */
export function SMB2_set_eof(inode: Inode, eof: number): Task<void> {
  return sendReceive('SMB2_SET_INFO', () => serverSetEof(CIFS_I(inode).server, eof));
}

/** FSCTL_SET_ZERO_DATA: discard a range. @context Sleeps. @see `SMB2_ioctl()` (v5.15) */
export function fsctlSetZeroData(inode: Inode, pos: number, len: number): Task<void> {
  return sendReceive('FSCTL_SET_ZERO_DATA', () => serverZero(CIFS_I(inode).server, pos, len));
}

/** FSCTL_SRV_COPYCHUNK_WRITE or FSCTL_DUPLICATE_EXTENTS: copy at the server. @returns Bytes. @context Sleeps. */
export function fsctlCopy(
  verb: 'FSCTL_SRV_COPYCHUNK_WRITE' | 'FSCTL_DUPLICATE_EXTENTS_TO_FILE',
  source: Inode,
  pos: number,
  target: Inode,
  targetPos: number,
  len: number,
): Task<number> {
  return sendReceive(verb, () =>
    serverCopy(CIFS_I(source).server, pos, CIFS_I(target).server, targetPos, len),
  );
}
