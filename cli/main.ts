#!/usr/bin/env node
/** The program's entry: parses the command line, runs the verb, and turns what went wrong into an exit code. */
import './jit.ts';
import { CommanderError } from 'commander';
import { EXIT } from './exit.ts';
import { endWithReader } from './pipe.ts';
import { program, refuseUnknownVerb } from './program.ts';

endWithReader();
try {
  const all = program();
  refuseUnknownVerb(all, process.argv.slice(2));
  await all.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  } else {
    const { fail } = await import('./fail.ts');
    process.exitCode = fail(error);
  }
}
