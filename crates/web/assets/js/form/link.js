// @ts-check
/** Links that carry the values of a form. */

/** @typedef {import('./fields.js').Field} Field */

/** Longer addresses are cut by mail programs and proxies. */
const LONG = 2000;

/**
 * The address of the page with the values of the form, without secrets and files.
 * @param {Field[]} fields
 */
export function linkWithValues(fields) {
  const address = new URL(location.href);
  const query = new URLSearchParams();
  for (const field of fields.filter((each) => each.isPublic)) {
    const { value } = field;
    if (value === true) query.append(field.name, 'on');
    else if (value === false && field.inputs[0]?.defaultChecked) query.append(field.name, 'off');
    else if (Array.isArray(value)) for (const each of value) query.append(field.name, each);
    else if (typeof value === 'string' && value !== '') query.append(field.name, value);
  }
  address.search = query.toString();
  address.hash = '';
  return { text: address.href, isLong: address.href.length > LONG };
}
