/** A forgotten password: where the link goes, and the new one. */
import { Anchor, Button } from "@mantine/core";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useOnce } from "@/app/link";
import { email, newPassword } from "@/parts/form/checks";
import { Form, Secret, Text } from "@/parts/form/Form";
import { Page } from "@/parts/Page";
import { Sent } from "@/parts/Sent";
import { ask, choose } from "./query";

export function ForgotView() {
  const [sentTo, setSentTo] = useState<string>();
  if (sentTo)
    return (
      <Page title="Look into your mail">
        <Sent to={sentTo}>
          If an account has this address, the link in it lets you choose a new password for an hour.
        </Sent>
      </Page>
    );
  return (
    <Page title="Forgotten password">
      <Form
        action="Send the link"
        checks={{ email }}
        submit={async ({ email = "" }) => {
          await ask(email.trim());
          setSentTo(email.trim());
        }}
        beside={
          <Anchor component={Link} to="/login" size="sm">
            Back to the log-in
          </Anchor>
        }
      >
        <Text
          name="email"
          type="email"
          label="E-mail"
          description="The address of your account"
          autoComplete="username"
          maxLength={254}
          autoFocus
        />
      </Form>
    </Page>
  );
}

export function ResetView() {
  const token = useOnce(useSearch({ from: "/alone/reset" }).token);
  const [done, setDone] = useState(false);
  if (done)
    return (
      <Page title="Your password is changed">
        <p>All browsers that were logged in are logged out.</p>
        <Button component={Link} to="/login" variant="filled" size="sm" mt="md">
          Log in
        </Button>
      </Page>
    );
  return (
    <Page title="Choose a new password">
      <Form
        action="Change the password"
        checks={{ password: newPassword }}
        fieldOf={{ "bad-password": "password" }}
        submit={async ({ password = "" }) => {
          await choose(token, password);
          setDone(true);
        }}
      >
        <Secret
          name="password"
          label="New password"
          description="10 characters at least"
          autoComplete="new-password"
          autoFocus
        />
      </Form>
    </Page>
  );
}
