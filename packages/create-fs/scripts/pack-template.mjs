// Puts the template into the package while it is packed: outside the repository there is no fs-minimal to copy.
// It is never in git; --remove takes it away again.

import { rmSync, writeFileSync } from 'node:fs';
import { PACKED, templateOfRepository } from '../dist/template.js';

if (process.argv.includes('--remove')) rmSync(PACKED, { force: true });
else writeFileSync(PACKED, JSON.stringify(templateOfRepository()));
