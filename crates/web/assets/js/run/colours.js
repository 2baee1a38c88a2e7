// @ts-check
/** Colours of terminals on a light and on a dark ground, changed until they can be read. */

/** @typedef {[number, number, number]} Rgb */
/** @typedef {{ light: Rgb, dark: Rgb }} Pair */

/** Contrast of text with its ground (WCAG 2.2, 1.4.3). */
const READABLE = 4.5;
const STEPS = 20;

/** @type {Map<string, Pair>} */
const tokens = new Map();

/** A colour of the theme. It is written once, in the style sheet.
 * @param {string} name */
function token(name) {
  let pair = tokens.get(name);
  if (!pair) {
    const text = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
    const [light = '#000000', dark = '#ffffff'] = text.match(/#[0-9a-f]{6}/gi) ?? [];
    pair = { light: fromHex(light), dark: fromHex(dark) };
    tokens.set(name, pair);
  }
  return pair;
}

/** @param {string} hex @returns {Rgb} */
function fromHex(hex) {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/**
 * One of the 256 colours of terminals, or a colour of its own.
 * @param {number | string} colour
 * @returns {Pair}
 */
function pairOf(colour) {
  if (typeof colour === 'string') return same(fromHex(colour));
  if (colour < 16) return token(`ansi-${colour}`);
  if (colour >= 232) {
    const grey = (colour - 232) * 10 + 8;
    return same([grey, grey, grey]);
  }
  const level = (/** @type {number} */ value) => (value === 0 ? 0 : value * 40 + 55);
  const at = colour - 16;
  return same([level(Math.floor(at / 36)), level(Math.floor(at / 6) % 6), level(at % 6)]);
}

/** @param {Rgb} rgb @returns {Pair} */
function same(rgb) {
  return { light: rgb, dark: rgb };
}

/**
 * The colours of letters and of the ground behind them, as values of style properties. The ground
 * is empty where it is that of the page.
 * @param {number | string | undefined} foreground
 * @param {number | string | undefined} background
 * @param {boolean} isInverse
 */
export function coloursOf(foreground, background, isInverse) {
  const front = foreground === undefined ? token('term-text') : pairOf(foreground);
  const back = background === undefined ? token('term-bg') : pairOf(background);
  const [letters, ground] = isInverse ? [back, front] : [front, back];
  const readable = {
    light: readableOn(letters.light, ground.light),
    dark: readableOn(letters.dark, ground.dark),
  };
  const hasGround = isInverse || background !== undefined;
  return { letters: css(readable), ground: hasGround ? css(ground) : '' };
}

/** @param {Pair} pair */
function css({ light, dark }) {
  return `light-dark(rgb(${light.join(' ')}), rgb(${dark.join(' ')}))`;
}

/**
 * The colour, lightened or darkened as much as reading needs.
 * @param {Rgb} colour
 * @param {Rgb} ground
 * @returns {Rgb}
 */
function readableOn(colour, ground) {
  const target = luminance(ground) > 0.18 ? 0 : 255;
  for (let step = 0; step < STEPS; step += 1) {
    const part = step / STEPS;
    const mixed = /** @type {Rgb} */ (colour.map((value) => Math.round(value + (target - value) * part)));
    if (contrast(mixed, ground) >= READABLE) return mixed;
  }
  return [target, target, target];
}

/** @param {Rgb} a @param {Rgb} b */
function contrast(a, b) {
  const [bright, dim] = [luminance(a), luminance(b)].sort((left, right) => right - left);
  return ((bright ?? 0) + 0.05) / ((dim ?? 0) + 0.05);
}

/** Relative luminance (WCAG 2.2).
 * @param {Rgb} rgb */
function luminance(rgb) {
  const [red = 0, green = 0, blue = 0] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
