// Preloaded by a process whose clock is wrong: `CLOCK_SKEW_MS=3600000 node --import ./test/support/skewed-clock.mjs …`
// Only the time of day is shifted; what measures durations (performance.now, timers) is right, as it is on such a machine.
const skewMs = Number(process.env['CLOCK_SKEW_MS'] ?? '0');
const Real = globalThis.Date;

function now() {
  return Real.now() + skewMs;
}

globalThis.Date = new Proxy(Real, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new Real(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});
