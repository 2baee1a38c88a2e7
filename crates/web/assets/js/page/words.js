// @ts-check
/** Finding words in text, without regard to case and accents. */

/**
 * Text in the form in which words are compared. The server does the same.
 * @param {string} text
 */
export function comparable(text) {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

/**
 * The words of a query.
 * @param {string} query
 */
export function wordsOf(query) {
  return comparable(query).split(/\s+/).filter(Boolean);
}

/**
 * Parts of `text`, each with whether one of the words stands there.
 * @param {string} text
 * @param {string[]} words
 * @returns {{ text: string, isHit: boolean }[]}
 */
export function hits(text, words) {
  const letters = [...text];
  const plain = letters.map(comparable);
  const joined = plain.join('');
  const marked = new Uint8Array(joined.length);
  for (const word of words) {
    for (let at = joined.indexOf(word); at >= 0; at = joined.indexOf(word, at + 1)) {
      marked.fill(1, at, at + word.length);
    }
  }
  /** @type {{ text: string, isHit: boolean }[]} */
  const parts = [];
  let position = 0;
  letters.forEach((letter, index) => {
    const isHit = marked[position] === 1;
    position += plain[index]?.length ?? 0;
    const last = parts.at(-1);
    if (last && last.isHit === isHit) last.text += letter;
    else parts.push({ text: letter, isHit });
  });
  return parts;
}
