// @ts-check
/** What a terminal sends for a key (ECMA-48 and the usage of xterm). The only table of it. */

const ESC = '\x1b';

/** @type {Record<string, string>} */
const PLAIN = {
  Enter: '\r',
  Backspace: '\x7f',
  Escape: ESC,
  Tab: '\t',
  ArrowUp: `${ESC}[A`,
  ArrowDown: `${ESC}[B`,
  ArrowRight: `${ESC}[C`,
  ArrowLeft: `${ESC}[D`,
  Home: `${ESC}[H`,
  End: `${ESC}[F`,
  Insert: `${ESC}[2~`,
  Delete: `${ESC}[3~`,
  PageUp: `${ESC}[5~`,
  PageDown: `${ESC}[6~`,
  F1: `${ESC}OP`,
  F2: `${ESC}OQ`,
  F3: `${ESC}OR`,
  F4: `${ESC}OS`,
  F5: `${ESC}[15~`,
  F6: `${ESC}[17~`,
  F7: `${ESC}[18~`,
  F8: `${ESC}[19~`,
  F9: `${ESC}[20~`,
  F10: `${ESC}[21~`,
  F12: `${ESC}[24~`,
};

/** Keys whose sequence carries the modifiers, as its final byte. */
/** @type {Record<string, string>} */
const MODIFIED = { ArrowUp: 'A', ArrowDown: 'B', ArrowRight: 'C', ArrowLeft: 'D', Home: 'H', End: 'F' };

/** Keys that are offered as buttons, for those without them and for those the page keeps. */
export const BUTTONS = [
  { label: 'Tab', name: 'Tab key', text: '\t' },
  { label: 'Esc', name: 'Escape key', text: ESC },
  { label: 'Ctrl C', name: 'Control and C: interrupt', text: '\x03' },
  { label: 'Ctrl D', name: 'Control and D: end of input', text: '\x04' },
  { label: '↑', name: 'Up arrow key', text: `${ESC}[A` },
  { label: '↓', name: 'Down arrow key', text: `${ESC}[B` },
];

/**
 * What to send for a pressed key; `null`: the page or the browser deals with it. The Tab key is
 * never taken, so that people who use the keyboard alone can leave the terminal.
 * @param {KeyboardEvent} event
 * @returns {string | null}
 */
export function sequenceOf(event) {
  const { key, ctrlKey: isCtrl, altKey: isAlt, shiftKey: isShift, metaKey: isMeta } = event;
  if (event.isComposing || isMeta || key === 'Tab') return null;
  if (isCtrl && isShift) return null;
  const final = MODIFIED[key];
  if (final && (isCtrl || isAlt || isShift)) {
    return `${ESC}[1;${1 + (isShift ? 1 : 0) + (isAlt ? 2 : 0) + (isCtrl ? 4 : 0)}${final}`;
  }
  if (isCtrl && !isAlt) return controlOf(key);
  const plain = PLAIN[key];
  if (plain !== undefined) return isAlt ? ESC + plain : plain;
  return isAlt && !isCtrl && key.length === 1 ? ESC + key : null;
}

/** @param {string} key */
function controlOf(key) {
  // Pasting is an event of its own.
  if (/^v$/i.test(key)) return null;
  if (/^c$/i.test(key) && String(getSelection()) !== '') return null;
  if (/^[a-z]$/i.test(key)) return String.fromCharCode(key.toUpperCase().charCodeAt(0) - 64);
  /** @type {Record<string, string>} */
  const others = { ' ': '\0', '@': '\0', '[': ESC, '\\': '\x1c', ']': '\x1d', '^': '\x1e', _: '\x1f' };
  return others[key] ?? null;
}
