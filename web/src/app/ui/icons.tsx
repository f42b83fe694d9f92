/** Icons of 24 by 24, drawn by strokes. One that points forward or back turns with the language. */
const PATHS = {
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm4.8-1.7L20 20",
  timeline: "M4 4v16h16M8 8h6M11 12h8M8 16h5",
  bookings: "M5 6h14v14H5zM5 10h14M9 3v4M15 3v4M9 14.5l2 2 4-4",
  requests: "M4 13h4l1.5 3h5L16 13h4M4 13v6h16v-6M4 13l3-8h10l3 8",
  rooms: "M5 21V4h10v17M15 8h4v13M3 21h18M11.5 12.5v1",
  building: "M5 21V3h9v18M14 9h5v12M3 21h18M8 7h3M8 11h3M8 15h3",
  live: "M12 13.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3ZM8 16a5.7 5.7 0 0 1 0-8M16 8a5.7 5.7 0 0 1 0 8M5 19a10 10 0 0 1 0-14M19 5a10 10 0 0 1 0 14",
  camera: "M4 8h11v9H4zM15 11l5-3v9l-5-3",
  alert: "M12 4 3 20h18zM12 10v4.5M12 17.3v.2",
  history: "M4 12a8 8 0 1 0 2.6-5.9M4 4v4h4M12 8v4.5l3 2",
  chart: "M4 20h16M7 20v-7M12 20V5M17 20v-10",
  ghost: "M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5a7.5 7.5 0 0 1 10-7M16 16l5 5M21 16l-5 5",
  compare: "M4 20h16M6 20v-6M10 20V6M14 20v-9M18 20V9",
  report: "M6 3h9l4 4v14H6zM9 17v-3M12.500 17v-6M16 17v-2",
  heatmap:
    "M4 4h4v4H4zM10 4h4v4h-4zM16 4h4v4h-4zM4 10h4v4H4zM10 10h4v4h-4zM16 10h4v4h-4zM4 16h4v4H4zM10 16h4v4h-4zM16 16h4v4h-4z",
  terms: "M12 6c-2-1.5-5-2-8-2v14c3 0 6 .5 8 2 2-1.5 5-2 8-2V4c-3 0-6 .5-8 2ZM12 6v14",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20a6.5 6.5 0 0 1 13 0M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.3a6.5 6.5 0 0 1 3.5 5.7",
  device: "M5 4h14v13H5zM9 21h6M12 17v4",
  webhook:
    "M9 10a3.5 3.5 0 1 1 5 0l3 5.5M17 15.5a2.7 2.7 0 1 1-2.6 3.5H8.5a2.7 2.7 0 1 1-1.3-3.2L9.6 11",
  audit: "M6 3h9l4 4v14H6zM9 11h7M9 15h7M9 7h3",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3M12 14.5v2",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4ZM10 21h4",
  menu: "M4 6h16M4 12h16M4 18h16",
  close: "M6 6l12 12M18 6 6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  back: "M15 5l-7 7 7 7",
  forward: "M9 5l7 7-7 7",
  down: "M5 9l7 7 7-7",
  calendar: "M5 6h14v14H5zM5 10h14M9 3v4M15 3v4",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5.5l3.5 2",
  seats: "M12 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM5 20a7 7 0 0 1 14 0",
  repeat:
    "M5 12V9.5A3.5 3.5 0 0 1 8.5 6H19M16 3l3 3-3 3M19 12v2.5a3.5 3.5 0 0 1-3.5 3.5H5M8 21l-3-3 3-3",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7L12 7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7L12 17",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  edit: "M4 20h4L19 9l-4-4L4 16ZM13 7l4 4",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
  settings:
    "M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  user: "M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5a7.5 7.5 0 0 1 15 0",
  signOut: "M14 4H5v16h9M10 12h10M17 9l3 3-3 3",
  offline:
    "M3 3l18 18M5 12.5a10 10 0 0 1 4-2.4M2.5 9a14 14 0 0 1 4-2.6M12 6c3.7 0 7 1.2 9.5 3.2M15.5 11c1.3.5 2.5 1 3.5 1.8M8.5 16a5.5 5.5 0 0 1 7 0M12 19.5v.2",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5.5M12 7.5v.2",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  upload: "M12 16V5M7 9l5-5 5 5M5 20h14",
  print: "M7 9V4h10v5M7 16H4V9h16v7h-3M7 13h10v7H7z",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 5v14",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z",
  globe:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM3 12h18M12 3c2.5 2.5 3.7 5.5 3.7 9s-1.2 6.5-3.7 9c-2.5-2.5-3.7-5.5-3.7-9S9.5 5.500 12 3Z",
  more: "M5.5 12h.1M12 12h.1M18.500 12h.1",
} as const;

export type IconName = keyof typeof PATHS;

const TURNED: ReadonlySet<IconName> = new Set(["back", "forward", "signOut", "timeline", "camera"]);

interface Props {
  name: IconName;
  size?: number;
}

/** It says nothing by itself: whatever it stands for is written beside it, or is its button's label. */
export function Icon({ name, size = 20 }: Props) {
  return (
    <svg
      className={TURNED.has(name) ? "turned" : undefined}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === "more" ? 3 : 1.7}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
