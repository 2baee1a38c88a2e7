import { join } from 'node:path';
import { test } from '../fixtures';
import { show, statusesOf, VIEWS } from '../pages';

const FOLDER = process.env.WEBSCRIPTS_SCREENSHOTS ?? '';
const SCREENS = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 800 },
};

test.beforeAll(() => {
  if (!FOLDER) throw new Error('WEBSCRIPTS_SCREENSHOTS names no folder');
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    for (const view of VIEWS) {
      test.describe(`${view.name} ${colorScheme} ${screen}`, () => {
        const contextOptions = { reducedMotion: 'reduce' as const };
        test.use({ viewer: view.viewer, colorScheme, viewport, contextOptions });

        test('picture', async ({ page, watch }) => {
          watch.allowStatus(...statusesOf(view));
          await show(page, view);
          const path = join(FOLDER, `${view.name}-${screen}-${colorScheme}.png`);
          await page.screenshot({ path, fullPage: true });
        });
      });
    }
  }
}
