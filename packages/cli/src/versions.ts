/** Versions of what runs. */
import { readFileSync } from 'node:fs';
import { resolve } from 'import-meta-resolve';

function versionIn(manifest: URL): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

/** Version of the command. */
export function ownVersion(): string {
  return versionIn(new URL('../package.json', import.meta.url));
}

/** Version of the kernel model. */
export function coreVersion(): string {
  return versionIn(new URL(resolve('@fsport/core/package.json', import.meta.url)));
}
