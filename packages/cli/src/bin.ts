#!/usr/bin/env node
// The command has no check to run yet. Nothing was verified, so the verdict is unknown: exit status 2.

process.stderr.write('fsport: no check is registered, so nothing was verified (verdict: unknown)\n');
process.exitCode = 2;
