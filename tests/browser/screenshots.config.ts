import { defineConfig } from '@playwright/test';
import { chromium } from './chromium';

/** Takes pictures: `cargo xtask screenshots DIR`. */
export default defineConfig({
  testDir: './screenshots',
  testMatch: '*.shot.ts',
  outputDir: './test-results',
  workers: 2,
  reporter: [['list']],
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: { ...chromium },
});
