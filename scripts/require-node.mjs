// Runs before build, start and test, so that an old Node gives an instruction instead of a riddle.
const NEEDED = [22, 12];
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  console.error(
    [
      `Sluice needs Node ${NEEDED.join('.')} or newer; this is Node ${process.versions.node} (${process.execPath}).`,
      'Normally `npm ci` brings Node 24 along as node_modules/.bin/node. It is missing when install scripts',
      'were skipped (--ignore-scripts) or the machine was offline. Either of these helps:',
      '  npm rebuild node --ignore-scripts=false   fetches it now (it is the only package that needs a script)',
      '  install Node 22.12 or newer yourself      nothing else is needed then',
    ].join('\n'),
  );
  process.exit(1);
}
