/** Where a queue is. Apart from what connects to it, which takes long to load. */
import { InvalidArgumentError } from 'commander';

/** The server that is used if none is named. */
export const REDIS = 'redis://127.0.0.1:6379';

/** The address of a Redis server, as an option. */
export function redisOption(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const known = url !== null && ['redis:', 'rediss:'].includes(url.protocol) && url.hostname !== '';
  if (known) return text;
  throw new InvalidArgumentError('It must be an address such as redis://host:6379.');
}
