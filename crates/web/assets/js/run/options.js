// @ts-check
/** The choices of how output is shown. */

import { element } from '../page/dom.js';
import { look } from './look.js';
import { menuButton } from './menu.js';

/** @typedef {import('./look.js').Times} Times */

/** @type {[Times, string][]} */
const TIMES = [
  ['off', 'None'],
  ['clock', 'Clock'],
  ['elapsed', 'Since start'],
];

/** @param {boolean} isTerminal terminals have no lines to number or to wrap */
export function optionsMenu(isTerminal) {
  return menuButton('sliders', 'View options', () => (isTerminal ? [sizes()] : [times(), ...switches(), sizes()]));
}

function times() {
  const name = 'output-times';
  const choices = TIMES.map(([value, word]) =>
    element(
      'label',
      { class: 'segment' },
      element('input', { type: 'radio', name, value, checked: look.times === value, change: () => look.set({ times: value }) }),
      element('span', {}, word),
    ),
  );
  return element('fieldset', { class: 'tool-row' }, element('legend', {}, 'Time of each line'), element('div', { class: 'segments' }, ...choices));
}

function switches() {
  const choice = (/** @type {string} */ word, /** @type {'wrap' | 'numbers'} */ what) => {
    const box = element('input', { type: 'checkbox', checked: look[what], change: () => look.set({ [what]: box.checked }) });
    return element('label', { class: 'tool-check' }, box, element('span', {}, word));
  };
  return [choice('Wrap long lines', 'wrap'), choice('Line numbers', 'numbers')];
}

function sizes() {
  const shown = element('output', { class: 'tool-size' });
  const step = (/** @type {string} */ word, /** @type {string} */ name, /** @type {1 | -1} */ by) =>
    element('button', { class: 'button button-small', type: 'button', 'aria-label': name, title: name, click: () => resize(by) }, word);
  const smaller = step('A−', 'Smaller text', -1);
  const larger = step('A+', 'Larger text', 1);
  const resize = (/** @type {1 | -1} */ by) => {
    look.resize(by);
    update();
  };
  const update = () => {
    shown.textContent = `${look.size} px`;
    smaller.disabled = !look.canResize(-1);
    larger.disabled = !look.canResize(1);
  };
  update();
  return element('div', { class: 'tool-row tool-sizes', role: 'group', 'aria-label': 'Text size' }, element('span', {}, 'Text size'), smaller, shown, larger);
}
