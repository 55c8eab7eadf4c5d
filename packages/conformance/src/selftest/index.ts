/** What the suite is tested with, on the machine of whoever asks: filesystems that it must find something in. */
export { CASES, runCase, type SelftestCase } from './cases.js';
