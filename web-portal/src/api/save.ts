/** Files from the server to the person: the browser's own download, or through memory where a token is needed. */
import { call } from "./client";
import { Problem } from "./problem";
import { token } from "./session";

/** What goes through the page's memory at most, bytes: only with a pasted token, which a plain link cannot send. */
const MEMORY_MAX = 512 << 20;

/** Save what `path` answers as `name`. */
export async function save(path: string, name: string, bytes?: number): Promise<void> {
  if (!token()) return click(path, name);
  if (bytes !== undefined && bytes > MEMORY_MAX) {
    throw new Problem({
      code: "too-large-here",
      status: 0,
      message: "This is too large for a page that was logged in with a token.",
      help: "Log in with a password, or use `fallow fetch`.",
    });
  }
  const blob = await (await call(path)).blob();
  const url = URL.createObjectURL(blob);
  click(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function click(href: string, name: string): void {
  const link = document.createElement("a");
  link.href = href;
  link.download = name;
  link.click();
}
