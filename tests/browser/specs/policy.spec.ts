import { expect, test } from '../fixtures';
import { inlineCode } from '../markup';
import { VIEWS } from '../pages';

for (const view of VIEWS.filter(({ prepare }) => !prepare)) {
  test.describe(view.name, () => {
    test.use({ viewer: view.viewer });

    test('is HTML without code or styles in it, under a strict policy', async ({ page, watch }) => {
      watch.allowStatus(view.status ?? 200);
      const response = await page.goto(view.path);

      expect(inlineCode((await response?.text()) ?? '')).toEqual([]);
      const policy = response?.headers()['content-security-policy'] ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("form-action 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("require-trusted-types-for 'script'");
      expect(policy).not.toMatch(/unsafe|nonce|\*/);
    });
  });
}

test('markup is not accepted where text belongs', async ({ page, watch }) => {
  watch.allowMessage(/TrustedHTML|TrustedTypePolicy/);
  await page.goto('/web/auth/');

  const attempts = await page.evaluate(() => {
    const refused = (attempt: () => void): string => {
      try {
        attempt();
        return 'accepted';
      } catch {
        return 'refused';
      }
    };
    return [
      refused(() => (document.body.innerHTML = 'x')),
      refused(() => new DOMParser().parseFromString('', 'text/html')),
      refused(() => document.write('x')),
      refused(() => (window as any).trustedTypes.createPolicy('any', {})),
    ];
  });
  expect(attempts).toEqual(['refused', 'refused', 'refused', 'refused']);
  await expect(page.getByLabel('User name')).toBeVisible();
});

test('assets are kept by the browser and pages are not', async ({ page }) => {
  const assets: (string | undefined)[] = [];
  page.on('response', (response) => {
    if (response.url().includes('/web/assets/')) assets.push(response.headers()['cache-control']);
  });
  const response = await page.goto('/web/auth/');

  expect(response?.headers()['cache-control']).toContain('no-store');
  expect(assets.length).toBeGreaterThan(0);
  for (const value of assets) expect(value).toContain('immutable');
});

test('code is found in markup', () => {
  const page = `<!doctype html><link rel="stylesheet" href="a.css"><script src="a.js"></script>
    <script>1</script><p style="color:red">a &lt;style&gt;</p><a href='javascript:x()'>b</a>
    <button type="button" onclick=x()>c</button><p data-on="x" class='on'>d</p><style></style>`;

  expect(inlineCode(page)).toEqual([
    '<script>',
    '<p style="color:red">',
    "<a href='javascript:x()'>",
    '<button type="button" onclick=x()>',
    '<style>',
  ]);
});
