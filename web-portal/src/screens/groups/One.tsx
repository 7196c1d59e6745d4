/** One group: who is in it, and what computers they have. */
import { Table } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import type { GroupDetail } from "@/api/people";
import { Confirm } from "@/parts/Confirm";
import { exactly, filled } from "@/parts/form/checks";
import { Text } from "@/parts/form/Form";
import { Secure } from "@/parts/form/Secure";
import { Columns, Page, Panel } from "@/parts/Page";
import { Asked } from "@/parts/States";
import { Age, StateBadge } from "@/pictures/small";
import { counted } from "@/words/format";
import { useSelf } from "../account/query";
import { end, invite, leave, useGroup } from "./query";

export function GroupView() {
  const { name } = useParams({ from: "/inside/groups/$name" });
  const group = useGroup(name);
  return (
    <Page
      title={name}
      crumbs={[{ text: "Groups", to: "/groups" }, { text: name }]}
      actions={group.data && <Deeds group={group.data} />}
    >
      <Asked query={group}>
        {(data) => (
          <Columns>
            <Devices group={data} />
            <Members group={data} />
          </Columns>
        )}
      </Asked>
    </Page>
  );
}

function Deeds({ group }: { group: GroupDetail }) {
  const navigate = useNavigate();
  const self = useSelf();
  if (group.role === "owner")
    return (
      <>
        <Secure
          label="Invite"
          says="Whoever joins lends the group all devices, and may use all of its."
          checks={{ name: filled("A name") }}
          fieldOf={{ "not-found": "name", "no-such-account": "name" }}
          act={({ name = "" }) => invite(group.name, name.trim())}
        >
          <Text name="name" label="Name of the account" autoComplete="off" maxLength={64} data-autofocus />
        </Secure>
        <Secure
          label="End the group"
          danger
          says={
            <>
              Jobs that were to run on it wait for nothing from then on. Type{" "}
              <b className="foreign">{group.name}</b> to go on.
            </>
          }
          checks={{ word: exactly(group.name) }}
          act={async () => {
            await end(group.name);
            await navigate({ to: "/groups" });
          }}
        >
          <Text name="word" label="Its name" autoComplete="off" data-autofocus />
        </Secure>
      </>
    );
  const id = self.data?.id;
  if (!id) return null;
  return (
    <Confirm
      label="Leave the group"
      act={async () => {
        await leave(group.name, id);
        await navigate({ to: "/groups" });
      }}
    >
      Your devices run no more jobs of it, and its devices none of yours.
    </Confirm>
  );
}

function Members({ group }: { group: GroupDetail }) {
  return (
    <Panel title={counted(group.members.length, "member")}>
      <Table>
        <Table.Tbody>
          {group.members.map((member) => (
            <Table.Tr key={member.account}>
              <Table.Td>
                <span className="foreign">{member.name}</span>
                <div className="dim small">
                  {member.role === "owner" ? "made it" : "joined"} <Age at={member.since_ms} />
                </div>
              </Table.Td>
              <Table.Td ta="right">
                {group.role === "owner" && member.role !== "owner" && (
                  <Confirm label="Remove" act={() => leave(group.name, member.account)}>
                    <b className="foreign">{member.name}</b> leaves the group, with all devices.
                  </Confirm>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
          {group.invitations.map((asked) => (
            <Table.Tr key={asked.account}>
              <Table.Td className="dim" colSpan={2}>
                <span className="foreign">{asked.name}</span>
                <div className="small">
                  invited <Age at={asked.at_ms} />
                </div>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  );
}

function Devices({ group }: { group: GroupDetail }) {
  const slots = group.devices.reduce(
    (all, device) => all + (device.state === "online" ? device.slots : 0),
    0,
  );
  return (
    <Panel title="Devices" note={`${counted(slots, "slot")} online`}>
      {group.devices.length === 0 ? (
        <p className="dim">No member lends a device yet.</p>
      ) : (
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Device</Table.Th>
              <Table.Th>Of</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th ta="right">Slots</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {group.devices.map((device) => (
              <Table.Tr key={`${device.owner} ${device.name}`}>
                <Table.Td className="foreign">{device.name}</Table.Td>
                <Table.Td className="foreign dim">{device.owner}</Table.Td>
                <Table.Td>
                  <StateBadge state={device.state} />
                </Table.Td>
                <Table.Td ta="right" className="num">
                  {device.slots}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  );
}
