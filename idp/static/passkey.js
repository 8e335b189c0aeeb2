// Passkeys: asks the browser for a signature or a new key, and sends what it says with the form on the page.
// Without JavaScript the page says so, and leads to another way.
(function () {
  "use strict";
  var form = document.getElementById("passkey");
  var go = document.getElementById("passkey-go");
  var failed = document.getElementById("passkey-failed");
  var supported = window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON &&
    PublicKeyCredential.parseCreationOptionsFromJSON;
  if (!form || !go) return;
  if (!supported) {
    if (failed && !form.hidden) failed.hidden = false;
    return;
  }
  var waiting = null;

  function send(credential) {
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    HTMLFormElement.prototype.submit.call(form);
  }

  function show(error) {
    // The person has changed their mind, or has none here: they can try again or take another way.
    if (error && error.name === "AbortError") return;
    if (failed) failed.hidden = false;
  }

  function request(options, more) {
    var parsed = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options).publicKey);
    waiting = new AbortController();
    var all = { publicKey: parsed, signal: waiting.signal };
    for (var name in more) all[name] = more[name];
    return navigator.credentials.get(all);
  }

  var conditional = form.getAttribute("data-conditional");
  var get = form.getAttribute("data-get");
  var create = form.getAttribute("data-create");

  // Where a passkey is one way of several its form is not there until it can be used.
  form.hidden = false;
  if (conditional) {
    // The browser offers a passkey where it offers names and passwords.
    if (PublicKeyCredential.isConditionalMediationAvailable) {
      PublicKeyCredential.isConditionalMediationAvailable().then(function (available) {
        if (available) request(conditional, { mediation: "conditional" }).then(send, function () {});
      });
    }
  }
  go.hidden = false;
  // Enter in the field for the name goes on, and not back.
  form.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    go.click();
  });
  go.addEventListener("click", function () {
    if (failed) failed.hidden = true;
    if (waiting) waiting.abort();
    if (create) {
      var options = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(create).publicKey);
      navigator.credentials.create({ publicKey: options }).then(send, show);
    } else {
      request(get || conditional, {}).then(send, show);
    }
  });
})();
