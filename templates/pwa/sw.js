// What happens while no page is open: a push message is shown, and a page that cannot be fetched is
// stood in for. Kept are the files of the offline page and nothing else: no page, no answer, no name.

const KEPT = "teaminbox-{{ version|escapejs }}";
const OFFLINE = "{{ offline_url|escapejs }}";
const ICON = "{{ icon|escapejs }}";
const TOLD_MS = 15_000;
const APP = "{{ app_name|escapejs }}";
const FILES = [{% for file in files %}"{{ file|escapejs }}", {% endfor %}];

// Without cookies: what is kept is nobody's.
const plain = (url) => new Request(url, { cache: "reload", credentials: "omit" });

addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(KEPT)
      .then((kept) => kept.addAll([OFFLINE, ...FILES].map(plain)))
      .then(() => skipWaiting()),
  );
});

addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names
            .filter((name) => name.startsWith("teaminbox-") && name !== KEPT)
            .map((name) => caches.delete(name)),
        ),
      )
      .then(() => clients.claim()),
  );
});

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => standIn(OFFLINE)));
    return;
  }
  const url = new URL(request.url);
  if (url.origin === location.origin && FILES.includes(url.pathname)) {
    event.respondWith(fetch(request).catch(() => standIn(url.pathname)));
  }
});

async function standIn(path) {
  const found = await (await caches.open(KEPT)).match(path, { ignoreVary: true });
  return found ?? Response.error();
}

// --- push ----------------------------------------------------------------------------------------

addEventListener("push", (event) => {
  event.waitUntil(heard(read(event.data)));
});

function read(data) {
  try {
    return data.json();
  } catch {
    return {};
  }
}

async function heard(said) {
  if (said.type === "left") return takeBack(said.tag);
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of pages) page.postMessage({ type: "pushed", kind: said.type, tag: said.tag });
  // Whoever looks at the conversation sees it there.
  if (said.url && pages.some((page) => page.focused && new URL(page.url).pathname === said.url)) {
    return;
  }
  const tag = said.tag || "teaminbox";
  const [told] = await registration.getNotifications({ tag });
  // A page that lies behind told it a moment ago, in the words this browser's reader wants.
  const isTold = said.type === "notice" && told && Date.now() - told.timestamp < TOLD_MS;
  await registration.showNotification(isTold ? told.title : said.title || APP, {
    body: isTold ? told.body : said.body || "",
    tag,
    icon: ICON,
    badge: ICON,
    renotify: !isTold,
    data: { url: said.url || "/" },
  });
}

async function takeBack(tag) {
  for (const one of await registration.getNotifications({ tag })) one.close();
}

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.url ?? "/"));
});

async function open(path) {
  const url = new URL(path, location.origin);
  if (url.origin !== location.origin) return;
  const pages = await clients.matchAll({ type: "window" });
  const there = pages.find((page) => new URL(page.url).pathname.startsWith("/inbox/"));
  if (!there) {
    await clients.openWindow(url.href);
    return;
  }
  await there.focus();
  there.postMessage({ type: "open", url: url.pathname });
}
