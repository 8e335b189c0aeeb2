// Small helps on the login pages. Every page works without this file.
(function () {
  "use strict";

  // Show or hide the password. The button's words tell what a press will do.
  var show = document.getElementById("show-password");
  var password = document.getElementById("password");
  if (show && password) {
    var hide = function (hidden) {
      password.type = hidden ? "password" : "text";
      show.textContent = show.getAttribute(hidden ? "data-show" : "data-hide");
    };
    show.hidden = false;
    show.addEventListener("click", function () {
      hide(password.type !== "password");
    });
    // Browsers remember typed text, but a password must not be remembered as text.
    password.form.addEventListener("submit", function () {
      hide(true);
    });
  }

  // Calls each(seconds) now and every second until none are left.
  // Counts against the clock, so a sleeping phone or tab does not stop it.
  function countDown(seconds, each) {
    var end = Date.now() + seconds * 1000;
    function tick() {
      var left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
      each(left);
      if (left > 0) setTimeout(tick, 1000 - ((Date.now() - end) % 1000 + 1000) % 1000 || 1000);
    }
    tick();
  }

  // The button for a new code: wait, with the seconds shown on it.
  var resend = document.querySelector("[data-wait]");
  if (resend) {
    var wait = document.createElement("span");
    wait.setAttribute("aria-hidden", "true");
    wait.className = "wait";
    resend.appendChild(wait);
    resend.addEventListener("click", function (event) {
      if (resend.getAttribute("aria-disabled") === "true") event.preventDefault();
    });
    countDown(Number(resend.getAttribute("data-wait")) || 0, function (left) {
      if (left > 0) {
        resend.setAttribute("aria-disabled", "true");
        wait.textContent = "(" + left + ")";
      } else {
        resend.removeAttribute("aria-disabled");
        wait.remove();
      }
    });
  }

  // How long the code is valid: seen every second, said only twice.
  var clock = document.getElementById("clock");
  if (clock) {
    var over = document.getElementById("time-over");
    var said = document.getElementById("time-said");
    var total = Number(clock.getAttribute("data-seconds")) || 0;
    var minuteSaid = total <= 60;
    clock.hidden = false;
    countDown(total, function (left) {
      clock.textContent = clock.getAttribute("data-left") + " " +
        Math.floor(left / 60) + ":" + ("0" + left % 60).slice(-2);
      if (left === 0) {
        clock.hidden = true;
        over.hidden = false;
        said.textContent = clock.getAttribute("data-over");
        var again = document.querySelector("button[value=resend]");
        var confirm = document.querySelector("button[value=next]");
        if (again) again.removeAttribute("data-variant");
        if (confirm) confirm.setAttribute("data-variant", "secondary");
      } else if (left <= 60 && !minuteSaid) {
        minuteSaid = true;
        said.textContent = clock.getAttribute("data-minute");
      }
    });
  }
})();
