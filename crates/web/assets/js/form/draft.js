// @ts-check
/** Values that were entered survive a reload and signing in again, in this tab alone. */

import { user } from '../page/site.js';

/** @typedef {import('./fields.js').Field} Field */

/** Keeps the values of one form. Secrets and files are never among them. */
export class Draft {
  /**
   * @param {string} script
   * @param {Field[]} fields
   */
  constructor(script, fields) {
    this.key = `ws.draft:${user}:${script}`;
    this.fields = fields.filter((field) => field.isPublic);
    this.timer = 0;
  }

  /** Saves soon, once for many changes. */
  saveSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), 200);
  }

  save() {
    const values = this.fields.map((field) => [field.name, field.value]);
    attempt(() => sessionStorage.setItem(this.key, JSON.stringify(values)));
  }

  forget() {
    clearTimeout(this.timer);
    attempt(() => sessionStorage.removeItem(this.key));
  }

  /** Brings the values back after a reload, a step back, or signing in. */
  restore() {
    const saved = attempt(() => JSON.parse(sessionStorage.getItem(this.key) ?? 'null'));
    if (!Array.isArray(saved)) return;
    if (location.search !== '' || !isReturn()) {
      this.forget();
      return;
    }
    const values = new Map(saved);
    for (const field of this.fields) {
      const value = values.get(field.name);
      if (value !== undefined && JSON.stringify(value) !== JSON.stringify(field.value)) {
        field.value = value;
      }
    }
  }
}

/** Whether the page was there before. */
function isReturn() {
  const [entry] = performance.getEntriesByType('navigation');
  const { type } = /** @type {PerformanceNavigationTiming} */ (entry ?? { type: 'navigate' });
  return type !== 'navigate' || document.referrer.includes('/web/auth/');
}

/**
 * Storage may be switched off or full: then nothing is kept.
 * @template T
 * @param {() => T} action
 */
function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}
