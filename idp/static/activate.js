// The QR code of an activation code carries it behind the #, where no server and no log sees it. Without JavaScript the
// letters are typed.
(function () {
  "use strict";

  function take() {
    var code = location.hash.slice(1);
    if (!/^[A-Za-z0-9-]{15,20}$/.test(code)) return;
    var field = document.getElementById("activation-code");
    var again = document.getElementById("again");
    var button = again && again.querySelector("button[value=again]");
    if (field) {
      history.replaceState(null, "", location.pathname);
      field.value = code;
      // Where the app is installed, its own address opens it.
      var app = document.getElementById("in-app");
      if (app) {
        app.querySelector("a").hash = code;
        app.hidden = false;
      }
      var fnr = document.getElementById("fnr");
      if (fnr && !fnr.value) fnr.focus();
    } else if (button) {
      // Somebody has finished here or stopped halfway, and the next one comes: the code goes along to the first page.
      again.action = location.pathname + "#" + code;
      history.replaceState(null, "", location.pathname);
      again.requestSubmit(button);
    }
  }

  take();
  window.addEventListener("hashchange", take);
})();
