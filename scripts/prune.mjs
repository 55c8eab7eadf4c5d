// Deletes compiled files whose source is gone. `tsc -b` never does, so a removed test would keep running.

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sourceOf = { dist: 'src', 'dist-test': 'test', 'dist-bench': 'bench' };
const output = /\.(?:d\.ts|js)(?:\.map)?$/;

for (const name of readdirSync(join(root, 'packages'))) {
  const folder = join(root, 'packages', name);
  for (const [out, src] of Object.entries(sourceOf)) {
    const compiled = join(folder, out);
    if (!existsSync(compiled)) continue;
    // A package that was removed or lives on another branch leaves only its ignored folders behind.
    if (!existsSync(join(folder, 'package.json')) || !existsSync(join(folder, src))) {
      rmSync(compiled, { recursive: true });
      continue;
    }
    for (const file of readdirSync(compiled, { recursive: true })) {
      if (!output.test(file)) continue;
      if (!existsSync(join(folder, src, file.replace(output, '.ts')))) rmSync(join(compiled, file));
    }
  }
}
