// Waits for the answer of the MinID app, and goes on by itself. Without JavaScript the page has a button that does so.
(function () {
  "use strict";
  var waiting = document.getElementById("waiting");
  var form = document.getElementById("answered");
  if (!waiting || !form) return;
  var failures = 0;

  function ask() {
    fetch(waiting.getAttribute("data-wait"), { headers: { accept: "application/json" }, cache: "no-store" })
      .then(function (answer) {
        if ([401, 403, 404, 410].indexOf(answer.status) >= 0) return location.reload();
        // Too many at once, or out of order for a moment: another time.
        if (!answer.ok) throw answer;
        return answer.json();
      })
      .then(function (told) {
        failures = 0;
        if (!told) return;
        if (told.state === "waiting") return ask();
        if (told.state === "approved") waiting.textContent = waiting.getAttribute("data-approved");
        var button = form.querySelector("button[value=next]");
        if (button) form.requestSubmit(button);
        else location.reload();
      })
      .catch(function () {
        failures += 1;
        if (failures < 20) setTimeout(ask, 1000 * Math.min(failures, 5));
      });
  }
  ask();
})();
