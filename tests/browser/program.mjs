// The program under test: target/debug/tidings, as a process of its own.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const PROGRAM = fileURLToPath(new URL('../../target/debug/tidings', import.meta.url));
const START_MS_MAX = 60_000;

/**
 * Runs the program in a folder until it says what `says` matches. Gives `{ said, stop }`: `said` is
 * what stands in parentheses there.
 */
export function startProgram(cwd, args, says) {
  const child = spawn(PROGRAM, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () => {
    child.removeAllListeners('exit');
    child.kill('SIGKILL');
  };
  return new Promise((found, failed) => {
    let told = '';
    const fail = (why) => {
      stop();
      failed(new Error(`${args[0]}: ${why}:\n${told}`));
    };
    const timer = setTimeout(() => fail('it was not ready in time'), START_MS_MAX);
    const hear = (bytes) => {
      told += bytes;
      const said = says.exec(told);
      if (said) {
        clearTimeout(timer);
        // What it says from now on is read and forgotten: else it would stop at a full pipe.
        for (const stream of [child.stdout, child.stderr]) stream.off('data', hear).resume();
        found({ said: said.slice(1), stop });
      }
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', (error) => fail(error.message));
    child.on('exit', (code) => fail(`it ended with ${code}`));
  });
}
