/**
 * The locking table of Documentation/filesystems/locking.rst as data, and the only way operations are called.
 *
 * Generic code and filesystems never call `mapping.aOps.readpage` or `vma.vmOps.fault` themselves; they call
 * {@link callReadpage}, {@link callFault} and so on. Each wrapper looks, before and after, whether the task in
 * progress holds what the row of the mounted release demands, and throws {@link ContractError} `CONTRACT` with
 * `{ op, rule, fs, release, page, task }` if not.
 *
 * @see Documentation/filesystems/locking.rst (v5.14, v5.15)
 */
export * from './contracts/address-space.js';
export { type ContractRule, demandIRwsem, demandLocks, withoutLock } from './contracts/check.js';
export * from './contracts/table.js';
export * from './contracts/vm.js';
