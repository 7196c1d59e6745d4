/**
 * Journeys on a real grid: the operator's first way in; from registration to a log-in with a second factor; a computer
 * that joins by a code, is paused and resumed from the grid and from its own page; a user who is suspended.
 */
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type BrowserContext, expect, type Page, test } from "@playwright/test";
import { Grid, program, Running } from "./grid";
import { accessible, complaints } from "./page";

const PASSWORD = "correct horse battery";
const OPERATOR = { email: "op@example.org", password: "a field that lies fallow" };
/** A visitor is told so by a 401; some answers of these journeys are refusals. */
const REFUSED = /40[0134] \(/;

let grid: Grid;
let ann: BrowserContext;
let node: Running | undefined;
let folder: string;
test.describe.configure({ mode: "serial" });
test.beforeAll(async ({ browser }) => {
  grid = await Grid.start('[accounts]\nregistration = "open"\n');
  ann = await browser.newContext();
  folder = join(grid.folder, "kitchen");
});
test.afterAll(async () => {
  await ann?.close();
  await node?.stop();
  await grid?.stop();
});

const password = (page: Page) => page.getByRole("textbox", { name: "Password" });
const toAccount = (page: Page) => page.goto(`${grid.url}/account?tab=safety`);

/** The link to `path` in the mail to an address, once it is there. */
async function link(path: string, to: string): Promise<string> {
  const outbox = join(grid.folder, "server", "outbox");
  let found = "";
  await expect(async () => {
    const mails = (await readdir(outbox)).filter((name) => name.endsWith(".eml"));
    const texts = await Promise.all(mails.map((name) => readFile(join(outbox, name), "utf8")));
    // Long lines of a mail may be folded, with `=` at their ends.
    const hers = texts.filter((text) => text.includes(`To: ${to}`));
    const plain = hers.map((text) => text.replaceAll("=\r\n", "").replaceAll("=3D", "="));
    const links = plain.flatMap(
      (text) => text.match(new RegExp(`http://[^\\s]+/${path}\\?token=[^\\s]+`)) ?? [],
    );
    expect(links).toHaveLength(1);
    found = links[0] ?? "";
  }).toPass();
  return found;
}

/** What an authenticator shows `ahead` steps of 30 s from now (RFC 6238, SHA-1, six digits). */
function authenticator(secret: string, ahead: number): string {
  const bits = [...secret].map((letter) =>
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"),
  );
  const bytes = bits.join("").match(/.{8}/g) ?? [];
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac("sha1", Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2))))
    .update(step)
    .digest();
  const at = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

test("the first run's link makes its operator a way to come back", async ({ page }) => {
  const words = complaints(page, REFUSED);
  await page.goto(String((await grid.said("operator_link")).url));
  await expect(page.getByRole("heading", { name: "Your grid is there" })).toBeVisible();
  expect(page.url()).not.toContain("token");
  await accessible(page);
  await page.getByLabel("E-mail").fill(OPERATOR.email);
  await password(page).fill(OPERATOR.password);
  await page.getByRole("button", { name: "Begin" }).click();
  await expect(page.getByRole("heading", { name: "No jobs yet" })).toBeVisible();
  await page.getByRole("link", { name: "Grid" }).click();
  await expect(page.getByText("database").first()).toBeVisible();
  await accessible(page);
  expect(words).toEqual([]);
});

test("somebody registers, and turns a second factor on that the log-in asks for", async () => {
  const page = await ann.newPage();
  const words = complaints(page, REFUSED);
  await page.goto(`${grid.url}/login`);
  await page.getByRole("link", { name: "Make an account" }).click();
  await expect(page.getByRole("heading", { name: "Make an account" })).toBeVisible();
  await page.getByLabel("Name").fill("ann");
  await page.getByLabel("E-mail").fill("ann@example.org");
  await password(page).fill(PASSWORD);
  await page.getByRole("button", { name: "Make the account" }).click();
  await expect(page.getByRole("heading", { name: "Look into your mail" })).toBeVisible();
  await page.goto(await link("confirm", "ann@example.org"));
  await expect(page.getByRole("heading", { name: "Welcome, ann" })).toBeVisible();
  expect(page.url()).not.toContain("token");

  await toAccount(page);
  await page.getByRole("button", { name: "Turn it on" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Password" }).fill("not the password");
  await dialog.getByRole("button", { name: "Turn it on" }).click();
  await expect(dialog.getByRole("textbox", { name: "Password" })).toBeFocused();
  await expect(dialog.getByText(/not .*password/)).toBeVisible();
  await dialog.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await dialog.getByRole("button", { name: "Turn it on" }).click();
  await expect(page.getByRole("img", { name: /QR code/ })).toBeVisible();
  const secret = (await page.locator("pre").first().textContent())?.trim() ?? "";
  await page.getByLabel("Code that it shows now").fill(authenticator(secret, 0));
  await page.getByRole("button", { name: "Turn it on" }).click();
  await expect(page.getByRole("heading", { name: "Recovery codes" })).toBeVisible();
  await page.getByRole("button", { name: "I have kept them" }).click();
  await expect(page.getByRole("button", { name: "Turn it off" })).toBeVisible();

  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await page.getByLabel("E-mail or name").fill("ann@example.org");
  await password(page).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  const code = page.getByLabel("Code", { exact: true });
  await expect(code).toBeFocused();
  // A code is good once: the next one is taken a step early.
  await code.fill(authenticator(secret, 1));
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await expect(page.getByRole("heading", { name: "No jobs yet" })).toBeVisible();
  await toAccount(page);
  await expect(page.getByText("this one")).toBeVisible();
  await accessible(page);
  expect(words).toEqual([]);
  await page.close();
});

test("a computer joins by a code, and is paused and resumed from here", async () => {
  await mkdir(folder, { recursive: true });
  const args = ["join", grid.url, "--name", "kitchen", "--slots", "1", "--json", "--data", folder];
  node = Running.start("kitchen", program("fallow-node"), args, grid.folder);
  const shown = await node.wait("device_code");
  const page = await ann.newPage();
  const words = complaints(page, REFUSED);
  await page.goto(`${grid.url}/device`);
  await page.getByLabel("Code").fill(String(shown.user_code).toLowerCase().replace("-", " "));
  await page.getByRole("button", { name: "Look who asks" }).click();
  await expect(page.getByText("kitchen")).toBeVisible();
  await accessible(page);
  await page.getByRole("button", { name: "Let it join" }).click();
  await expect(page.getByRole("heading", { name: "It is in" })).toBeVisible();
  await node.wait("online");

  await page.getByRole("link", { name: "Your devices" }).click();
  await page.getByRole("link", { name: "kitchen" }).click();
  await expect(page.getByRole("heading", { name: "kitchen" })).toBeVisible();
  await expect(page.getByRole("table", { name: /Share of each hour/ })).toBeVisible();
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await expect(page.getByRole("button", { name: "Resume" })).toBeVisible();
  await node.wait("paused");
  await expect(page.locator("main").getByText("paused", { exact: true }).first()).toBeVisible();
  await page.getByRole("button", { name: "Resume" }).click();
  await node.wait("resumed");
  await expect(page.getByRole("button", { name: "Pause", exact: true })).toBeVisible();

  await page.getByRole("button", { name: "Change the rules" }).click();
  await page.getByRole("radio", { name: /Always/ }).check();
  await page.getByRole("button", { name: "Save the rules" }).click();
  await expect(
    page.locator("section", { hasText: "Owner's rules" }).getByText("always").first(),
  ).toBeVisible();
  await accessible(page);
  expect(words).toEqual([]);
  await page.close();
});

test("the node's own page pauses and resumes it, and its word wins", async ({ page }) => {
  const words = complaints(page, REFUSED);
  const { stdout } = await promisify(execFile)(program("fallow-node"), ["page", "--data", folder]);
  const url = /http:\/\/127\.0\.0\.1:\d+\/#token=\S+/.exec(stdout)?.[0] ?? "";
  await page.goto(url);
  await expect(page.getByRole("heading", { name: "Ready, and waiting for work" })).toBeVisible();
  expect(page.url()).not.toContain("token");
  await accessible(page);
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Paused" })).toBeVisible();
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByRole("heading", { name: "Ready, and waiting for work" })).toBeVisible();
  await page.getByRole("button", { name: "Pause for two hours" }).click();
  await expect(page.getByText(/until \d\d:\d\d/)).toBeVisible();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("radio", { name: /Quiet/ }).check();
  await page.getByRole("button", { name: "Save the rules" }).click();
  await expect(page.getByRole("radio", { name: /Quiet/ })).toBeChecked();
  await page.getByRole("tab", { name: "History" }).click();
  await expect(page.getByText(/^paused/).first()).toBeVisible();
  await page.getByRole("tab", { name: "What it can reach" }).click();
  await expect(page.getByText(/no network/)).toBeVisible();

  const portal = await ann.newPage();
  await portal.goto(`${grid.url}/devices`);
  await portal.getByRole("link", { name: "kitchen" }).click();
  await portal.getByRole("button", { name: "Change the rules" }).click();
  await expect(portal.getByRole("radio", { name: /Quiet/ })).toBeDisabled();
  await portal.close();
  expect(words).toEqual([]);
});

test("an operator suspends a user, who is told why", async ({ page }) => {
  const words = complaints(page, REFUSED);
  await page.goto(`${grid.url}/grid/users`);
  await page.getByLabel("E-mail or name").fill(OPERATOR.email);
  await password(page).fill(OPERATOR.password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.getByRole("button", { name: "Suspend ann" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("sends mails to strangers");
  await dialog.getByRole("button", { name: "Suspend", exact: true }).click();
  await expect(dialog.getByText("Type ann to go on.", { exact: true })).toBeVisible();
  await dialog.getByLabel("Its name").fill("ann");
  await dialog.getByRole("button", { name: "Suspend", exact: true }).click();
  await expect(page.getByText("suspended: sends mails to strangers", { exact: true })).toBeVisible();
  await accessible(page);

  const hers = await ann.newPage();
  await hers.goto(`${grid.url}/jobs`);
  await expect(hers.getByText(/sends mails to strangers/).first()).toBeVisible();
  await hers.close();

  await page.getByRole("button", { name: "Restore ann" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Restore", exact: true }).click();
  await expect(page.getByText("suspended: sends mails to strangers", { exact: true })).toHaveCount(0);
  await page.getByRole("link", { name: "Audit" }).click();
  await expect(page.getByRole("cell", { name: /suspended/ }).first()).toBeVisible();
  expect(words).toEqual([]);
});
