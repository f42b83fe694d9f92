import type { components } from "../../../../shared/contracts/circle_time";
import { useWebhooksText } from "./texts";

export type Webhook = components["schemas"]["WebhookView"];
export type Delivery = components["schemas"]["DeliveryView"];

export const EVENTS = [
  "created",
  "requested",
  "approved",
  "rejected",
  "changed",
  "cancelled",
  "checked_in",
  "ended",
  "completed",
  "released",
  "displaced",
] as const;
export type EventName = (typeof EVENTS)[number];

/** Says an event such as `booking.created`; one that we do not know, by its name. */
export function useEventWords(): (event: string) => string {
  const t = useWebhooksText();
  return (event) => {
    const name = EVENTS.find((one) => event === `booking.${one}`);
    return name ? t(`eventNames.${name}`) : event;
  };
}
