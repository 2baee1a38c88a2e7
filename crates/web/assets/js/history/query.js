// @ts-check
/** From the address of the history to questions to the server. */

/** @type {Record<string, number>} */
const PERIOD_HOURS = { '24h': 24, '7d': 24 * 7, '30d': 24 * 30 };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * The path of a list with the filters of the page.
 * @param {number} limit
 * @param {string} cursor
 */
export function listPath(limit, cursor = '') {
  const page = new URLSearchParams(location.search);
  const query = new URLSearchParams();
  for (const name of ['state', 'script', 'user', 'q', 'mine']) {
    const value = page.get(name);
    if (value) query.set(name, value);
  }
  const hours = PERIOD_HOURS[page.get('period') ?? ''];
  if (hours) query.set('from', new Date(Date.now() - hours * HOUR_MS).toISOString());
  const from = day(page.get('from'));
  const to = day(page.get('to'));
  if (from) query.set('from', from.toISOString());
  if (to) query.set('to', new Date(to.getTime() + DAY_MS).toISOString());
  query.set('limit', String(limit));
  if (cursor) query.set('cursor', cursor);
  return `api/runs/?${query}`;
}

/** The beginning of a day, in UTC as on the server.
 * @param {string | null} text */
function day(text) {
  const time = /^\d{4}-\d\d-\d\d$/.test(text ?? '') ? new Date(`${text}T00:00:00Z`) : null;
  return time && !Number.isNaN(time.getTime()) ? time : null;
}
