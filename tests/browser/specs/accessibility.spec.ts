import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures';
import { show, statusesOf, VIEWS } from '../pages';
import { SAMPLES } from '../samples';

const SCREENS = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
};

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

// The rules are many, and each is asked of every element, in two themes on two screens.
test.slow();

for (const view of VIEWS) {
  test.describe(view.name, () => {
    test.use({ viewer: view.viewer, contextOptions: { reducedMotion: 'reduce' } });

    test('breaks no rule of accessibility', async ({ page, watch }) => {
      watch.allowStatus(...statusesOf(view));
      await show(page, view);

      await checkEverywhere(page);
    });
  });
}

test.describe('the documentation of the samples', () => {
  test.use({ viewer: 'administrator' });

  test('breaks no rule of accessibility', async ({ page }) => {
    await page.goto('/web/');
    for (const { script } of SAMPLES) {
      const address = `/web/doc/${script}?document`;
      const html = await page.evaluate(async (url) => (await fetch(url)).text(), address);
      // In its frame a document may run no script, not even the one that checks it.
      const alone = await page.context().newPage();
      await alone.setContent(html);
      await expect(alone.getByRole('heading', { level: 1 })).toBeVisible();
      expect(await violations(alone), script).toEqual([]);
      await alone.close();
    }
  });
});

test('a fault is found', async ({ page }) => {
  await page.setContent('<html lang="en"><title>x</title><main><h1>x</h1><button></button></main>');

  expect(await violations(page)).toMatchObject([{ id: 'button-name', html: '<button></button>' }]);
});

/** Checks the page in both themes on both screens. */
async function checkEverywhere(page: Page): Promise<void> {
  await page.locator('iframe').evaluateAll((frames) => frames.forEach((frame) => frame.remove()));
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await violations(page), `${colorScheme}, ${screen}`).toEqual([]);
    }
  }
}

/** What axe-core finds: the rule, what it asks for, and the element that breaks it. */
async function violations(page: Page): Promise<object[]> {
  const builder = new AxeBuilder({ page }).withTags(RULES).setLegacyMode(true);
  const result = await builder.analyze();
  return result.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => ({ id, help, html, failureSummary })),
  );
}
