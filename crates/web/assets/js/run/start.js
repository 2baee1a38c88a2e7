// @ts-check
/** From a filled form to a run. */

import { post } from '../page/http.js';

/** A key that makes sure that one press starts one run, however often the request is sent. */
export function newKey() {
  // `randomUUID` is only there on pages with TLS.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Starts a script, or puts it in the queue.
 * @param {string} script
 * @param {string} members the member `arguments` of the request
 * @param {string} key
 * @param {{ columns: number, rows: number } | null} terminal
 * @returns {Promise<import('./record.js').RunRecord>}
 */
export async function startRun(script, members, key, terminal) {
  const parts = [
    `"script":${JSON.stringify(script)}`,
    members,
    '"answer":"id"',
    `"idempotency_key":${JSON.stringify(key)}`,
    terminal && `"terminal":${JSON.stringify(terminal)}`,
  ];
  const answer = await post('api/runs/', parts.filter(Boolean).join(','));
  return answer.run;
}
