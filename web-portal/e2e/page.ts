/** What every page must keep: no word on the console, nothing serious for a screen reader, in both themes, on a phone. */
import { resolve } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { type ConsoleMessage, expect, type Page } from "@playwright/test";

/** A run leaves the checked-in pictures alone, unless it is asked for new ones by `FALLOW_SCREENS=1`. */
const SCREENS = resolve(
  import.meta.dirname,
  process.env.FALLOW_SCREENS ? "../../docs/screens" : "../test-results/screens",
);
const PHONE = { width: 390, height: 844 };

/** Errors and refused content of a page, from now on. Failed requests that a test provokes may be left out. */
export function complaints(page: Page, expected?: RegExp): string[] {
  const found: string[] = [];
  page.on("console", (message: ConsoleMessage) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    if (!expected?.test(message.text())) found.push(message.text());
  });
  page.on("pageerror", (error) => found.push(String(error)));
  return found;
}

/** Nothing serious for those who do not see the page, as it is now. */
export async function accessible(page: Page): Promise<void> {
  // Colours on their way from one theme to the other are neither.
  await page.evaluate(() =>
    Promise.allSettled(document.getAnimations().map((animation) => animation.finished)),
  );
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const words = serious.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .map((node) => node.html)
        .join(" | ")
        .slice(0, 600)}`,
  );
  expect(words).toEqual([]);
}

/** Hold the page against the rules in both themes and at a phone's width, and keep pictures under `name`. */
export async function looks(page: Page, name: string): Promise<void> {
  const size = page.viewportSize();
  for (const theme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", theme);
    await accessible(page);
    await page.screenshot({ path: resolve(SCREENS, `${name}-${theme}.png`) });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(PHONE);
  await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", "light");
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(wider, "the page must not be wider than a phone").toBeLessThanOrEqual(0);
  await accessible(page);
  await page.screenshot({ path: resolve(SCREENS, `${name}-phone.png`) });
  if (size) await page.setViewportSize(size);
}
