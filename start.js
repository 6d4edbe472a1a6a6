#!/usr/bin/env node
/** Starts the built program, or says that there is none. */
import { existsSync } from 'node:fs';

const built = new URL('./dist/reroute-check.js', import.meta.url);
if (existsSync(built)) await import(built.href);
else {
  process.stderr.write("reroute-check: the program is not built; run 'npm ci', or 'npm run build'\n");
  process.exitCode = 4;
}
