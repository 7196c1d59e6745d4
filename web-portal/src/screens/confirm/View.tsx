/** The account is made, and what comes next. */
import { Button, Group } from "@mantine/core";
import { Link, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useOnce } from "@/app/link";
import { Page } from "@/parts/Page";
import { Failure, Loading } from "@/parts/States";
import { confirmOnce } from "./query";

export function ConfirmView() {
  const token = useOnce(useSearch({ from: "/alone/confirm" }).token);
  const [name, setName] = useState<string>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    confirmOnce(token).then((me) => setName(me.name), setError);
  }, [token]);
  if (error)
    return (
      <Page title="This link does not work">
        <Failure error={error} />
        <Group mt="md">
          <Button component={Link} to="/login">
            Log in
          </Button>
          <Button component={Link} to="/register">
            Register again
          </Button>
        </Group>
      </Page>
    );
  if (name === undefined)
    return (
      <Page title="One moment">
        <Loading lines={2} />
      </Page>
    );
  return (
    <Page title={`Welcome, ${name}`} name="Welcome">
      <p>Your address is confirmed, and you are logged in. What would you like to do?</p>
      <Group mt="md">
        <Button component={Link} to="/jobs" variant="filled" size="sm">
          Have something computed
        </Button>
        <Button component={Link} to="/devices" size="sm">
          Lend a computer
        </Button>
      </Group>
    </Page>
  );
}
