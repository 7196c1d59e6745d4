/** What is shown instead of a page that broke, or that is not there. */
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
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
      <Empty
        title="This address leads nowhere"
        action={
          <Button component={Link} to="/jobs">
            Your jobs
          </Button>
        }
      >
        It may have been mistyped, or what was here is gone or not yours.
      </Empty>
    </Page>
  );
}
