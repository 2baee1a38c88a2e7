// @ts-check
/** What the server says of a run, and its words. */

/**
 * @typedef {'queued' | 'running' | 'succeeded' | 'failed' | 'timed_out' | 'stopped' | 'lost'} State
 * @typedef {'stdout' | 'stderr'} StreamName
 * @typedef {{
 *   id: string,
 *   script: string,
 *   label: string,
 *   state: State,
 *   arguments?: { name: string, value?: unknown, secret?: boolean, input?: boolean, cut?: boolean }[],
 *   user?: { id: number, name: string },
 *   created: string,
 *   started?: string | null,
 *   ended?: string | null,
 *   duration_ms?: number | null,
 *   exit_code?: number | null,
 *   signal?: { number: number, name: string } | null,
 *   reason?: string | null,
 *   cpu_ms?: number | null,
 *   peak_memory_bytes?: number | null,
 *   stdout_bytes: number,
 *   stderr_bytes: number,
 *   dropped_bytes?: number,
 *   output_expired?: boolean,
 *   queue_position?: number | null,
 *   terminal?: boolean,
 *   interactive?: boolean,
 *   content_type?: string,
 *   stderr_content_type?: string,
 *   timeout_s?: number | null,
 *   usual_duration_ms?: number | null,
 *   next_sequence?: number,
 *   can: { stop: boolean, delete: boolean, again: boolean, input: boolean },
 * }} RunRecord
 */

/** @type {Record<State, { word: string, icon: string }>} */
const STATES = {
  queued: { word: 'Queued', icon: 'queued' },
  running: { word: 'Running', icon: 'running' },
  succeeded: { word: 'Succeeded', icon: 'check-circle' },
  failed: { word: 'Failed', icon: 'cross-circle' },
  timed_out: { word: 'Timed out', icon: 'clock' },
  stopped: { word: 'Stopped', icon: 'stopped' },
  lost: { word: 'Lost', icon: 'lost' },
};

/** @param {RunRecord} record */
export function isOver({ state }) {
  return state !== 'queued' && state !== 'running';
}

/** Word and icon of the state.
 * @param {RunRecord} record */
export function stateOf({ state, started }) {
  const known = STATES[state] ?? STATES.lost;
  return state === 'failed' && !started ? { ...known, word: 'Could not start' } : known;
}

/** What the script ended with; empty when that says nothing.
 * @param {RunRecord} record */
export function exitText({ state, signal, exit_code: code }) {
  if (state === 'timed_out' || state === 'stopped') return '';
  if (signal) return `ended by ${signal.name || `signal ${signal.number}`}`;
  return typeof code === 'number' ? `exit ${code}` : '';
}

/** What a known exit code means.
 * @param {RunRecord} record */
export function exitMeaning({ signal, exit_code: code }) {
  if (signal) return 'Something outside the script ended it.';
  if (code === 0) return 'The script reported success.';
  if (code === 126) return 'The script could not be executed.';
  if (code === 127) return 'A command was not found.';
  return typeof code === 'number' ? 'The script reported a failure.' : '';
}

/**
 * The arguments in one line, secrets as dots, those without a value left out.
 * @param {RunRecord} record
 */
export function parametersText(record) {
  const parts = (record.arguments ?? []).flatMap(({ name, value, secret, cut: isCut }) => {
    const text = secret ? '••••••' : valueText(value);
    if (text === '' || text === 'false' || text === 'null') return [];
    const line = text.split(/\s+/).filter(Boolean).join(' ');
    return [`${name.replace(/^-+/, '')}=${cut(isCut ? `${line}…` : line, 60)}`];
  });
  return cut(parts.join('  '), 240);
}

/** @param {unknown} value @returns {string} */
function valueText(value) {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * @param {string} text
 * @param {number} most
 */
function cut(text, most) {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most).join('')}…` : text;
}
