// @ts-check
/** Times and sizes in words. The server says the same where it renders a page. */

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

/**
 * How long something took: `0.4 s`, `1 min 03 s`, `1 h 02 min 03 s`. Never rounded up.
 * @param {number} milliseconds
 */
export function durationText(milliseconds) {
  const tenths = Math.max(0, Math.floor(milliseconds / 100));
  const seconds = Math.floor(tenths / 10);
  if (seconds < MINUTE_S) return `${seconds}.${tenths % 10} s`;
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  const minutes = Math.floor(seconds / MINUTE_S);
  if (seconds < HOUR_S) return `${minutes} min ${two(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min ${two(seconds % 60)} s`;
}

/**
 * About how long: `12 s`, `4 min`, `2 h`.
 * @param {number} milliseconds
 */
export function aboutText(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 9.5) return `${Math.max(0.1, Math.round(seconds * 10) / 10)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * MINUTE_S) return `${Math.round(seconds / MINUTE_S)} min`;
  return `${Math.round(seconds / HOUR_S)} h`;
}

/**
 * How long ago: `just now`, `5 min ago`, `2 h ago`, `3 d ago`.
 * @param {Date} time
 */
export function agoText(time) {
  const seconds = (Date.now() - time.getTime()) / 1000;
  if (seconds < 45) return 'just now';
  if (seconds < 90 * MINUTE_S) return `${Math.max(1, Math.round(seconds / MINUTE_S))} min ago`;
  if (seconds < 36 * HOUR_S) return `${Math.round(seconds / HOUR_S)} h ago`;
  return `${Math.round(seconds / DAY_S)} d ago`;
}

/**
 * A number of bytes: `812 B`, `4.2 kB`, `64 MB`. Never rounded up.
 * @param {number} count
 */
export function bytesText(count) {
  if (count < 1000) return `${count} B`;
  let tenths = Math.floor(count / 100);
  for (const unit of ['kB', 'MB', 'GB']) {
    if (tenths < 100) return `${Math.floor(tenths / 10)}.${tenths % 10} ${unit}`;
    if (tenths < 10_000) return `${Math.floor(tenths / 10)} ${unit}`;
    tenths = Math.floor(tenths / 1000);
  }
  return `${Math.floor(tenths / 10)} TB`;
}

/** @param {Date} time */
export function clockText(time) {
  return time.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** The day as well, unless it is today.
 * @param {Date} time */
export function timeText(time) {
  if (time.toDateString() === new Date().toDateString()) return clockText(time);
  const day = { year: 'numeric', month: 'short', day: 'numeric' };
  const clock = { hour: '2-digit', minute: '2-digit' };
  return time.toLocaleString(undefined, /** @type {Intl.DateTimeFormatOptions} */ ({ ...day, ...clock }));
}

/**
 * A number with its word.
 * @param {number} count
 * @param {string} word in the singular
 */
export function counted(count, word) {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}
