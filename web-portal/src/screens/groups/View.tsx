/** All groups of an account, and who asks it into one. */
import { Button, Table } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Text } from "@/parts/form/Form";
import { Secure } from "@/parts/form/Secure";
import { Page, Panel } from "@/parts/Page";
import { Asked, Empty } from "@/parts/States";
import { Age } from "@/pictures/small";
import { counted } from "@/words/format";
import { answer, make, useGroups, useInvitations } from "./query";

const groupName = (value: string) =>
  /^[a-z0-9._-]{1,64}$/.test(value.trim())
    ? undefined
    : "Small letters, digits, -, _ and . only, 64 at most.";

function Make() {
  return (
    <Secure
      label="Make a group"
      says="Its members' devices run each other's jobs. You invite them by their names."
      checks={{ name: groupName }}
      act={({ name = "" }) => make(name.trim())}
    >
      <Text
        name="name"
        label="Name"
        description="unique in the grid; jobs name it: run_on = &quot;group:NAME&quot;"
        autoComplete="off"
        spellCheck={false}
        maxLength={64}
        data-autofocus
      />
    </Secure>
  );
}

export function GroupsView() {
  const groups = useGroups();
  return (
    <Page title="Groups" actions={<Make />}>
      <Invitations />
      <Asked query={groups}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="A lab, a club, a family">
              In a group, everybody's devices run everybody's jobs: <code>run_on = "group:NAME"</code> keeps a
              job among them. Make one and invite others by their names.
            </Empty>
          ) : (
            <Panel>
              <Table>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Group</Table.Th>
                    <Table.Th ta="right">Members</Table.Th>
                    <Table.Th ta="right">Devices</Table.Th>
                    <Table.Th ta="right">Made</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((one) => (
                    <Table.Tr key={one.name}>
                      <Table.Td>
                        <Link to="/groups/$name" params={{ name: one.name }} className="foreign">
                          {one.name}
                        </Link>
                        {one.role === "owner" && <div className="dim small">yours</div>}
                      </Table.Td>
                      <Table.Td ta="right" className="num">
                        {one.members}
                      </Table.Td>
                      <Table.Td ta="right" className="num">
                        {one.nodes}
                      </Table.Td>
                      <Table.Td ta="right" className="dim">
                        <Age at={one.created_at_ms} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Panel>
          )
        }
      </Asked>
    </Page>
  );
}

function Invitations() {
  const invitations = useInvitations();
  const items = invitations.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <div style={{ marginBottom: 16 }}>
      <Panel title="You are invited">
        {items.map((one) => (
          <div key={one.group} style={{ display: "flex", flexWrap: "wrap", gap: 10, alignItems: "center" }}>
            <span style={{ flex: "1 1 220px" }}>
              <b className="foreign">{one.by}</b> asks you into <b className="foreign">{one.group}</b>,{" "}
              {counted(one.members, "member")}. Your devices would run their jobs, and theirs yours.
            </span>
            <Button variant="filled" onClick={() => void answer(one.group, true)}>
              Join
            </Button>
            <Button onClick={() => void answer(one.group, false)}>Decline</Button>
          </div>
        ))}
      </Panel>
    </div>
  );
}
