/** What keeps the account safe: the password, the second factor, where one is logged in. */
import { Button, Group, SimpleGrid, Text as Words } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { Copy } from "@/parts/Copy";
import { filled, newPassword } from "@/parts/form/checks";
import { Code, Form, Secret, Text } from "@/parts/form/Form";
import { Secure } from "@/parts/form/Secure";
import { Columns, Panel, Stack } from "@/parts/Page";
import { Loading } from "@/parts/States";
import { beginTotp, changePassword, confirmTotp, removeTotp, type Self } from "./query";
import { Sessions } from "./Sessions";

const Qr = lazy(() => import("@/parts/form/Qr").then(({ Qr }) => ({ default: Qr })));

export function Safety({ self }: { self: Self }) {
  return (
    <Columns>
      <Stack>
        <SecondFactor self={self} />
        <Sessions self={self} />
      </Stack>
      <Password self={self} />
    </Columns>
  );
}

function Password({ self }: { self: Self }) {
  const [changed, setChanged] = useState(0);
  if (!self.hasPassword)
    return (
      <Panel title="Password">
        <p className="dim">This account has none: it is used by tokens only.</p>
      </Panel>
    );
  return (
    <Panel title="Password">
      <Form
        key={changed}
        action="Change the password"
        checks={{ current: filled("Your password"), new: newPassword }}
        fieldOf={{ "wrong-credentials": "current", "bad-password": "new" }}
        submit={async ({ current = "", new: next = "" }) => {
          await changePassword(current, next);
          setChanged(changed + 1);
        }}
      >
        <input
          type="text"
          name="username"
          autoComplete="username"
          value={self.email ?? self.name}
          readOnly
          hidden
        />
        <Secret name="current" label="Password until now" autoComplete="current-password" />
        <Secret
          name="new"
          label="New password"
          description="10 characters at least"
          autoComplete="new-password"
        />
      </Form>
      {changed > 0 && (
        <p role="status" className="dim" style={{ marginTop: 12 }}>
          Changed. All other browsers are logged out.
        </p>
      )}
    </Panel>
  );
}

/** Off; a secret to be scanned; codes to be kept; on. */
function SecondFactor({ self }: { self: Self }) {
  const [secret, setSecret] = useState<{ secret: string; url: string }>();
  const [codes, setCodes] = useState<string[]>();
  if (codes) return <Recovery codes={codes} onKept={() => setCodes(undefined)} />;
  if (self.totp)
    return (
      <Panel title="Second factor" note="on">
        <p className="dim" style={{ marginBottom: 12 }}>
          Logging in asks for a code of your authenticator besides the password.
        </p>
        <Secure
          label="Turn it off"
          says="From then on the password alone is enough. Recovery codes are worth nothing any more."
          checks={{ password: filled("Your password"), code: filled("A code") }}
          fieldOf={{ "wrong-credentials": "password", "second-factor": "code" }}
          act={({ password = "", code = "" }) => removeTotp(password, code.trim())}
        >
          <Secret name="password" label="Password" autoComplete="current-password" />
          <Code />
        </Secure>
      </Panel>
    );
  if (secret)
    return (
      <Panel title="Second factor" note="step 2 of 2">
        <Group align="flex-start" gap="lg">
          <Suspense fallback={<Loading lines={3} height={40} />}>
            <Qr text={secret.url} label="QR code of the secret; it stands below as text as well" />
          </Suspense>
          <div style={{ flex: "1 1 260px", minWidth: 0, display: "grid", gap: 14 }}>
            <p>Scan this with an authenticator, or type the secret in:</p>
            <Copy text={secret.secret} />
            <Form
              action="Turn it on"
              checks={{ code: filled("The code") }}
              fieldOf={{ "second-factor": "code", "bad-code": "code" }}
              submit={async ({ code = "" }) => {
                setCodes(await confirmTotp(code.trim()));
                setSecret(undefined);
              }}
              beside={<Button onClick={() => setSecret(undefined)}>Leave it</Button>}
            >
              <Text
                name="code"
                label="Code that it shows now"
                autoComplete="one-time-code"
                inputMode="numeric"
                maxLength={10}
                autoFocus
              />
            </Form>
          </div>
        </Group>
      </Panel>
    );
  return (
    <Panel title="Second factor" note="off">
      <p className="dim" style={{ marginBottom: 12 }}>
        With it, nobody who learns your password can log in: a code of an authenticator app on your phone is
        needed too.
      </p>
      {self.hasPassword && (
        <Secure
          label="Turn it on"
          says="Your password first. Then an authenticator app is given a secret."
          checks={{ password: filled("Your password") }}
          fieldOf={{ "wrong-credentials": "password" }}
          act={async ({ password = "" }) => setSecret(await beginTotp(password))}
        >
          <Secret name="password" label="Password" autoComplete="current-password" data-autofocus />
        </Secure>
      )}
    </Panel>
  );
}

function Recovery({ codes, onKept }: { codes: string[]; onKept: () => void }) {
  return (
    <Panel title="Recovery codes" note="shown once">
      <p role="status">
        The second factor is on. Keep these codes where you keep important papers: each of them logs you in
        once when the authenticator is lost.
      </p>
      <SimpleGrid cols={{ base: 2, sm: 5 }} spacing="xs" my="md">
        {codes.map((code) => (
          <Words key={code} ff="monospace" size="sm">
            {code}
          </Words>
        ))}
      </SimpleGrid>
      <Copy text={codes.join("\n")} label="Copy all" />
      <Button mt="md" variant="filled" onClick={onKept}>
        I have kept them
      </Button>
    </Panel>
  );
}
