import { Logger } from '@nestjs/common';
import { AUDIT_USAGE, auditCommand } from './audit-command.js';

const USAGE = `sluice start
  starts the product as the environment says, like npm start

${AUDIT_USAGE}`;

/** Exit code of a command that could not do its work; 1 says that it did, and found something. */
const CANNOT = 2;

/** The command `sluice`. */
export async function commandLine(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const [command, ...rest] = args;
  // the product is loaded only where it is needed: an audit should not wait for it
  if (command === 'start') return (await import('./run.js')).run(env);
  if (command !== 'audit' || rest.includes('--help')) {
    const isAsked = command === '--help' || command === 'help' || rest.includes('--help');
    (isAsked ? process.stdout : process.stderr).write(USAGE);
    process.exitCode = isAsked ? 0 : CANNOT;
    return;
  }
  // what libraries have to say would end up between the lines of the table
  Logger.overrideLogger(false);
  try {
    const { exitCode, output } = await auditCommand(rest, env);
    process.stdout.write(output);
    process.exitCode = exitCode;
  } catch (error) {
    const { refusalText } = await import('./run.js');
    process.stderr.write(refusalText(error).replace('sluice cannot start', 'sluice audit'));
    process.exitCode = CANNOT;
  }
}
