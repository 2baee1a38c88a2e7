// @ts-check
/** Room for letters, and the times beside lines. */

import { element } from '../page/dom.js';

/**
 * How many columns fit beside what stands at the left, and how high a line is.
 * @param {HTMLElement} view
 */
export function measure(view) {
  const text = element('span', { class: 'probe' }, 'M'.repeat(20));
  const line = element('div', { class: 'line' }, text);
  view.append(line);
  const { width } = text.getBoundingClientRect();
  const style = getComputedStyle(line);
  const inner = line.clientWidth - parseFloat(style.paddingLeft);
  const { height } = line.getBoundingClientRect();
  line.remove();
  const columns = width > 0 ? Math.max(10, Math.floor(inner / (width / 20))) : 80;
  return { columns, height: height || 19 };
}

/**
 * The time of a line.
 * @param {import('./look.js').Times} kind
 * @param {number} start of the run, in milliseconds since 1970
 * @param {number} time milliseconds since then
 */
export function timeText(kind, start, time) {
  if (kind === 'off') return '';
  if (kind === 'elapsed') return `+${elapsedText(time)}`;
  const at = new Date(start + time);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${three(at.getMilliseconds())}`;
}

/** Minutes, seconds and milliseconds: one form, so that the eye can compare. @param {number} time */
function elapsedText(time) {
  const whole = Math.max(0, Math.floor(time));
  const seconds = Math.floor(whole / 1000);
  const minutes = Math.floor(seconds / 60);
  const rest = `${two(seconds % 60)}.${three(whole % 1000)}`;
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
}

/** @param {number} number */
function two(number) {
  return String(number).padStart(2, '0');
}

/** @param {number} number */
function three(number) {
  return String(number).padStart(3, '0');
}
