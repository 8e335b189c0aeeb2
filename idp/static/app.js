// The MinID app: one page that says where things stand, and asks the server for what waits.
(function () {
  "use strict";
  var root = document.getElementById("app");
  var says = document.getElementById("says").dataset;
  var wrong = document.getElementById("wrong");
  var offline = document.getElementById("offline");
  var sections = ["start", "enrol", "pair", "home", "request", "declined"];
  var device = null;
  var request = null;
  // What the request is about, or the last one was: a login, or another password.
  var is_password = false;
  var turn = 0;
  var hearing = null;

  function by(id) { return document.getElementById(id); }
  function token() { return localStorage.getItem("minid-token"); }

  function show(id) {
    sections.forEach(function (name) { by(name).hidden = name !== id; });
    var title = by(id).querySelector("h1");
    if (title) title.focus({ preventScroll: true });
  }

  function complain(what) {
    wrong.hidden = !what;
    wrong.firstElementChild.textContent = what || "";
  }

  function call(method, path, body, signal) {
    var headers = {};
    if (token()) headers.authorization = "Bearer " + token();
    if (body) headers["content-type"] = "application/json";
    // Whoever comes from a registration is known by the browser in which it was.
    var credentials = path.indexOf("/enrolments") === 0 ? "same-origin" : "omit";
    return fetch("/app/api" + path, { method: method, headers: headers, body: body && JSON.stringify(body), cache: "no-store", credentials: credentials, signal: signal })
      .then(function (answer) {
        offline.hidden = true;
        if (answer.status === 204) return null;
        return answer.json().then(function (told) {
          if (answer.ok) return told;
          told.status = answer.status;
          throw told;
        });
      }, function (error) {
        if (error.name !== "AbortError") offline.hidden = false;
        throw error;
      });
  }

  // The words for what the request is about.
  function gone() { return is_password ? says.passwordGone : says.gone; }
  function not_the_number() { return is_password ? says.passwordNumber : says.number; }

  function is_gone(error) { return error && error.status === 401; }
  function later(what, time) { return new Promise(function (go) { setTimeout(go, time); }).then(what); }

  function forget() {
    localStorage.removeItem("minid-token");
    device = null;
    complain(says.removed);
    show("start");
  }

  // From a picture: twelve letters. From a registration in this browser: a longer code.
  function is_invitation(code) { return /^[A-Za-z0-9|]{12}$/.test(code); }

  // The machine's name, as it says it itself.
  function system() {
    var agent = navigator.userAgent;
    var known = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS X", "Mac"], ["CrOS", "Chromebook"], ["Linux", "Linux"]];
    for (var i = 0; i < known.length; i += 1) if (agent.indexOf(known[i][0]) >= 0) return known[i][1];
    return "";
  }

  // A new device.

  var begun = null;

  by("enrol-form").addEventListener("submit", function (event) {
    event.preventDefault();
    complain("");
    if (!window.PublicKeyCredential || !PublicKeyCredential.parseCreationOptionsFromJSON) return complain(says.unsupported);
    // The answer may have been lost, and not what was sent.
    if (begun && token() === begun.token) {
      return call("GET", "/device").then(begin, function (error) {
        if (!is_gone(error)) return complain(says.sign);
        localStorage.removeItem("minid-token");
        by("enrol-form").requestSubmit();
      });
    }
    // Whoever has taken the finger away tries again with the same invitation, which is good once.
    var ready = begun ? Promise.resolve(begun) : call("POST", "/enrolments", { code: location.hash.slice(1) });
    ready.then(function (told) {
      begun = told;
      history.replaceState(null, "", "/app");
      return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(told.options.publicKey) });
    }).then(function (credential) {
      localStorage.setItem("minid-token", begun.token);
      var body = { credential: credential.toJSON(), name: by("name").value || root.dataset.name, system: system() };
      return call("POST", "/enrolments/finish", body);
    }).then(function (finished) {
      begun = null;
      if (finished.number) return pair(finished.number);
      // From a registration on this very device: there is nothing to compare.
      begin();
    }).catch(function (error) {
      if (!error || !error.status) return complain(says.sign);
      begun = null;
      localStorage.removeItem("minid-token");
      complain(says.invitation);
      show("start");
    });
  });

  function pair(number) {
    by("pair-number").textContent = number;
    show("pair");
    wait_for_person();
  }

  function wait_for_person() {
    return call("GET", "/device").then(function (told) {
      if (told.state === "pending") return later(wait_for_person, 1000);
      return open(told);
    }, function (error) {
      if (is_gone(error)) return forget();
      return later(wait_for_person, 2000);
    });
  }

  // A device that is the person's.

  function open(told) {
    device = told;
    by("device-name").textContent = told.name;
    by("device-name").parentNode.hidden = false;
    by("paused").hidden = told.state !== "paused";
    by("quiet").hidden = told.state === "paused";
    var can = !!(told.push_key && "serviceWorker" in navigator && "PushManager" in window);
    by("push-on").hidden = !can || told.push;
    by("push-off").hidden = !told.push;
    // Whoever is asked whether it was them is not interrupted.
    if (!by("declined").hidden) return;
    if (request) show("request");
    else show("home");
    listen();
  }

  function hush() {
    turn += 1;
    if (hearing) hearing.abort();
  }

  // One loop at a time: the open app hears of a request within a second, and of its end as well.
  function listen() {
    hush();
    var own = turn;
    function again() {
      if (own !== turn) return;
      hearing = new AbortController();
      call("GET", "/requests" + (request ? "?seen=" + encodeURIComponent(request.id) : ""), null, hearing.signal).then(function (told) {
        if (own !== turn) return;
        if (told && (!request || told.id !== request.id)) ask(told);
        if (!told && request) {
          request = null;
          show("home");
          complain(gone());
        }
        again();
      }, function (error) {
        if (own !== turn) return;
        if (is_gone(error)) return forget();
        later(again, 2000);
      });
    }
    again();
  }

  function ask(told) {
    request = told;
    var says_so = JSON.parse(told.statement);
    // Whatever is no login is not shown as one.
    is_password = says_so.purpose !== "login";
    root.querySelectorAll("[data-for]").forEach(function (part) { part.hidden = (part.dataset.for === "login") === is_password; });
    by("r-says").textContent = says_so.says || "";
    by("r-says").lang = says_so.language || "";
    by("r-service").textContent = says_so.service;
    by("r-time").textContent = new Date(says_so.at * 1000).toLocaleString(document.documentElement.lang === "en" ? "en-GB" : "nb", { dateStyle: "medium", timeStyle: "short" });
    by("r-browser").textContent = [says_so.browser, says_so.system].filter(Boolean).join(" · ") || "–";
    by("r-address").textContent = says_so.address;
    by("r-place").textContent = says_so.place || "";
    by("where").hidden = !says_so.place;
    by("number").value = "";
    by("done").hidden = true;
    complain("");
    show("request");
  }

  function decode(text) {
    var plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, function (letter) { return letter.charCodeAt(0); });
  }

  function sign(challenge) {
    return navigator.credentials.get({ publicKey: {
      challenge: challenge,
      allowCredentials: [{ type: "public-key", id: decode(device.credential) }],
      userVerification: "required",
      timeout: 120000
    } });
  }

  function back(said) {
    turn += 1;
    request = null;
    by("declined").hidden = true;
    by("done").textContent = by((is_password ? "said-password-" : "said-") + said).textContent;
    by("done").hidden = false;
    return call("GET", "/device").then(open, function (error) { if (is_gone(error)) forget(); else show("home"); });
  }

  by("request-form").addEventListener("submit", function (event) {
    event.preventDefault();
    complain("");
    var number = by("number").value.trim();
    if (!/^[0-9]{2}$/.test(number)) return complain(not_the_number());
    var words = new TextEncoder().encode(request.statement + "\n" + number);
    crypto.subtle.digest("SHA-256", words).then(sign).then(function (credential) {
      return call("POST", "/requests/" + encodeURIComponent(request.id) + "/approve", { number: number, credential: credential.toJSON() });
    }).then(function () {
      return back("approved");
    }).catch(function (error) {
      if (is_gone(error)) return forget();
      if (error && error.error === "wrong_number" && error.left > 0) return complain(not_the_number());
      if (error && error.status) { request = null; open(device); return complain(gone()); }
      complain(says.sign);
    });
  });

  function decline(not_me) {
    turn += 1;
    return call("POST", "/requests/" + encodeURIComponent(request.id) + "/decline", { not_me: not_me });
  }

  by("decline").addEventListener("click", function () {
    complain("");
    decline(false).then(function () { show("declined"); }, function (error) {
      if (is_gone(error)) return forget();
      request = null;
      open(device);
      complain(gone());
    });
  });
  by("was-me").addEventListener("click", function () { back("declined"); });
  by("not-me").addEventListener("click", function () {
    decline(true).then(function () { back("not-me"); }, function () { request = null; open(device); complain(gone()); });
  });

  // Being woken.

  by("push-on").addEventListener("click", function () {
    complain("");
    navigator.serviceWorker.ready.then(function (worker) {
      return worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: decode(device.push_key) });
    }).then(function (subscription) {
      var told = subscription.toJSON();
      return call("PUT", "/device/push", { kind: "web", endpoint: told.endpoint, p256dh: told.keys.p256dh, auth: told.keys.auth });
    }).then(function () { return call("GET", "/device").then(open); }, function () { complain(says.push); });
  });
  by("push-off").addEventListener("click", function () {
    call("DELETE", "/device/push").then(function () { return call("GET", "/device").then(open); }, function () {});
  });
  // To go is signed, as everything is that changes how one logs in.
  by("leave").addEventListener("click", function () {
    complain("");
    call("POST", "/device/removal").then(function (told) {
      return crypto.subtle.digest("SHA-256", new TextEncoder().encode(told.statement));
    }).then(sign).then(function (credential) {
      hush();
      return call("DELETE", "/device", { credential: credential.toJSON() });
    }).then(forget, function (error) {
      if (is_gone(error)) return forget();
      listen();
      complain(error && error.error === "last_factor" ? says.last : says.leave);
    });
  });

  // Being invited: the code below the picture is typed, or the picture scanned, where the browser can. In an app that is
  // installed no link from the telephone's own camera arrives everywhere.

  var stream = null;

  // The same once more changes no address.
  function lead(code) {
    if (location.hash === "#" + code) begin();
    else location.hash = code;
  }

  // What leads on from here: letters of an invitation or of an activation code, alone or at the end of our own link.
  function code_in(text) {
    var parts = text.trim().split("#");
    if (parts.length > 1 && parts[0].indexOf(location.origin + "/") !== 0) return "";
    var code = parts[parts.length - 1].replace(/[\s-]/g, "");
    return is_invitation(code) || /^[A-Za-z0-9|]{15}$/.test(code) ? code : "";
  }

  function problem(words) {
    by("invitation-problem").textContent = words;
    by("invitation-problem").hidden = !words;
    if (!words) by("invitation").removeAttribute("aria-invalid");
    else by("invitation").setAttribute("aria-invalid", "true");
    by("invitation").setAttribute("aria-describedby", words ? "invitation-hint invitation-problem" : "invitation-hint");
    if (words) by("invitation").focus();
  }

  by("typed-form").addEventListener("submit", function (event) {
    event.preventDefault();
    complain("");
    var code = code_in(by("invitation").value);
    problem(code ? "" : says.typed);
    if (!code) return;
    by("invitation").value = "";
    stop_camera();
    lead(code);
  });

  function stop_camera() {
    if (stream) stream.getTracks().forEach(function (track) { track.stop(); });
    stream = null;
    by("scan").srcObject = null;
    by("camera").hidden = true;
    by("scan-go").disabled = false;
  }

  function look(detector) {
    if (!stream) return;
    detector.detect(by("scan")).then(function (found) {
      if (!stream || !found.length) return;
      var code = code_in(found[0].rawValue);
      if (!code) return complain(says.other);
      complain("");
      stop_camera();
      lead(code);
    }, function () {}).then(function () { later(function () { look(detector); }, 300); });
  }

  function scan() {
    complain("");
    problem("");
    by("scan-go").disabled = true;
    var detector = new window.BarcodeDetector({ formats: ["qr_code"] });
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).then(function (given) {
      stream = given;
      by("scan").srcObject = given;
      by("camera").hidden = false;
      return by("scan").play();
    }).then(function () { look(detector); }, function () {
      stop_camera();
      complain(says.camera);
    });
  }

  if (window.BarcodeDetector && navigator.mediaDevices) {
    window.BarcodeDetector.getSupportedFormats().then(function (formats) {
      by("scan-go").hidden = formats.indexOf("qr_code") < 0;
    }, function () {});
  }
  by("scan-go").addEventListener("click", scan);
  by("scan-stop").addEventListener("click", stop_camera);
  document.addEventListener("visibilitychange", function () { if (document.hidden) stop_camera(); });

  // Where it stands.

  if ("serviceWorker" in navigator) {
    navigator.serviceWorker.register("/app/worker.js", { scope: "/app" }).catch(function () {});
    navigator.serviceWorker.addEventListener("message", function () { if (device) listen(); });
    if (window.caches) {
      caches.open("minid-words").then(function (cache) {
        return cache.put("/app/words", new Response(JSON.stringify({ title: root.dataset.title, body: root.dataset.body, password: root.dataset.password })));
      }).catch(function () {});
    }
  }
  document.addEventListener("visibilitychange", function () { if (!document.hidden && device && by("declined").hidden) listen(); });
  window.addEventListener("online", begin);

  function begin() {
    // An activation code, from a letter or a teacher's screen: it is good where one registers.
    if (/^#[A-Za-z0-9|-]{15,20}$/.test(location.hash)) return location.replace(root.dataset.register + location.hash);
    var invited = location.hash.length > 21 || is_invitation(location.hash.slice(1));
    if (!token()) return show(invited ? "enrol" : "start");
    call("GET", "/device").then(function (told) {
      if (told.state === "pending") return pair(told.number);
      // The app is one person's: it is removed before it becomes another's.
      history.replaceState(null, "", "/app");
      open(told);
      if (invited) complain(says.already);
    }, function (error) {
      if (!is_gone(error)) {
        by("device-name").parentNode.hidden = true;
        return show("home");
      }
      if (!invited) return forget();
      localStorage.removeItem("minid-token");
      show("enrol");
    });
  }
  window.addEventListener("hashchange", begin);
  begin();
})();
