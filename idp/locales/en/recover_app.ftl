## Forgotten password: the MinID app instead of both codes
recover-by-app = Do you have the MinID app? Then you can approve in the app instead of typing codes.
recover-app-go = Approve in the MinID app
recover-app-sent = If the MinID app is set up for this identity number, we have sent it a notification. You can also open the app yourself.
recover-app-nothing = Is there nothing in the app? Then you can get one code by text message and one by email instead.
notice-recover-app-again = You have a new number. If the app is set up for this identity number, we have also sent a new notification.
problem-recover-app-too-late = Time ran out before the app answered. Send a new notification, or get codes by text message and email instead.

## What the app shows, and signs
app-says-new-password = Somebody is asking to choose a new password for your MinID. This is not a login. Approve only if it is you who has forgotten the password.
device-password-push = Somebody is asking for a new password for your MinID.
device-password-title = Are you asking for a new password?
device-password-number = The number on the page where you asked for a new password
device-password-number-wrong = That is not the number on the page where you asked for a new password. Look again and retry.
device-password-gone = It is too late to answer. If you have forgotten your password, ask for a new one once more.
device-password-declined-how = You have declined, and the password has not been changed. Was it you who asked for a new password?
device-password-said-approved = Approved. Go back to the page where you asked for a new password.
device-password-said-declined = Declined. The password has not been changed.
device-password-said-not-me = Nobody has changed the password, and you need not do anything. It is at least a quarter of an hour before we ask about a new password again.

## What the owner of a MinID is told
tell-new-password-quiet = Your MinID app got three questions about a new password that were declined. The password has not been changed, and we will not ask again for a quarter of an hour.
tell-not-my-new-password = MinID: Somebody answered in the app that it was not you who asked for a new password. The password has not been changed, and the app works as before.
event-new-password-declined = Request for a new password declined in the MinID app
