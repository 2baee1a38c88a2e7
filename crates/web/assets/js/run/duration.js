// @ts-check
/** Time in words. */

/**
 * How long something took: `0.4 s`, `1 min 03 s`, `1 h 02 min 03 s`. Never rounded up.
 * @param {number} milliseconds
 */
export function durationText(milliseconds) {
  const tenths = Math.max(0, Math.floor(milliseconds / 100));
  const seconds = Math.floor(tenths / 10);
  if (seconds < 60) return `${seconds}.${tenths % 10} s`;
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min ${two(seconds % 60)} s`;
}

/** @param {Date} time */
export function clockText(time) {
  return time.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}
