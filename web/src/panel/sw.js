// Lets the panel page begin when the gateway cannot be reached. What it asks of the API passes by.

const BUILD = __BUILD__;
const FILES = __FILES__;
const PAGE = "/panel/";

self.addEventListener("install", (event) => {
  const keep = async () => (await caches.open(BUILD)).addAll([PAGE, ...FILES]);
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    const old = (await caches.keys()).filter((name) => name !== BUILD);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

self.addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (event.request.mode === "navigate" && pathname === PAGE) {
    event.respondWith(newest(event.request));
  } else if (FILES.includes(pathname)) {
    event.respondWith(caches.match(pathname).then((kept) => kept ?? fetch(event.request)));
  }
});

async function newest(request) {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(4000) });
    if (answer.ok) return answer;
  } catch {
    // There is no network: what is kept will do.
  }
  return (await caches.match(PAGE)) ?? Response.error();
}
