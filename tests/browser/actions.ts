import { expect, type Locator, type Page } from '@playwright/test';
import type { Account } from './instance';

/** A file to choose in a form. */
export interface Upload {
  name: string;
  content: string;
}

/** What a person puts into a field: text, a choice, a tick, several of them, or a file. */
export type Value = string | boolean | string[] | Upload;

/** Opens the sign-in page, signs in and waits for the list of scripts. */
export async function signIn(page: Page, account: Account): Promise<void> {
  await page.goto('/web/auth/');
  await fillSignIn(page, account);
  await expect(page.getByRole('heading', { level: 1, name: 'Scripts' })).toBeVisible();
}

/** The control that carries exactly this label. */
export function field(page: Page, label: string): Locator {
  return page.getByLabel(label, { exact: true });
}

/** Fills the sign-in form and sends it. */
export async function fillSignIn(page: Page, account: Account): Promise<void> {
  await page.getByLabel('User name').fill(account.name);
  await field(page, 'Password').fill(account.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Opens the menu that carries the name of the user. */
export async function openUserMenu(page: Page, name: string): Promise<void> {
  await page.getByRole('banner').getByRole('button', { name }).click();
}

/** The part of a script page that shows a run. */
export function output(page: Page): Locator {
  return page.getByRole('region', { name: 'Output' });
}

/** Fills the form of a script page. */
export async function fill(page: Page, values: Record<string, Value>): Promise<void> {
  for (const [label, value] of Object.entries(values)) {
    await fillField(page, label, value);
  }
}

async function fillField(page: Page, label: string, value: Value): Promise<void> {
  const form = page.getByRole('main').locator('form');
  const name = { name: label, exact: true };
  const group = form.getByRole('group', name).or(form.getByRole('radiogroup', name));
  const control = form.getByLabel(label, { exact: true });
  await expect(control.first()).toBeAttached();
  if (await control.first().isHidden()) {
    await page.locator('summary', { hasText: 'Advanced' }).click();
  }

  if ((await group.count()) > 0) return fillGroup(group, value);
  if (typeof value === 'boolean') return control.setChecked(value);
  if (typeof value === 'object' && 'content' in value) {
    const file = { name: value.name, mimeType: 'text/plain', buffer: Buffer.from(value.content) };
    return control.setInputFiles(file);
  }
  if ((await control.evaluate((element) => element.tagName)) === 'SELECT') {
    await control.selectOption(value);
    return;
  }
  await control.fill(String(value));
}

/** Ticks the wanted values, or types them when the list is free. */
async function fillGroup(group: Locator, value: Value): Promise<void> {
  const values = Array.isArray(value) ? value : [String(value)];
  const choices = group.locator('label:has(input[type="checkbox"], input[type="radio"])');
  if ((await choices.count()) > 0) {
    for (const choice of await choices.all()) {
      const wanted = values.includes((await choice.innerText()).trim());
      const isRadio = (await choice.locator('input[type="radio"]').count()) > 0;
      const chosen = await choice.locator('input').isChecked();
      if (wanted !== chosen && (wanted || !isRadio)) await choice.click();
    }
    return;
  }
  for (const [index, each] of values.entries()) {
    if (index > 0) await group.getByRole('button', { name: 'Add' }).click();
    await group.locator('input').nth(index).fill(each);
  }
}

/** Starts the script of the page. */
export async function start(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Run', exact: true }).click();
}

/** Waits for the word that says how the run ended. */
export async function ended(page: Page, status: string): Promise<Locator> {
  const region = output(page);
  await expect(region.getByText(status, { exact: true }).first()).toBeVisible();
  return region;
}

/** Starts the script of the page and waits for its end. */
export async function run(page: Page, status: string): Promise<Locator> {
  await start(page);
  return ended(page, status);
}

/** Presses Tab until the element has the focus, as someone without a mouse would. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press('Tab');
    const handle = await target.first().elementHandle();
    if (await handle?.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`80 presses of Tab do not reach ${target}`);
}

/**
 * What the run that is shown printed: `stdout` is the pane, in which the lines of both outputs
 * stand in the order of their arrival; `stderr` the first of the lines from standard error.
 */
export function stream(page: Page, name: 'stdout' | 'stderr'): Locator {
  return output(page).locator(`[data-stream="${name}"]`).first();
}

/** Starts the script of the page and waits until it runs or has run. */
export async function startRun(page: Page): Promise<void> {
  const answer = page.waitForResponse((response) => {
    const isStart = new URL(response.url()).pathname === '/api/runs/';
    return isStart && response.request().method() === 'POST';
  });
  await start(page);
  await answer;
}

/** Opens the page of the run that is shown on the page of its script. */
export async function openRun(page: Page): Promise<void> {
  await output(page).getByRole('link', { name: 'Open' }).click();
  await expect(page.getByRole('heading', { level: 1, name: /^Run of / })).toBeVisible();
}
