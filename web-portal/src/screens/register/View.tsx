/** Name, address, password; then: look into your mail. */
import { Anchor } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { email, name, newPassword } from "@/parts/form/checks";
import { Form, Secret, Text } from "@/parts/form/Form";
import { Page } from "@/parts/Page";
import { Sent } from "@/parts/Sent";
import { mayRegister, useGrid } from "../login/query";
import { ask } from "./query";

export function RegisterView() {
  const grid = useGrid();
  const [sentTo, setSentTo] = useState<string>();
  if (sentTo)
    return (
      <Page title="Look into your mail">
        <Sent to={sentTo}>
          Follow the link in it within a day, and the account is made. Nothing came? Look among unwanted mail,
          or{" "}
          <Anchor component="button" type="button" inherit onClick={() => setSentTo(undefined)}>
            try again
          </Anchor>
          .
        </Sent>
      </Page>
    );
  if (!mayRegister(grid.data))
    return (
      <Page title="This grid is closed">
        <p>Accounts of {grid.data?.name ?? "this grid"} are made by its operator: ask there for one.</p>
        <p style={{ marginTop: 16 }}>
          <Anchor component={Link} to="/login">
            Log in
          </Anchor>
        </p>
      </Page>
    );
  return (
    <Page title="Make an account">
      <Form
        action="Make the account"
        checks={{ name, email, password: newPassword }}
        fieldOf={{
          "name-taken": "name",
          "bad-name": "name",
          "bad-email": "email",
          "bad-password": "password",
        }}
        submit={async ({ name = "", email = "", password = "" }) => {
          await ask(name.trim(), email.trim(), password);
          setSentTo(email.trim());
        }}
        beside={
          <Anchor component={Link} to="/login" size="sm">
            I have one
          </Anchor>
        }
      >
        <Text
          name="name"
          label="Name"
          description="Others see it beside your programs and in groups"
          autoComplete="nickname"
          maxLength={64}
          autoFocus
        />
        <Text
          name="email"
          type="email"
          label="E-mail"
          description="For the link that makes the account, and for a forgotten password"
          autoComplete="email"
          maxLength={254}
        />
        <Secret
          name="password"
          label="Password"
          description="10 characters at least"
          autoComplete="new-password"
        />
      </Form>
    </Page>
  );
}
