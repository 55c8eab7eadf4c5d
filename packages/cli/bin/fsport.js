#!/usr/bin/env node
// In the tree before anything is built, so that package managers can link it.
import { main } from '../dist/main.js';

process.exitCode = await main(process.argv.slice(2));
// A filesystem package may have left something behind that never ends; what is printed is on its way until it is written.
process.stdout.write('', () => process.exit());
