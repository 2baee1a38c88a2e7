import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures';
import { show, statusesOf, VIEWS } from '../pages';

const SCREENS = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
};

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

for (const view of VIEWS) {
  test.describe(view.name, () => {
    test.use({ viewer: view.viewer, contextOptions: { reducedMotion: 'reduce' } });
    // The rules are many and each is asked of every element, four times.
    test.slow();

    test('breaks no rule of accessibility in both themes', async ({ page, watch }) => {
      watch.allowStatus(...statusesOf(view));
      await show(page, view);

      for (const [screen, viewport] of Object.entries(SCREENS)) {
        await page.setViewportSize(viewport);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          expect(await violations(page), `${colorScheme}, ${screen}`).toEqual([]);
        }
      }
    });
  });
}

/** What axe-core finds: the rule, what it asks for, and the element that breaks it. */
async function violations(page: Page): Promise<object[]> {
  const result = await new AxeBuilder({ page }).withTags(RULES).analyze();
  return result.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => ({ id, help, html, failureSummary })),
  );
}
