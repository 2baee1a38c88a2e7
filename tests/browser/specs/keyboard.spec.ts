import { ended, field, tabTo } from '../actions';
import { expect, test } from '../fixtures';

test('the keyboard alone leads from signing in to the result of a run', async ({
  page,
  instance,
}) => {
  const { name, password } = instance.administrator;
  await page.goto('/web/auth/');
  await tabTo(page, page.getByLabel('User name'));
  await page.keyboard.type(name);
  await tabTo(page, field(page, 'Password'));
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Scripts' })).toBeVisible();

  await tabTo(page, page.getByRole('main').getByRole('link', { name: 'Subnet calculator' }));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Subnet calculator' })).toBeVisible();

  await tabTo(page, field(page, 'Network'));
  await page.keyboard.type('192.0.2.0/24');
  await tabTo(page, page.getByRole('button', { name: 'Run', exact: true }));
  await page.keyboard.press('Enter');
  const region = await ended(page, 'Succeeded');
  await expect(region.locator('[data-stream="stdout"]')).toContainText('255.255.255.0');
});

test.describe('signed in', () => {
  test.use({ viewer: 'administrator' });

  test('the first stop of Tab skips to the content', async ({ page }) => {
    await page.goto('/web/');
    await page.keyboard.press('Tab');

    const skip = page.locator(':focus');
    await expect(skip).toHaveText(/skip/i);
    await expect(skip).toBeVisible();
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/#/);
  });

  test('the user menu opens and closes with the keyboard', async ({ page, instance }) => {
    await page.goto('/web/');
    const button = page
      .getByRole('banner')
      .getByRole('button', { name: instance.administrator.name });
    await tabTo(page, button);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible();

    await page.keyboard.press('Escape');
    await expect(page.getByRole('button', { name: 'Sign out' })).toBeHidden();
    await expect(button).toBeFocused();
  });

  test('every stop of Tab on a script page can be seen', async ({ page }) => {
    await page.goto('/web/scripts/all_controls.py');
    for (let stop = 0; stop < 30; stop += 1) {
      await page.keyboard.press('Tab');
      const ring = await page.evaluate(() => {
        const focused = document.activeElement;
        // A control that is drawn by its label shows the ring there.
        const drawn = [focused, focused?.nextElementSibling, focused?.closest('label, .drop')];
        return drawn.some((element) => {
          if (!element) return false;
          const { outlineStyle, outlineWidth } = getComputedStyle(element);
          return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
        });
      });
      const where = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 120));
      expect(ring, `focus ring of ${where}`).toBe(true);
    }
  });
});
