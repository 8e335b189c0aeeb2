// Waits for the answer of the MinID app, or for a pupil, and goes on by itself. Without JavaScript the page has a button
// that does so.
(function () {
  "use strict";
  var waiting = document.getElementById("waiting");
  var form = document.getElementById("answered");
  if (!waiting || !form) return;
  var words = waiting.textContent;
  var failures = 0;
  var pause = null;
  var asking = null;
  var isOver = false;

  function says(text) {
    if (text && waiting.textContent !== text) waiting.textContent = text;
  }

  function again() {
    isOver = true;
    // By an address of its own, where the page has one: what is asked for by itself is nobody's doing.
    var to = waiting.getAttribute("data-again");
    if (to) location.replace(to);
    else location.reload();
  }

  // The list as it is now.
  function listed() {
    return new Promise(function (resolve, reject) {
      var page = new XMLHttpRequest();
      page.open("GET", waiting.getAttribute("data-fresh"));
      page.responseType = "document";
      page.timeout = 60000;
      page.onload = function () { return page.status === 200 ? resolve(page.response) : reject(page); };
      page.onerror = page.ontimeout = reject;
      page.send();
    });
  }

  // Shows it. Whoever reads or is on their way through it stays where they are.
  function show(page) {
    var fresh = page && page.getElementById("list");
    if (!fresh) return again();
    var list = document.getElementById("list");
    var at = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    list.replaceWith(document.adoptNode(fresh));
    var links = fresh.querySelectorAll("a");
    for (var i = 0; i < links.length; i += 1) {
      if (at && links[i].getAttribute("href") === at) links[i].focus({ preventScroll: true });
    }
    document.getElementById("progress").textContent = page.getElementById("progress").textContent;
    var next = page.getElementById("waiting");
    if (!next) {
      isOver = true;
      return waiting.remove();
    }
    waiting.setAttribute("data-wait", next.getAttribute("data-wait"));
    ask();
  }

  // The server answers after twenty seconds at the latest: whatever takes much longer is lost on the way.
  function ask() {
    clearTimeout(pause);
    pause = null;
    var mine = new AbortController();
    var patience = setTimeout(function () { mine.abort(); }, 60000);
    asking = mine;
    fetch(waiting.getAttribute("data-wait"), {
      headers: { accept: "application/json" }, cache: "no-store", signal: mine.signal,
    })
      .then(function (answer) {
        // Another question has taken its place, or a form is on its way.
        if (asking !== mine) return;
        if ([401, 403, 404, 410].indexOf(answer.status) >= 0) return again();
        // Too many at once, or out of order for a moment: another time.
        if (!answer.ok) throw answer;
        return answer.json();
      })
      .then(function (told) {
        clearTimeout(patience);
        if (asking !== mine) return;
        if (told && told.state !== "waiting" && waiting.hasAttribute("data-fresh")) {
          return listed().then(function (page) {
            if (asking !== mine) return;
            asking = null;
            failures = 0;
            says(words);
            show(page);
          });
        }
        asking = null;
        if (!told) return;
        says(failures >= 3 ? waiting.getAttribute("data-back") + " " + words : words);
        failures = 0;
        if (told.state === "waiting") return ask();
        isOver = true;
        if (told.state === "approved") waiting.textContent = waiting.getAttribute("data-approved");
        var button = form.querySelector("button[value=next]");
        if (button) form.requestSubmit(button);
        else again();
      })
      .catch(function () {
        clearTimeout(patience);
        if (asking !== mine) return;
        asking = null;
        failures += 1;
        if (failures >= 3) says(waiting.getAttribute("data-lost"));
        pause = setTimeout(ask, 1000 * Math.min(failures, 10));
      });
  }

  // A machine that was asleep or without a network may still wait for an answer that never comes.
  function askAnew() {
    if (isOver) return;
    var old = asking;
    ask();
    if (old) old.abort();
  }

  // What somebody presses may be what the answer tells of: it may not be overtaken by it, and neither may a link that
  // they follow. Where nothing came of it the page goes on.
  function stop() {
    isOver = true;
    clearTimeout(pause);
    var old = asking;
    asking = null;
    if (old) old.abort();
  }
  document.addEventListener("submit", stop);
  window.addEventListener("beforeunload", function () {
    // A form is on its way, by somebody or by us.
    if (isOver) return;
    stop();
    // Longer than the server takes for any page.
    pause = setTimeout(function () {
      isOver = false;
      ask();
    }, 35000);
  });
  // By the way back from another page.
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    isOver = false;
    askAnew();
  });
  window.addEventListener("online", askAnew);
  document.addEventListener("visibilitychange", function () {
    if (!document.hidden) askAnew();
  });
  ask();
})();
