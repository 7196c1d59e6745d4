/** API tokens for programs, and the keys that an author signs with. */
import { Button, Checkbox, Group, NativeSelect, Table } from "@mantine/core";
import { useState } from "react";
import { Confirm } from "@/parts/Confirm";
import { Copy } from "@/parts/Copy";
import { filled } from "@/parts/form/checks";
import { Form, Text } from "@/parts/form/Form";
import { Panel, Stack } from "@/parts/Page";
import { Asked } from "@/parts/States";
import { Wide } from "@/parts/Wide";
import { day, short } from "@/words/format";
import { addKey, endToken, makeToken, removeKey, type Self, useKeys, useTokens } from "./query";

const SCOPES = [
  ["jobs:read", "see jobs and results"],
  ["jobs:write", "submit and cancel jobs"],
  ["nodes:write", "let computers join"],
  ["admin", "all that an operator may"],
] as const;

export function Tokens({ self }: { self: Self }) {
  return (
    <Stack>
      <ApiTokens self={self} />
      <AuthorKeys />
    </Stack>
  );
}

function ApiTokens({ self }: { self: Self }) {
  const tokens = useTokens();
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<string>();
  const scopes = SCOPES.filter(([scope]) => scope !== "admin" || self.operator);
  return (
    <Panel title="API tokens" note="for programs and machines without a browser">
      {made && (
        <div role="status" style={{ display: "grid", gap: 8, marginBottom: 14 }}>
          <p>Copy it now: it is shown this once.</p>
          <Copy text={made} />
        </div>
      )}
      <Asked query={tokens}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">None yet. `fallow login` makes one for the command line by itself.</p>
          ) : (
            <Wide label="API tokens">
              <Table>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Name</Table.Th>
                    <Table.Th>May</Table.Th>
                    <Table.Th>Until</Table.Th>
                    <Table.Th aria-label="What to do" />
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((token) => (
                    <Table.Tr key={token.id}>
                      <Table.Td>
                        <span className="foreign">{token.name}</span>
                        <div className="dim mono">{token.id}…</div>
                      </Table.Td>
                      <Table.Td className="dim">{token.scopes.join(", ")}</Table.Td>
                      <Table.Td className="dim">{day(token.expires_at_ms)}</Table.Td>
                      <Table.Td align="right">
                        <Confirm label="End it" act={() => endToken(token.id)}>
                          Programs that use <b className="foreign">{token.name}</b> are refused from then on.
                        </Confirm>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Wide>
          )
        }
      </Asked>
      <div style={{ marginTop: 14 }}>
        {making ? (
          <Form
            action="Make the token"
            checks={{ name: filled("What it is for") }}
            submit={async (values) => {
              const chosen = scopes.map(([scope]) => scope).filter((scope) => values[scope] === scope);
              setMade(await makeToken((values.name ?? "").trim(), chosen, Number(values.days)));
              setMaking(false);
            }}
            beside={<Button onClick={() => setMaking(false)}>Leave it</Button>}
          >
            <Text name="name" label="What it is for" autoComplete="off" maxLength={64} autoFocus />
            <Checkbox.Group label="It may" defaultValue={["jobs:read", "jobs:write"]}>
              <Group mt={6} gap="sm">
                {scopes.map(([scope, words]) => (
                  <Checkbox key={scope} name={scope} value={scope} label={words} size="xs" />
                ))}
              </Group>
            </Checkbox.Group>
            <NativeSelect
              name="days"
              label="Ends after"
              defaultValue="90"
              data={[
                { value: "7", label: "a week" },
                { value: "90", label: "three months" },
                { value: "365", label: "a year" },
                { value: "3650", label: "ten years" },
              ]}
            />
          </Form>
        ) : (
          <Button onClick={() => setMaking(true)}>New token</Button>
        )}
      </div>
    </Panel>
  );
}

function AuthorKeys() {
  const keys = useKeys();
  const [adding, setAdding] = useState(false);
  return (
    <Panel title="Author keys" note="programs signed with them are yours">
      <Asked query={keys}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">
              None yet. `fallow submit` and this page's wizard register theirs by themselves.
            </p>
          ) : (
            <Table>
              <Table.Thead className="hidden">
                <Table.Tr>
                  <Table.Th>Key</Table.Th>
                  <Table.Th>What to do</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((key) => (
                  <Table.Tr key={key.key}>
                    <Table.Td>
                      <span className="foreign">{key.name}</span>
                      <div className="dim mono" title={key.key}>
                        {short(key.key, 16, 8)}
                      </div>
                    </Table.Td>
                    <Table.Td align="right">
                      <Confirm label="Forget it" act={() => removeKey(key.key)}>
                        New programs signed with this key are refused. What was accepted before stays.
                      </Confirm>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Asked>
      <div style={{ marginTop: 14 }}>
        {adding ? (
          <Form
            action="Register the key"
            checks={{
              key: (value) =>
                /^[0-9a-f]{64}$/i.test(value.trim()) ? undefined : "A public key is 64 hexadecimal letters.",
              name: filled("Where it is kept"),
            }}
            submit={async ({ key = "", name = "" }) => {
              await addKey(key.trim().toLowerCase(), name.trim());
              setAdding(false);
            }}
            beside={<Button onClick={() => setAdding(false)}>Leave it</Button>}
          >
            <Text
              name="key"
              label="Public key"
              autoComplete="off"
              spellCheck={false}
              maxLength={64}
              autoFocus
            />
            <Text name="name" label="Where it is kept" autoComplete="off" maxLength={64} />
          </Form>
        ) : (
          <Button onClick={() => setAdding(true)}>Register a key</Button>
        )}
      </div>
    </Panel>
  );
}
