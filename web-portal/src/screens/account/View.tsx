/** Account. */
import { Page } from "@/parts/Page";

export function AccountView() {
  return <Page title="Account">…</Page>;
}
