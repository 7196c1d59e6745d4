/** Projects. */
import { Page } from "@/parts/Page";

export function ProjectsView() {
  return <Page title="Projects">…</Page>;
}
