// @ts-check
/** Reading CSV (RFC 4180), with the usual separators. */

const SEPARATORS = [',', ';', '\t', '|'];

/**
 * The rows of a text; `null` when it cannot be a table.
 * @param {string} text
 * @returns {string[][] | null}
 */
export function parseCsv(text) {
  const body = text.replace(/^\ufeff/, '');
  if (body.trim() === '') return null;
  const rows = parseWith(body, separatorOf(body));
  return rows.length > 0 ? rows : null;
}

/** The separator that the first line holds most often outside quotes.
 * @param {string} text */
function separatorOf(text) {
  const counts = SEPARATORS.map(() => 0);
  let isQuoted = false;
  for (const char of text) {
    if (char === '"') isQuoted = !isQuoted;
    else if (char === '\n' && !isQuoted) break;
    else if (!isQuoted) {
      const at = SEPARATORS.indexOf(char);
      if (at >= 0) counts[at] = (counts[at] ?? 0) + 1;
    }
  }
  return SEPARATORS[counts.indexOf(Math.max(...counts))] ?? ',';
}

/**
 * @param {string} text
 * @param {string} separator
 */
function parseWith(text, separator) {
  /** @type {string[][]} */
  const rows = [];
  /** @type {string[]} */
  let row = [];
  let at = 0;
  const endRow = () => {
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  };
  while (at < text.length) {
    const [cell, next] = text[at] === '"' ? quoted(text, at) : plain(text, at, separator);
    row.push(cell);
    at = next;
    if (text[at] === separator) {
      at += 1;
      if (at === text.length) row.push('');
    } else {
      endRow();
      at += text.startsWith('\r\n', at) ? 2 : 1;
    }
  }
  if (row.length > 0) endRow();
  return rows;
}

/**
 * @param {string} text
 * @param {number} from
 * @returns {[string, number]}
 */
function quoted(text, from) {
  let cell = '';
  let at = from + 1;
  while (at < text.length) {
    const end = text.indexOf('"', at);
    if (end < 0) return [cell + text.slice(at), text.length];
    cell += text.slice(at, end);
    if (text[end + 1] !== '"') return [cell, end + 1];
    cell += '"';
    at = end + 2;
  }
  return [cell, at];
}

/**
 * @param {string} text
 * @param {number} from
 * @param {string} separator
 * @returns {[string, number]}
 */
function plain(text, from, separator) {
  let at = from;
  while (at < text.length && text[at] !== separator && text[at] !== '\n' && text[at] !== '\r') at += 1;
  return [text.slice(from, at), at];
}
