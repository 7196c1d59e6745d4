import { LinkButton } from "@/parts/LinkButton";
import { Page } from "./Page";
import { Empty, Failure } from "./States";

export function Broken({ error, reset }: { error: unknown; reset?: () => void }) {
  return (
    <Page title="This page broke">
      <Failure error={error} retry={reset ?? (() => window.location.reload())} />
    </Page>
  );
}

export function NotFound() {
  return (
    <Page title="Nothing here">
      <Empty title="This address leads nowhere" action={<LinkButton to="/jobs">Your jobs</LinkButton>}>
        It may have been mistyped, or what was here is gone or not yours.
      </Empty>
    </Page>
  );
}
