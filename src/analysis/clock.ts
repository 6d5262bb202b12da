/** Injection token of the clock, so that tests can move time. */
export const CLOCK = Symbol('CLOCK');
