/** An HTML tag with its attributes: enough to find code and styles in a page of our server. */
const TAG = /<([a-z][a-z0-9-]*)((?:\s+[^\s"'<>/=]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>=`]+))?)*)\s*\/?>/gi;
const ATTRIBUTE = /\s([^\s"'<>/=]+)(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>=`]+))?/g;

/** Tags that hold code or styles of their own, which the policy of the pages forbids. */
export function inlineCode(html: string): string[] {
  const found: string[] = [];
  for (const [tag, name = '', text = ''] of html.matchAll(TAG)) {
    const attributes = [...text.matchAll(ATTRIBUTE)].map(([, each = '']) => each.toLowerCase());
    const element = name.toLowerCase();
    const isInline =
      element === 'style' ||
      (element === 'script' && !attributes.includes('src')) ||
      attributes.some((attribute) => attribute === 'style' || attribute.startsWith('on')) ||
      /=\s*["']?\s*javascript:/i.test(text);
    if (isInline) found.push(tag);
  }
  return found;
}
