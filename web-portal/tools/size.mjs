/**
 * Fails a build that makes people wait: what a first visit needs, compressed, has a limit.
 * Fonts come later (text is drawn without them), and so do the screens' own chunks.
 */
import { readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_BYTES = 300 * 1024;

/** Every file that `entry` imports at once, with its styles. */
function initial(manifest, entry, seen = new Set()) {
  const chunk = manifest[entry];
  if (seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const style of chunk.css ?? []) seen.add(style);
  for (const other of chunk.imports ?? []) initial(manifest, other, seen);
  return seen;
}

let failed = false;
for (const folder of ["dist", "dist-node"]) {
  const base = new URL(`../${folder}/`, import.meta.url);
  const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", base), "utf8"));
  const entry = Object.keys(manifest).find((name) => manifest[name].isEntry);
  const files = [...initial(manifest, entry)].filter((file) => /\.(js|css)$/.test(file));
  const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(new URL(file, base))).length, 0);
  rmSync(new URL(".vite/", base), { recursive: true });
  const verdict = bytes <= LIMIT_BYTES ? "within" : "OVER";
  console.log(
    `${folder}: ${(bytes / 1024).toFixed(1)} KiB compressed at first, ${verdict} ${LIMIT_BYTES / 1024} KiB`,
  );
  failed ||= bytes > LIMIT_BYTES;
}
process.exit(failed ? 1 : 0);
