// The MinID app's service worker: keeps the app's own files, so that it opens without a network and says so, and wakes
// the person when something waits.
"use strict";
var KEPT = "minid-{% for url in kept %}{{ url }}{% endfor %}";
var FILES = ["/app"{% for url in kept %}, "{{ url }}"{% endfor %}];

self.addEventListener("install", function (event) {
  event.waitUntil(caches.open(KEPT).then(function (cache) { return cache.addAll(FILES); }).then(function () { return self.skipWaiting(); }));
});

self.addEventListener("activate", function (event) {
  event.waitUntil(caches.keys().then(function (names) {
    // The page's words are its own, and may be there before this worker is.
    var stays = [KEPT, "minid-words"];
    return Promise.all(names.filter(function (name) { return name.indexOf("minid-") === 0 && stays.indexOf(name) < 0; }).map(function (name) { return caches.delete(name); }));
  }).then(function () { return self.clients.claim(); }));
});

self.addEventListener("fetch", function (event) {
  var url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname === "/app") {
    event.respondWith(fetch(event.request).then(function (answer) {
      if (answer.ok) {
        var copy = answer.clone();
        caches.open(KEPT).then(function (cache) { cache.put("/app", copy); });
      }
      return answer;
    }).catch(function () { return caches.match("/app"); }));
  } else if (FILES.indexOf(url.pathname) > 0) {
    event.respondWith(caches.match(url.pathname).then(function (kept) { return kept || fetch(event.request); }));
  }
});

// What the page has left for us: the words of the reader's language.
function words() {
  return caches.open("minid-words").then(function (cache) { return cache.match("/app/words"); })
    .then(function (kept) { return kept ? kept.json() : { title: "MinID", body: "" }; });
}

// What kind of thing waits: a login, unless the push says otherwise.
function is_about_password(event) {
  try { return event.data.json().kind === "new_password"; } catch (error) { return false; }
}

self.addEventListener("push", function (event) {
  event.waitUntil(self.clients.matchAll({ type: "window" }).then(function (windows) {
    windows.forEach(function (open) { open.postMessage("look"); });
    return words();
  }).then(function (text) {
    var body = is_about_password(event) && text.password || text.body;
    return self.registration.showNotification(text.title, { body: body, tag: "minid-request", requireInteraction: true });
  }));
});

self.addEventListener("notificationclick", function (event) {
  event.notification.close();
  event.waitUntil(self.clients.matchAll({ type: "window" }).then(function (windows) {
    var open = windows.filter(function (window) { return new URL(window.url).pathname === "/app"; })[0];
    return open ? open.focus() : self.clients.openWindow("/app");
  }));
});
