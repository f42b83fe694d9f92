import { Button, NativeSelect, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { components } from "../../../../shared/contracts/university";
import { api, take } from "../../../api";
import { useErrorWords } from "../../../errors";
import { type Role, useUser } from "../../../session";
import { useAppText } from "../../../texts";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { toast } from "../../../ui/toast";
import { Confirm, Fields, FormDialog } from "../parts/Dialog";
import { useDraft } from "../parts/form";
import {
  Badge,
  type Column,
  List,
  partOptions,
  RowButton,
  RowButtons,
  SearchField,
  Toolbar,
} from "../parts/List";
import { ROWS, useListState } from "../parts/list";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import { useUsersText } from "./texts";

type User = components["schemas"]["WholeUser"];

const ROLES: readonly Role[] = ["STUDENT", "FACULTY", "STAFF", "ADMIN"];
const TONES = { ADMIN: "warn", FACULTY: "info", STAFF: "info", STUDENT: "plain" } as const;

export default function UsersPage() {
  const t = useUsersText();
  const app = useAppText();
  const errorWords = useErrorWords();
  const state = useListState();
  const cache = useQueryClient();
  const myself = useUser().id;
  const [edited, setEdited] = useState<User | "new">();
  const [leaving, setLeaving] = useState<User>();
  const query = useQuery({
    queryKey: ["users", "list", state.search, state.page],
    queryFn: async ({ signal }) => {
      const { data } = await take(
        api.university.GET("/api/admin/users", {
          params: {
            query: {
              whole: true,
              page: String(state.page),
              limit: String(ROWS),
              ...(state.search && { search: state.search }),
            },
          },
          signal,
        }),
      );
      return { rows: data.data as User[], count: data.pagination.total };
    },
    ...partOptions,
  });
  const activate = useMutation({
    mutationFn: ({ user, isActive }: { user: User; isActive: boolean }) =>
      take(
        api.university.PATCH("/api/admin/users/{user_id}", {
          params: { path: { user_id: user.id } },
          body: { isActive },
        }),
      ),
    onSuccess: ({ data }) => {
      toast("good", t(data.isActive ? "opened" : "closed", { name: data.name }));
      return cache.invalidateQueries({ queryKey: ["users"] });
    },
  });
  const columns: Column<User>[] = [
    {
      name: t("name"),
      cell: ({ id, name, email }) => (
        <>
          <bdi>{name}</bdi>
          {id === myself && ` (${t("you")})`}
          <span className={parts.more}>
            <bdi>{email}</bdi>
          </span>
        </>
      ),
    },
    {
      name: t("role"),
      cell: ({ role }) => <Badge tone={TONES[role]}>{app(`roles.${role}`)}</Badge>,
    },
    { name: t("department"), cell: ({ department }) => <bdi>{department ?? "–"}</bdi> },
    {
      name: t("state"),
      cell: ({ isActive }) => (
        <Badge tone={isActive ? "good" : "plain"}>{t(isActive ? "active" : "inactive")}</Badge>
      ),
    },
    {
      name: "",
      cell: (user) => (
        <RowButtons>
          <RowButton
            icon="edit"
            label={t("editOf", { name: user.name })}
            onClick={() => setEdited(user)}
          />
          {user.id !== myself &&
            (user.isActive ? (
              <RowButton
                icon="lock"
                label={t("closeOf", { name: user.name })}
                isDanger
                onClick={() => setLeaving(user)}
              />
            ) : (
              <RowButton
                icon="check"
                label={t("openOf", { name: user.name })}
                onClick={() =>
                  activate.mutate(
                    { user, isActive: true },
                    { onError: (error) => toast("bad", errorWords(error)) },
                  )
                }
              />
            ))}
        </RowButtons>
      ),
    },
  ];
  return (
    <>
      <PageHeader title={t("title")} description={t("about")}>
        <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setEdited("new")}>
          {t("new")}
        </Button>
      </PageHeader>
      <Toolbar>
        <SearchField state={state} label={t("search")} />
      </Toolbar>
      <List
        label={t("title")}
        query={query}
        state={state}
        rowKey={({ id }) => id}
        columns={columns}
        isFaded={({ isActive }) => !isActive}
        icon="people"
        empty={t("none")}
      />
      {edited !== undefined && (
        <UserEditor
          user={edited === "new" ? undefined : edited}
          close={() => setEdited(undefined)}
        />
      )}
      {leaving && (
        <Confirm
          title={t("closeTitle", { name: leaving.name })}
          action={t("close")}
          act={async () => {
            await activate.mutateAsync({ user: leaving, isActive: false });
            setLeaving(undefined);
          }}
          close={() => setLeaving(undefined)}
        >
          <p>{t("closeFollows", { name: leaving.name })}</p>
        </Confirm>
      )}
    </>
  );
}

const isPassword = (text: string) => text.length >= 8 && text.length <= 128;

function UserEditor({ user, close }: { user: User | undefined; close: () => void }) {
  const t = useUsersText();
  const say = usePartsText();
  const app = useAppText();
  const cache = useQueryClient();
  const isMyself = useUser().id === user?.id;
  const draft = useDraft({
    name: user?.name ?? "",
    email: user?.email ?? "",
    username: user?.username ?? "",
    role: user?.role ?? ("STUDENT" as Role),
    department: user?.department ?? "",
    password: "",
  });
  const { values, wrong, set } = draft;
  return (
    <FormDialog
      title={t(user ? "edit" : "new")}
      draft={draft}
      check={({ name, email, password }) => ({
        name: name.trim() ? "" : say("required"),
        email: /^[^\s@]+@[^\s@]+$/.test(email.trim()) ? "" : t("emailWrong"),
        password: (user && password === "") || isPassword(password) ? "" : t("weak"),
      })}
      save={async ({ name, email, username, role, department, password }) => {
        const about = { name, role, department: department.trim() || null };
        await take(
          user
            ? api.university.PATCH("/api/admin/users/{user_id}", {
                params: { path: { user_id: user.id } },
                body: {
                  name,
                  department: about.department,
                  ...(role !== user.role && { role }),
                  ...(password && { password }),
                },
              })
            : api.university.POST("/api/admin/users", {
                body: { ...about, email, password, username: username.trim() || null },
              }),
        );
        toast("good", say("saved"));
        close();
        await cache.invalidateQueries({ queryKey: ["users"] });
      }}
      close={close}
    >
      <TextInput
        label={t("name")}
        value={values.name}
        error={wrong.name}
        maxLength={200}
        dir="auto"
        autoComplete="off"
        data-autofocus
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <Fields>
        <TextInput
          label={t("email")}
          type="email"
          value={values.email}
          error={wrong.email}
          maxLength={254}
          dir="ltr"
          autoComplete="off"
          readOnly={user !== undefined}
          variant={user ? "filled" : "default"}
          onChange={(event) => set({ email: event.currentTarget.value })}
        />
        {!user && (
          <TextInput
            label={`${t("username")} (${say("optional")})`}
            description={t("usernameAbout")}
            inputWrapperOrder={["label", "input", "description", "error"]}
            value={values.username}
            error={wrong.username}
            maxLength={100}
            dir="ltr"
            autoComplete="off"
            onChange={(event) => set({ username: event.currentTarget.value })}
          />
        )}
      </Fields>
      <Fields>
        <NativeSelect
          label={t("role")}
          description={isMyself ? t("ownRole") : t(`roleAbout.${values.role}`)}
          value={values.role}
          error={wrong.role}
          disabled={isMyself}
          data={ROLES.map((role) => ({ value: role, label: app(`roles.${role}`) }))}
          inputWrapperOrder={["label", "input", "description", "error"]}
          onChange={(event) => set({ role: event.currentTarget.value as Role })}
        />
        <TextInput
          label={`${t("department")} (${say("optional")})`}
          value={values.department}
          error={wrong.department}
          maxLength={200}
          dir="auto"
          onChange={(event) => set({ department: event.currentTarget.value })}
        />
      </Fields>
      <PasswordInput
        label={t(user ? "newPassword" : "password")}
        description={t(user ? "newPasswordAbout" : "passwordAbout")}
        value={values.password}
        error={wrong.password}
        maxLength={200}
        dir="ltr"
        autoComplete="new-password"
        visibilityToggleButtonProps={{ "aria-hidden": true }}
        onChange={(event) => set({ password: event.currentTarget.value })}
      />
    </FormDialog>
  );
}
