import type { ComponentType } from "react";
import type { Language } from "../shared/language";
import type { Role } from "./session";
import type { IconName } from "./ui/icons";

export const GROUPS = ["book", "run", "see", "understand"] as const;
export type Group = (typeof GROUPS)[number];

/**
 * A page of the app. Its script, styles and texts are loaded when it is opened.
 *
 * `path` is below /app and may have parameters (`/rooms/:id`); the page is in the navigation under
 * `group`, and nowhere without one. Without `roles` it is everybody's: roles decide what is shown,
 * and the server what is done.
 */
export interface PageEntry {
  path: string;
  name: Record<Language, string>;
  icon: IconName;
  group?: Group;
  roles?: readonly Role[];
  load: () => Promise<{ default: ComponentType }>;
}

const ADMINS: readonly Role[] = ["ADMIN"];
/** Who may keep rooms, unless the installation says otherwise. */
const KEEPERS: readonly Role[] = ["ADMIN", "FACULTY", "STAFF"];
const OPERATORS = ["ADMIN", "STAFF"] as const;

/** In the order of the navigation; on phones the first four have a place of their own. */
export const PAGES: readonly PageEntry[] = [
  {
    path: "/",
    name: { en: "Find a room", fa: "یافتن اتاق" },
    icon: "search",
    group: "book",
    load: () => import("./pages/booking/FindPage"),
  },
  {
    path: "/timeline",
    name: { en: "Timeline", fa: "جدول زمانی" },
    icon: "timeline",
    group: "book",
    load: () => import("./pages/booking/TimelinePage"),
  },
  {
    path: "/bookings",
    name: { en: "My bookings", fa: "رزروهای من" },
    icon: "bookings",
    group: "book",
    load: () => import("./pages/booking/MinePage"),
  },
  {
    path: "/notifications",
    name: { en: "Notifications", fa: "اعلان‌ها" },
    icon: "bell",
    group: "book",
    load: () => import("./pages/booking/NotificationsPage"),
  },
  {
    path: "/manage/requests",
    name: { en: "Requests", fa: "درخواست‌ها" },
    icon: "requests",
    group: "run",
    roles: ADMINS,
    load: () => import("./pages/manage/requests/RequestsPage"),
  },
  {
    path: "/manage/rooms",
    name: { en: "Rooms", fa: "اتاق‌ها" },
    icon: "rooms",
    group: "run",
    roles: KEEPERS,
    load: () => import("./pages/manage/rooms/RoomsPage"),
  },
  {
    path: "/manage/rooms/buildings",
    name: { en: "Buildings", fa: "ساختمان‌ها" },
    icon: "building",
    roles: KEEPERS,
    load: () => import("./pages/manage/rooms/BuildingsPage"),
  },
  {
    path: "/manage/rooms/amenities",
    name: { en: "Amenities", fa: "امکانات" },
    icon: "seats",
    roles: KEEPERS,
    load: () => import("./pages/manage/rooms/AmenitiesPage"),
  },
  {
    path: "/manage/terms",
    name: { en: "Terms", fa: "نیم‌سال‌ها" },
    icon: "terms",
    group: "run",
    roles: ADMINS,
    load: () => import("./pages/manage/terms/TermsPage"),
  },
  {
    path: "/manage/terms/:id",
    name: { en: "Term", fa: "نیم‌سال" },
    icon: "terms",
    roles: ADMINS,
    load: () => import("./pages/manage/terms/TermPage"),
  },
  {
    path: "/manage/closures",
    name: { en: "Closures", fa: "بسته‌ها و تعطیلات" },
    icon: "lock",
    group: "run",
    roles: ADMINS,
    load: () => import("./pages/manage/closures/BlackoutsPage"),
  },
  {
    path: "/manage/closures/holidays",
    name: { en: "Holidays", fa: "تعطیلات" },
    icon: "calendar",
    roles: ADMINS,
    load: () => import("./pages/manage/closures/HolidaysPage"),
  },
  {
    path: "/manage/rules",
    name: { en: "Booking rules", fa: "قواعد رزرو" },
    icon: "settings",
    group: "run",
    roles: ADMINS,
    load: () => import("./pages/manage/rules/PoliciesPage"),
  },
  {
    path: "/manage/rules/quotas",
    name: { en: "Quotas", fa: "سهمیه‌ها" },
    icon: "settings",
    roles: ADMINS,
    load: () => import("./pages/manage/rules/QuotasPage"),
  },
  {
    path: "/manage/users",
    name: { en: "Users", fa: "کاربران" },
    icon: "people",
    group: "run",
    roles: ADMINS,
    load: () => import("./pages/manage/users/UsersPage"),
  },
  {
    path: "/manage/devices",
    name: { en: "Devices", fa: "دستگاه‌ها" },
    icon: "device",
    group: "run",
    roles: ADMINS,
    load: () => import("./pages/manage/devices/DevicesPage"),
  },
  {
    path: "/manage/webhooks",
    name: { en: "Webhooks", fa: "وب‌هوک‌ها" },
    icon: "webhook",
    group: "run",
    roles: ADMINS,
    load: () => import("./pages/manage/webhooks/WebhooksPage"),
  },
  {
    path: "/manage/webhooks/:id",
    name: { en: "Deliveries", fa: "ارسال‌ها" },
    icon: "webhook",
    roles: ADMINS,
    load: () => import("./pages/manage/webhooks/DeliveriesPage"),
  },
  {
    path: "/manage/audit",
    name: { en: "Audit", fa: "ثبت کارها" },
    icon: "audit",
    group: "run",
    roles: ADMINS,
    load: () => import("./pages/manage/audit/AuditPage"),
  },
  {
    path: "/understand",
    name: { en: "Key figures", fa: "شاخص‌ها" },
    icon: "chart",
    group: "understand",
    roles: ["ADMIN"],
    load: () => import("./pages/understand/KpiPage"),
  },
  {
    path: "/understand/rooms",
    name: { en: "Use of rooms", fa: "بهره‌گیری" },
    icon: "rooms",
    group: "understand",
    roles: ["ADMIN"],
    load: () => import("./pages/understand/RoomsPage"),
  },
  {
    path: "/understand/no-shows",
    name: { en: "No-shows", fa: "غیبت‌ها" },
    icon: "ghost",
    group: "understand",
    roles: ["ADMIN"],
    load: () => import("./pages/understand/GhostingPage"),
  },
  {
    path: "/understand/sizes",
    name: { en: "Room sizes", fa: "اندازهٔ اتاق‌ها" },
    icon: "seats",
    group: "understand",
    roles: ["ADMIN"],
    load: () => import("./pages/understand/CapacityPage"),
  },
  {
    path: "/understand/flow",
    name: { en: "People flow", fa: "رفت‌وآمد" },
    icon: "people",
    group: "understand",
    roles: ["ADMIN"],
    load: () => import("./pages/understand/FlowPage"),
  },
  {
    path: "/understand/real",
    name: { en: "Plan, booked, real", fa: "برنامه، رزرو، واقعیت" },
    icon: "compare",
    group: "understand",
    roles: ["ADMIN"],
    load: () => import("./pages/understand/RealityPage"),
  },
  {
    path: "/understand/reports",
    name: { en: "Weekly report", fa: "گزارش هفتگی" },
    icon: "report",
    group: "understand",
    roles: ["ADMIN"],
    load: () => import("./pages/understand/ReportsPage"),
  },
  {
    path: "/understand/seats",
    name: { en: "Seats of a term", fa: "صندلی‌های نیم‌سال" },
    icon: "heatmap",
    group: "understand",
    load: () => import("./pages/understand/SeatsPage"),
  },
  {
    path: "/live",
    name: { en: "Live", fa: "زنده" },
    icon: "live",
    group: "see",
    roles: OPERATORS,
    load: () => import("./pages/live/LivePage"),
  },
  {
    path: "/history",
    name: { en: "History", fa: "تاریخچه" },
    icon: "history",
    group: "see",
    roles: OPERATORS,
    load: () => import("./pages/live/HistoryPage"),
  },
  {
    path: "/cameras",
    name: { en: "Cameras", fa: "دوربین‌ها" },
    icon: "camera",
    group: "see",
    roles: OPERATORS,
    load: () => import("./pages/live/CamerasPage"),
  },
  {
    path: "/cameras/:id",
    name: { en: "Camera", fa: "دوربین" },
    icon: "camera",
    roles: OPERATORS,
    load: () => import("./pages/live/CameraPage"),
  },
  {
    path: "/alerts",
    name: { en: "Alerts", fa: "هشدارها" },
    icon: "alert",
    group: "see",
    roles: OPERATORS,
    load: () => import("./pages/live/AlertsPage"),
  },
];
