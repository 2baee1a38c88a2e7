// @ts-check
/** From the form to the body of a request. */

import { base64 } from './files.js';

/** @typedef {import('./fields.js').Field} Field */

/**
 * The member `arguments`. It is written by hand because its order is the order of the command
 * line, and objects would sort names that are numbers.
 * @param {Field[]} fields
 * @returns {Promise<string>}
 */
export async function argumentsMember(fields) {
  const members = [];
  for (const field of fields) {
    const value = field.kind === 'file' ? await filesValue(field) : field.value;
    const argument = { value, input: field.isInput };
    members.push(`${JSON.stringify(field.name)}:${JSON.stringify(argument)}`);
  }
  return `"arguments":{${members.join(',')}}`;
}

/** @param {Field} field */
async function filesValue(field) {
  const texts = await Promise.all(field.files.map(base64));
  return field.inputs[0]?.multiple ? texts : (texts[0] ?? '');
}
