// Sends the answer back to the service at once (response_mode=form_post).
// Without JavaScript the page shows a button that does the same.
(function () {
  "use strict";
  var form = document.getElementById("respond");
  if (form) HTMLFormElement.prototype.submit.call(form);
})();
