import { Button } from "@mantine/core";
import { Link } from "wouter";
import { useFormats } from "../formats";
import type { Role } from "../session";
import { useAppText } from "../texts";
import { PageHeader } from "./PageHeader";
import { Message } from "./states";

export function NotFound() {
  const t = useAppText();
  return (
    <>
      <PageHeader title={t("notFound.title")} />
      <Message icon="search" title={t("notFound.text")}>
        <Button component={Link} href="/">
          {t("notFound.home")}
        </Button>
      </Message>
    </>
  );
}

export function Forbidden({ roles }: { roles: readonly Role[] }) {
  const t = useAppText();
  const { list } = useFormats();
  const names = list(roles.map((role) => t(`roles.${role}`)));
  return (
    <>
      <PageHeader title={t("forbidden.title")} />
      <Message icon="lock" title={t("forbidden.text", { roles: names })} />
    </>
  );
}
