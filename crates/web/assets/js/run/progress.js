// @ts-check
/** How far a run is: as the script says, else as it usually takes, else only that it goes on. */

import { element } from '../page/dom.js';
import { aboutText } from '../page/units.js';

/** @typedef {import('./run.js').Run} Run */

/** A guess never claims to be the end. */
const MOST_GUESSED = 95;
/** Short runs show nothing. */
const PATIENCE_MS = 700;

export class Progress {
  /**
   * @param {HTMLElement} box
   * @param {Run} run
   */
  constructor(box, run) {
    this.box = box;
    this.run = run;
    /** @type {{ state: string, percent?: number | null } | null} */
    this.told = null;
    this.fill = element('div', { class: 'meter-fill' });
    this.bar = element('div', { class: 'meter', role: 'progressbar', 'aria-label': 'Progress', 'aria-valuemin': 0, 'aria-valuemax': 100 }, this.fill);
    this.text = element('span', { class: 'progress-text' });
    box.replaceChildren(this.bar, this.text);
    run.addEventListener('progress', (event) => {
      const told = /** @type {CustomEvent} */ (event).detail;
      this.told = told.state === 'hidden' ? null : told;
      this.update();
    });
    this.update();
  }

  update() {
    const { run, told } = this;
    const isShown = run.record.state === 'running' && (told !== null || run.duration > PATIENCE_MS);
    this.box.hidden = !isShown;
    if (!isShown) return;
    if (told && typeof told.percent === 'number') this.show(told.percent, `${told.percent} %`, told.state);
    else this.guess(told?.state ?? 'normal');
  }

  /** @param {string} state */
  guess(state) {
    const usual = this.run.record.usual_duration_ms;
    if (usual && state !== 'indeterminate') {
      const percent = Math.min(MOST_GUESSED, (100 * this.run.duration) / usual);
      this.show(percent, `usually about ${aboutText(usual)}`, state);
    } else {
      this.show(null, '', state);
    }
  }

  /**
   * @param {number | null} percent
   * @param {string} text
   * @param {string} state
   */
  show(percent, text, state) {
    const { bar, fill } = this;
    bar.dataset.state = state;
    bar.toggleAttribute('data-stripe', percent === null);
    const isTold = this.told !== null && percent !== null;
    if (isTold) bar.setAttribute('aria-valuenow', String(Math.round(percent ?? 0)));
    else bar.removeAttribute('aria-valuenow');
    bar.setAttribute('aria-valuetext', text || 'running');
    fill.style.width = percent === null ? '' : `${percent}%`;
    if (this.text.textContent !== text) this.text.textContent = text;
  }
}
