/** All devices of an account: one line each, and how another one joins. */
import { Button, Group, Modal, Table } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { Copy } from "@/parts/Copy";
import { LinkButton } from "@/parts/LinkButton";
import { Fact, Facts, Page, Panel } from "@/parts/Page";
import { Asked, Empty, Stale } from "@/parts/States";
import { Age, Money, StateBadge } from "@/pictures/small";
import { counted } from "@/words/format";
import styles from "./devices.module.css";
import { asRow, joinCommands, type Row } from "./model";
import { useDevices } from "./query";

export function DevicesView() {
  const { query, live } = useDevices();
  const some = (query.data?.items.length ?? 0) > 0;
  return (
    <Page title="Devices" badge={<Stale since={live.staleSince} />} actions={some && <Join />}>
      <Asked query={query}>
        {({ items }) => (items.length === 0 ? <First /> : <List rows={items.map(asRow)} />)}
      </Asked>
    </Page>
  );
}

function First() {
  return (
    <Empty
      title="Lend a computer"
      commands={joinCommands(window.location.origin)}
      action={<LinkButton to="/device">I have a code</LinkButton>}
    >
      It works for others while you do not need it, on your terms, and earns credits. What runs there is
      walled off: no files of yours, no network. On the computer that you want to lend, type this; it shows a
      code, and you approve it here.
    </Empty>
  );
}

function Join() {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button onClick={open}>Add a device</Button>
      <Modal opened={opened} onClose={close} title="Add a device" size="lg">
        <div style={{ display: "grid", gap: 14 }}>
          <p>On the computer that you want to lend:</p>
          <Copy text={joinCommands(window.location.origin).join("\n")} />
          <p className="dim">
            The first shows a code and this grid's fingerprint; approve the code here. The second starts it;{" "}
            <code>fallow-node service install</code> has it start with the computer.
          </p>
          <Group>
            <LinkButton to="/device">I have a code</LinkButton>
          </Group>
        </div>
      </Modal>
    </>
  );
}

function List({ rows }: { rows: Row[] }) {
  const sum = (key: "today" | "pending") => rows.reduce((all, row) => all + row[key], 0);
  const states = (state: string) => rows.filter((row) => row.state === state).length;
  const away = rows.filter((row) => row.state === "offline").length;
  return (
    <>
      <Facts>
        <Fact
          label="Now"
          value={counted(states("working"), "device works", "devices work")}
          below={`${states("idle")} idle · ${states("paused")} paused · ${away} offline`}
          wide
        />
        <Fact label="Earned today" value={<Money micro={sum("today")} />} unit="credits" />
        <Fact
          label="Pending"
          value={<Money micro={sum("pending")} />}
          unit="credits"
          below="held until checked"
        />
      </Facts>
      <Panel>
        <Table className={styles.list}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Device</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th className={styles.wide}>Units</Table.Th>
              <Table.Th ta="right">Today</Table.Th>
              <Table.Th ta="right" className={styles.wide}>
                Heard of
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={row.id}>
                <Table.Td>
                  <Link to="/devices/$id" params={{ id: row.id }} className={styles.name}>
                    {row.name}
                  </Link>
                  <div className={`dim small foreign ${styles.wide}`}>{row.machine}</div>
                </Table.Td>
                <Table.Td>
                  <StateBadge state={row.state} />
                  {row.reason && <div className="dim small foreign">{row.reason}</div>}
                </Table.Td>
                <Table.Td className={`dim ${styles.wide}`}>{row.does}</Table.Td>
                <Table.Td ta="right">
                  <Money micro={row.today} />
                  {row.pending > 0 && (
                    <div className="dim small">
                      <Money micro={row.pending} /> pending
                    </div>
                  )}
                </Table.Td>
                <Table.Td ta="right" className={`dim ${styles.wide}`}>
                  <Age at={row.seenMs} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Panel>
    </>
  );
}
