import { field, fill, output, start } from '../actions';
import { expect, test } from '../fixtures';

test.use({ viewer: 'administrator' });

test('a missing value is named at its field and nothing starts', async ({ page, watch }) => {
  watch.allowStatus(400, 422);
  await page.goto('/web/scripts/subnet.py');
  await start(page);

  const network = field(page, 'Network');
  await expect(page.getByRole('alert').first()).toContainText('Network');
  await expect(network).toHaveAttribute('aria-invalid', 'true');
  await expect(network).toHaveAccessibleDescription(/required|needed|missing|enter|fill/i);
  await expect(output(page)).toContainText('The output appears here');
});

test('a value that does not match is named by the server too', async ({ page, watch }) => {
  watch.allowStatus(400, 422);
  await page.goto('/web/scripts/all_controls.py');
  await fill(page, { Name: 'Ada', Ticket: 'ops 42', Secret: 'any word' });
  await start(page);

  await expect(page.getByRole('alert').first()).toContainText('Ticket');
  await expect(field(page, 'Ticket')).toHaveAttribute('aria-invalid', 'true');
  await expect(field(page, 'Name')).toHaveValue('Ada');
});

test('the summary of errors leads to the field', async ({ page, watch }) => {
  watch.allowStatus(400, 422);
  await page.goto('/web/scripts/all_controls.py');
  await fill(page, { Name: 'Ada', Secret: 'any word', 'Trace identifier': 'a' });
  await start(page);

  await page.getByRole('alert').getByRole('link', { name: /Trace identifier/ }).click();
  await expect(field(page, 'Trace identifier')).toBeFocused();
});

test('an error disappears once the value is right', async ({ page, watch }) => {
  watch.allowStatus(400, 422);
  await page.goto('/web/scripts/subnet.py');
  await start(page);
  await expect(field(page, 'Network')).toHaveAttribute('aria-invalid', 'true');

  await fill(page, { Network: '192.0.2.0/24' });
  await start(page);
  await expect(page.locator('[data-stream="stdout"]')).toContainText('255.255.255.0');
  await expect(field(page, 'Network')).not.toHaveAttribute('aria-invalid', 'true');
});

test('every control has a name that a person can read', async ({ page }) => {
  await page.goto('/web/scripts/all_controls.py');
  await page.locator('summary', { hasText: 'Advanced' }).click();

  const form = page.getByRole('main').locator('form');
  const controls = form.locator('input:not([type="hidden"]), select, textarea');
  expect(await controls.count()).toBeGreaterThan(24);
  for (const control of await controls.all()) {
    await expect(control).toHaveAccessibleName(/^[A-Za-z]/);
  }
});

test('advanced arguments are hidden until they are asked for', async ({ page }) => {
  await page.goto('/web/scripts/all_controls.py');
  const trace = field(page, 'Trace identifier');
  await expect(trace).toBeHidden();

  await page.locator('summary', { hasText: 'Advanced' }).click();
  await expect(trace).toBeVisible();
});

test('values in the address fill the form and start nothing', async ({ page }) => {
  await page.goto('/web/scripts/subnet.py?network=192.0.2.0%2F24&--split=26');

  await expect(field(page, 'Network')).toHaveValue('192.0.2.0/24');
  await expect(field(page, 'Split into')).toHaveValue('26');
  await expect(output(page)).toContainText('The output appears here');
});
