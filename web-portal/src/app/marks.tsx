/** The few drawings of the app: its mark, and what the bottom bar of a phone shows above its words. */

export const Mark = () => (
  <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
    <rect width="16" height="16" rx="4" fill="var(--s-wait)" />
    <path d="M4 0h12L0 16V4a4 4 0 0 1 4-4Z" fill="var(--s-done)" />
  </svg>
);

const PATHS = {
  jobs: "M3 3h5v5H3zM12 3h5v5h-5zM3 12h5v5H3zM12 12h5v5h-5z",
  projects: "M2.5 5.5v10h15v-8.5h-8l-1.5-2h-5z",
  modules: "M10 2.5l6.5 3.7v7.6L10 17.5l-6.5-3.7V6.2zM3.5 6.2L10 10l6.5-3.8M10 10v7.5",
  devices: "M2.5 4h15v9.5h-15zM7 17h6M10 13.5V17",
  credits: "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM12.6 7.6a3.4 3.4 0 1 0 0 4.8",
  groups:
    "M7 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM1.8 17c0-3 2.2-5 5.2-5s5.2 2 5.2 5M13 4a3 3 0 0 1 0 5.5M14.5 12.3c2.2.5 3.7 2.2 3.7 4.7",
  grid: "M10 2.5v15M2.5 10h15M4.7 4.7l10.6 10.6M15.3 4.7L4.7 15.3",
  more: "M3.5 10h1M9.5 10h1M15.5 10h1",
  account: "M10 10a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3.5 17.5c.5-3.5 3-5.5 6.5-5.5s6 2 6.5 5.5",
} as const;
export type Glyph = keyof typeof PATHS;

export const Icon = ({ of }: { of: Glyph }) => (
  <svg
    width="20"
    height="20"
    viewBox="0 0 20 20"
    fill="none"
    stroke="currentColor"
    strokeWidth="1.5"
    strokeLinecap="round"
    strokeLinejoin="round"
    aria-hidden="true"
  >
    <path d={PATHS[of]} />
  </svg>
);
