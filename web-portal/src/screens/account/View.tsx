/** Oneself: name and address, what keeps the account safe, tokens and keys, the record. */
import { Button, Tabs } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Page } from "@/parts/Page";
import { Asked } from "@/parts/States";
import { logOut, type Self, useSelf } from "./query";
import { Record } from "./Record";
import type { Tab } from "./route";
import { Safety } from "./Safety";
import { Tokens } from "./Tokens";
import { You } from "./You";

export function AccountView() {
  const self = useSelf();
  const { tab = "you" } = useSearch({ from: "/inside/account" });
  const navigate = useNavigate();
  const choose = (next: string | null) =>
    void navigate({ to: "/account", search: { tab: (next ?? "you") as Tab }, replace: true });
  return (
    <Page title="Account" actions={self.data && <LogOut self={self.data} />}>
      <Asked query={self}>
        {(data) => (
          <Tabs value={tab} onChange={choose} keepMounted={false}>
            <Tabs.List mb="md">
              <Tabs.Tab value="you">You</Tabs.Tab>
              <Tabs.Tab value="safety">Safety</Tabs.Tab>
              <Tabs.Tab value="tokens">Tokens and keys</Tabs.Tab>
              <Tabs.Tab value="record">Record</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="you">
              <You self={data} />
            </Tabs.Panel>
            <Tabs.Panel value="safety">
              <Safety self={data} />
            </Tabs.Panel>
            <Tabs.Panel value="tokens">
              <Tokens self={data} />
            </Tabs.Panel>
            <Tabs.Panel value="record">
              <Record />
            </Tabs.Panel>
          </Tabs>
        )}
      </Asked>
    </Page>
  );
}

function LogOut({ self }: { self: Self }) {
  const navigate = useNavigate();
  return (
    <Button
      onClick={async () => {
        await logOut(self.session);
        await navigate({ to: "/login" });
      }}
    >
      Log out
    </Button>
  );
}
