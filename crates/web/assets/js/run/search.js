// @ts-check
/** Where text is looked for: in lines, most of which are not in the page, or in elements. */

/** @typedef {import('./log.js').Log} Log */
/** @typedef {{ order: number, text: string }} Place a line, or a text of the page */
/** @typedef {{ place: Place, at: number, length: number }} Match */
/**
 * @typedef {{
 *   events: EventTarget,
 *   places: (after: number) => Iterable<Place>,
 *   isThere: (place: Place) => boolean,
 *   first: () => number,
 *   range: (match: Match) => Range | null,
 *   reveal: (match: Match) => void,
 * }} Searchable what can be searched. `events` tells `change` (more places), `filter` (other
 *   places), `layout` (others are in the page); `first` is the place at the top of the window
 */

/** @param {Log} log @returns {Searchable} */
export function searchableLog(log) {
  const entryOf = (/** @type {Place} */ place) => /** @type {import('./block.js').Entry} */ (place);
  return {
    events: log,
    *places(after) {
      for (const entry of log.entries(after)) if (entry.stream !== null && log.shows(entry)) yield entry;
    },
    isThere: (place) => entryOf(place).block !== null,
    first: () => log.firstShown()?.order ?? 0,
    range({ place, at, length }) {
      const { row } = entryOf(place);
      return row && rangeIn(row, at, length);
    },
    reveal: ({ place }) => log.scrollTo(entryOf(place), 0.4),
  };
}

/**
 * Elements that are all in the page.
 * @param {HTMLElement} root
 * @param {EventTarget} [events]
 * @returns {Searchable}
 */
export function searchableElement(root, events = new EventTarget()) {
  const nodeOf = (/** @type {Place} */ place) => /** @type {Place & { node: Text }} */ (place).node;
  return {
    events,
    *places(after) {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      for (let order = 1; walker.nextNode(); order += 1) {
        const node = /** @type {Text} */ (walker.currentNode);
        if (order > after) yield /** @type {Place} */ ({ order, text: node.data, node });
      }
    },
    isThere: (place) => nodeOf(place).isConnected,
    first: () => 0,
    range({ place, at, length }) {
      const node = nodeOf(place);
      if (!node.isConnected || node.length < at + length) return null;
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, at + length);
      return range;
    },
    reveal({ place }) {
      for (let box = nodeOf(place).parentElement; box && box !== root; box = box.parentElement) {
        if (box instanceof HTMLDetailsElement) box.open = true;
      }
    },
  };
}

/**
 * A part of the text of an element.
 * @param {HTMLElement} box
 * @param {number} at
 * @param {number} length
 */
function rangeIn(box, at, length) {
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  const range = new Range();
  let before = 0;
  let isStarted = false;
  while (walker.nextNode()) {
    const node = /** @type {Text} */ (walker.currentNode);
    const until = before + node.length;
    if (!isStarted && at < until) {
      range.setStart(node, at - before);
      isStarted = true;
    }
    if (isStarted && at + length <= until) {
      range.setEnd(node, at + length - before);
      return range;
    }
    before = until;
  }
  return null;
}
