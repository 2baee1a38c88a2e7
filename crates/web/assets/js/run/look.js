// @ts-check
/** How output is shown: chosen once, kept in this browser, the same for every run of the page. */

/** @typedef {'off' | 'clock' | 'elapsed'} Times */

const KEY = 'ws.output';
/** Sizes of letters, in pixels. */
const SIZES = [10, 11, 12, 13, 14, 16, 18, 20, 24];
const USUAL_SIZE = 13;

class Look extends EventTarget {
  constructor() {
    super();
    this.wrap = true;
    this.numbers = false;
    /** @type {Times} */
    this.times = 'off';
    this.size = USUAL_SIZE;
    this.read();
    this.apply();
  }

  read() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) ?? '{}');
      this.wrap = kept.wrap !== false;
      this.numbers = kept.numbers === true;
      if (kept.times === 'clock' || kept.times === 'elapsed') this.times = kept.times;
      if (SIZES.includes(kept.size)) this.size = kept.size;
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  }

  /** @param {Partial<{ wrap: boolean, numbers: boolean, times: Times, size: number }>} change */
  set(change) {
    Object.assign(this, change);
    this.apply();
    try {
      const { wrap, numbers, times, size } = this;
      localStorage.setItem(KEY, JSON.stringify({ wrap, numbers, times, size }));
    } catch {
      // As above.
    }
    this.dispatchEvent(new Event('change'));
  }

  apply() {
    const isUsual = this.size === USUAL_SIZE;
    document.documentElement.style.setProperty('--term-size', isUsual ? '' : `${this.size / 16}rem`);
  }

  /** Whether letters can become larger (1) or smaller (-1).
   * @param {1 | -1} step */
  canResize(step) {
    return SIZES[SIZES.indexOf(this.size) + step] !== undefined;
  }

  /** @param {1 | -1} step */
  resize(step) {
    this.set({ size: SIZES[SIZES.indexOf(this.size) + step] ?? this.size });
  }
}

/** The look of output on this page. */
export const look = new Look();
