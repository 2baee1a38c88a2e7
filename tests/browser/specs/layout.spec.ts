import { expect, test } from '../fixtures';
import { show, statusesOf, VIEWS } from '../pages';

const WIDTHS = [390, 320];

for (const view of VIEWS) {
  test.describe(view.name, () => {
    test.use({ viewer: view.viewer, viewport: { width: 390, height: 844 } });

    test('does not scroll sideways on a phone', async ({ page, watch }) => {
      watch.allowStatus(...statusesOf(view));
      await show(page, view);

      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 844 });
        const content = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(content, `width of the content at ${width} pixels`).toBeLessThanOrEqual(width);
      }
    });
  });
}

test('a page may be zoomed on a phone', async ({ page }) => {
  await page.goto('/web/auth/');

  const content = await page.locator('meta[name="viewport"]').getAttribute('content');
  expect(content).toContain('width=device-width');
  expect(content).not.toMatch(/user-scalable|maximum-scale/);
});
