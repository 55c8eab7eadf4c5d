// For `node --import`: from here on modules are loaded through the hooks.

import { register } from 'node:module';

register('./hooks.js', import.meta.url);
