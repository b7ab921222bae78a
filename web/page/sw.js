// Keeps the lesson for reading offline. files.json, which web/build writes, says what there is: the page's own files are kept
// at once, data when it is first asked for. A new version has a new address (?version=…), and so a new worker and a new store.

const STORE = `elman-lesson-${new URL(location.href).searchParams.get("version")}`;

self.addEventListener("install", (event) => {
    const keep = async () => {
        const { files } = await (await fetch("files.json", { cache: "no-cache" })).json();
        const store = await caches.open(STORE);
        await store.addAll(["./", "files.json", ...files].map((file) => new Request(file, { cache: "no-cache" })));
    };
    event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
    const clean = async () => {
        const names = await caches.keys();
        await Promise.all(names.filter((name) => name.startsWith("elman-lesson-") && name !== STORE).map((name) => caches.delete(name)));
        await self.clients.claim();
    };
    event.waitUntil(clean());
});

/** Whether there is something new is asked of the host; without it, what was there last time is. */
async function newest(request) {
    try {
        return await fetch(request, { cache: "no-cache" });
    } catch {
        return (await (await caches.open(STORE)).match(request)) ?? Response.error();
    }
}

async function kept(request) {
    const store = await caches.open(STORE);
    const found = await store.match(request, { ignoreSearch: true });
    if (found) return found;
    const response = await fetch(request);
    if (response.ok && new URL(request.url).pathname.includes("/data/")) await store.put(request, response.clone());
    return response;
}

self.addEventListener("fetch", (event) => {
    const { request } = event;
    if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
    event.respondWith(request.url.endsWith("/files.json") ? newest(request) : kept(request));
});
