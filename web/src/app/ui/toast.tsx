import { notifications } from "@mantine/notifications";
import { Icon } from "./icons";

const ICONS = { good: "check", bad: "alert", info: "info" } as const;
const COLORS = { good: "teal", bad: "red", info: "blue" } as const;
const SHOWN_FOR_MS = { good: 5000, bad: 12_000, info: 9000 };

/** Says shortly what has come of something; screen readers say it too. */
export function toast(kind: "good" | "bad" | "info", text: string, title?: string): void {
  notifications.show({
    message: text,
    title,
    color: COLORS[kind],
    icon: <Icon name={ICONS[kind]} size={18} />,
    autoClose: SHOWN_FOR_MS[kind],
    role: kind === "bad" ? "alert" : "status",
  });
}
