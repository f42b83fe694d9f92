import { ActionIcon, Menu, SegmentedControl, useMantineColorScheme } from "@mantine/core";
import { choose, LANGUAGES, type Language } from "../shared/language";
import { CALENDARS, type Calendar, chooseCalendar, useCalendar } from "./preferences";
import styles from "./Shell.module.css";
import { signOut, useUser } from "./session";
import { useLanguage } from "./text";
import { useAppText } from "./texts";
import { Icon } from "./ui/icons";

const NAMES: Record<Language, string> = { en: "English", fa: "فارسی" };
const SCHEMES = ["light", "dark", "auto"] as const;

export function UserMenu() {
  const t = useAppText();
  const user = useUser();
  return (
    <Menu position="bottom-end" width={300} closeOnItemClick={false} trapFocus={false}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("user.menu")}>
          <Icon name="user" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={styles.who}>
          <strong>
            <bdi>{user.name}</bdi>
          </strong>
          <span>
            {t(`roles.${user.role}`)} · <bdi>{user.email}</bdi>
          </span>
        </div>
        <Menu.Divider />
        <Preferences />
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="signOut" size={18} />} onClick={() => void signOut()}>
          {t("user.signOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Preferences() {
  const t = useAppText();
  const language = useLanguage();
  const calendar = useCalendar();
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  return (
    <div className={styles.preferences}>
      <Choice
        label={t("user.language")}
        value={language}
        options={LANGUAGES.map((one) => ({ value: one, label: NAMES[one] }))}
        onChange={(one) => void choose(one as Language)}
      />
      <Choice
        label={t("user.calendar")}
        value={calendar}
        options={CALENDARS.map((one) => ({ value: one, label: t(`user.${one}`) }))}
        onChange={(one) => chooseCalendar(one as Calendar)}
      />
      <Choice
        label={t("user.scheme")}
        value={colorScheme}
        options={SCHEMES.map((one) => ({ value: one, label: t(`user.${one}`) }))}
        onChange={(one) => setColorScheme(one as (typeof SCHEMES)[number])}
      />
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: { value: string; label: string }[];
  onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <div>
      <span aria-hidden="true">{label}</span>
      <SegmentedControl
        fullWidth
        size="xs"
        aria-label={label}
        value={value}
        data={options}
        onChange={onChange}
        withItemsBorders={false}
      />
    </div>
  );
}
