import { defineTexts } from "../../../text";

const en = {
  title: "Devices",
  about: "Panels at the doors and hosts of cameras, and whether they are heard of.",
  search: "Search by name",
  none: "No device is paired yet. Open the panel page on a tablet: it shows a code to enter here.",
  pair: "Pair a panel",
  pairAbout:
    "The panel's page shows a code of eight letters and digits. Enter it while it is shown.",
  code: "Code on the panel",
  codeWrong: "A code has eight letters and digits.",
  name: "Name",
  nameAbout: "By which you know it here, such as where it hangs.",
  room: "Room",
  kind: "Kind",
  panel: "Panel",
  edge: "Camera host",
  state: "State",
  online: "Online",
  offline: "Offline",
  never_seen: "Never seen",
  seen: "Last seen",
  version: "Version",
  battery: "Battery",
  paired: "{{name}} is the panel of {{room}} now",
  revoke: "Revoke",
  revokeOf: "Revoke {{name}}",
  revokeTitle: "Revoke {{name}}?",
  panelFollows:
    "The panel shows nothing of its room within seconds, and a new code to pair it with.",
  edgeFollows:
    "The host's counts are refused from now on. It needs a new token, which is made on the command line.",
  revoked: "{{name}} is revoked",
};

const fa: typeof en = {
  title: "دستگاه‌ها",
  about: "پنل‌های کنار درها و میزبان‌های دوربین، و اینکه از آن‌ها خبری هست یا نه.",
  search: "جستجوی نام",
  none: "هنوز دستگاهی جفت نشده است. صفحهٔ پنل را در یک تبلت باز کنید: کدی نشان می‌دهد که اینجا وارد می‌شود.",
  pair: "جفت کردن پنل",
  pairAbout: "صفحهٔ پنل کدی از هشت حرف و رقم نشان می‌دهد. تا نمایان است آن را وارد کنید.",
  code: "کد روی پنل",
  codeWrong: "کد هشت حرف و رقم دارد.",
  name: "نام",
  nameAbout: "نامی که اینجا با آن می‌شناسیدش، مانند جای نصب.",
  room: "اتاق",
  kind: "نوع",
  panel: "پنل",
  edge: "میزبان دوربین",
  state: "وضعیت",
  online: "برخط",
  offline: "برون‌خط",
  never_seen: "هرگز دیده نشده",
  seen: "آخرین دیدار",
  version: "نسخه",
  battery: "باتری",
  paired: "{{name}} اکنون پنل {{room}} است",
  revoke: "ابطال",
  revokeOf: "ابطال {{name}}",
  revokeTitle: "{{name}} باطل شود؟",
  panelFollows:
    "پنل تا چند ثانیه دیگر چیزی از اتاق نشان نمی‌دهد و کد تازه‌ای برای جفت کردن نشان می‌دهد.",
  edgeFollows:
    "از این پس شمارش‌های این میزبان پذیرفته نمی‌شود. توکن تازه‌ای لازم دارد که در خط فرمان ساخته می‌شود.",
  revoked: "{{name}} باطل شد",
};

export const useDevicesText = defineTexts("manage.devices", en, fa);
