// Sends the citizen on as soon as every service has been told in its frame, or says which have not answered.
// Without JavaScript a button does the former. A frame that is refused loads like one that answers, and browsers let
// no page tell them apart: what is noticed here is silence.
(function () {
  "use strict";
  var patience = 5000;
  var told = {};

  // A frame's load does not bubble, and may come before the page has been read to its end.
  document.addEventListener("load", function (event) {
    if (event.target.nodeName !== "IFRAME") return;
    told[event.target.id] = true;
    look();
  }, true);
  document.addEventListener("DOMContentLoaded", function () {
    var onwards = document.getElementById("goes-on");
    if (onwards) onwards.hidden = false;
    look();
    setTimeout(giveUp, patience);
  });

  function missing() {
    return Array.prototype.filter.call(document.querySelectorAll("iframe"), function (frame) { return !told[frame.id]; });
  }

  function look() {
    var onwards = document.getElementById("onwards");
    if (document.readyState === "loading" || !onwards || !onwards.hasAttribute("data-at-once")) return;
    if (missing().length === 0) location.replace(onwards.href);
  }

  function giveUp() {
    var silent = missing();
    if (silent.length === 0) return;
    var telling = document.getElementById("telling");
    if (telling) telling.hidden = true;
    document.getElementById("onwards").removeAttribute("data-at-once");
    silent.forEach(function (frame) {
      document.getElementById(frame.id.replace("told-", "silent-")).hidden = false;
    });
    document.getElementById("silent").hidden = false;
  }
})();
