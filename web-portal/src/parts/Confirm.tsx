/** A button whose deed cannot be undone: it asks once, says what will happen, and shows why it failed. */
import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type ReactNode, useState } from "react";
import { Failure } from "./States";

export function Confirm(props: {
  /** Word on the button, also in the question: "Cancel job". */
  label: string;
  /** What will happen. */
  children: ReactNode;
  act: () => Promise<unknown>;
  danger?: boolean;
  disabled?: boolean;
}) {
  const [opened, { open, close }] = useDisclosure(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const act = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await props.act();
      close();
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button onClick={open} disabled={props.disabled ?? false}>
        {props.label}
      </Button>
      <Modal opened={opened} onClose={close} title={`${props.label}?`}>
        <Stack gap="sm">
          <Text size="sm" component="div">
            {props.children}
          </Text>
          {error ? <Failure error={error} /> : null}
          <Group justify="flex-end" gap="xs">
            <Button onClick={close} data-autofocus>
              Leave it
            </Button>
            <Button
              variant="filled"
              color={props.danger ? "var(--t-fail)" : "accent"}
              loading={busy}
              onClick={act}
            >
              {props.label}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
