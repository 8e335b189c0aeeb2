## The frame around every page
skip-link = Skip to main content
language-nav = Language
logging-in-to = You are logging in to { $service }
footer = Porten is the shared login for public services. We never ask for passwords or codes by phone, text message or email.
error-prefix = Error:

## Buttons
next = Next
back = Back
cancel = Cancel
cancel-service = Cancel and go back to { $service }
back-service = Back to { $service }
continue = Continue
continue-service = Continue to { $service }
confirm = Confirm
approve = Approve
decline = Decline
change-method = Change login method
other-eid = Use another electronic ID
other-eid-about = Go back and choose another login method
change = Change
save = Save
skip = Skip
digits = { $count } digits.

## Choosing the electronic ID
choose-title = Choose login method
eid-minid = MinID
eid-minid-about = National identity number, password and code by text message
eid-testid = TestID
eid-testid-about = For testers: choose a test person, no password
eid-unavailable = Not responding right now
eid-last-used = Last used
eid-minid-too-low = MinID cannot be used here, because the service requires a higher level of security.
problem-eid-cancelled = The login was cancelled. You can try again or choose another login method.
problem-eid-unavailable = This login method is not responding right now. Try again in a while, or choose another one.
problem-eid-refused = The login could not be accepted. Try again, or choose another login method.
problem-eid-too-low = The login had a lower security level than the service requires. Choose another login method.
problem-eid-nobody = We got no national identity number or D number that can be used here. Choose another login method.
problem-eid-another = Somebody else is already logged in here. Log in as the same person, or log out first.

## MinID: identity number and password
password-title = Log in with MinID
fnr-label = National identity number
fnr-hint = 11 digits. You can also use a D number.
password-label = Password
password-show = Show password
password-hide = Hide password
problem-wrong-password = The national identity number or the password is wrong. Check both and try again. If it still does not work, you can call user support on 800 30 300 or write to brukerstotte@digdir.no.
problem-fnr-empty = Enter your national identity number.
problem-fnr-digits = The national identity number must have 11 digits.
problem-fnr-invalid = This is not a valid national identity number. Check that you have typed it correctly.
problem-fnr-synthetic = This is a test number (synthetic identity number). It cannot be used here.
problem-fnr-real = This is a test environment. You can only use synthetic identity numbers here.
problem-password-empty = Enter your password.
problem-busy = Many people are logging in right now. Wait a few seconds and press the button again. You have not lost anything.
problem-too-many = There have been too many attempts from your network. Wait a few minutes and try again.
forgot = Forgotten password?
passkey-instead = Do you have a passkey? Then you need neither identity number nor password.
passkey-instead-go = Log in with a passkey
passkey-not-now = We got no answer from the passkey. Try again, or choose another login method.
passkey-no-script = Passkeys need JavaScript, and it is turned off in your browser. Choose another login method.
problem-passkey = The passkey was not accepted. Try again, or choose another login method.

## MinID: the code
code-title = Enter the code from the text message
code-sent = We have sent a one-time code to your mobile phone, { $phone }.
code-sending-to = We will send the new code to your mobile phone, { $phone }.
code-label = One-time code
code-hint = 5 digits
code-until = The code is valid until { $time }.
code-left = Time left:
code-minute-left = You have one minute left to enter the code.
code-no-sms = No text message yet? Wait a little, or ask for a new code.
code-resend = Send a new code
code-extend = Give me more time
problem-code-empty = Enter the code you received by text message.
problem-code-digits = The code should have 5 digits.
problem-code-wrong = Wrong code. Check the latest text message you received, and try again.
problem-code-wrong-last = Wrong code. You have one attempt left. Check the latest text message you received.
problem-code-expired = The code is no longer valid because the time ran out. Ask for a new code.
problem-code-used-up = The code was entered wrong three times. Enter your password again, and you will get a new code.
problem-sms-failed = We could not send a text message right now. You have not lost anything. Wait a little and try again.
problem-sms-too-many = We have sent many codes to this phone number. Wait a while before you ask for a new one.
problem-resend-wait = We have just sent you a code. Wait half a minute before you ask for a new one.
notice-code-sent-again = We have sent you a new code. Use the latest code you received.
notice-more-time = You have been given more time.
code-retired = From { $date } you can no longer log in with a code by text message. Before that, set up the MinID app, a passkey or a code app on your profile page.

## Changing the login method
method-otc = Code by text message
method-otc-about = We send a one-time code to your mobile phone
method-otc-sent = We have sent you a code. Go back and enter it.
method-app = The MinID app
method-app-about = Approve in the app on your phone
method-passkey = Passkey
method-passkey-about = Use finger, face or screen lock
method-totp = Code app
method-totp-about = The code from an app that you have set up
method-recovery = Recovery code
method-recovery-about = Have you lost your phone? Use a code from your list

## Consent
consent-title = Do you approve this?
consent-intro = The service you are logging in to asks for this:
consent-intro-service = { $service } asks for this:
consent-openid = Your national identity number
consent-profile = The language you have chosen
consent-other = Other information the service needs
consent-pseudonym = A code by which this service recognises you, without your national identity number
consent-details = Access of this type:
consent-free = It is up to you. If you choose “Decline”, we send you back to the service. You will not be logged in there, and we will not share anything.
consent-remembered = We remember your answer until next time. You can withdraw your consent at any time on your profile page in Porten.

## Pages where the way stops
stop-quarantined-title = MinID is paused
stop-quarantined-why = There have been several failed attempts to log in. To protect you, we have paused your MinID for a while.
stop-quarantined-until = You can try again at { $time }.
stop-quarantined-later = You can try again in a while.
stop-quarantined-help = If it was not you who tried to log in, call user support on 800 30 300 or write to brukerstotte@digdir.no.
stop-locked-title = MinID is blocked
stop-locked-why = Your MinID is blocked and cannot be used to log in now.
stop-closed-title = MinID is closed
stop-closed-why = Your MinID has been closed and can no longer be used.
stop-no-phone-title = We do not have your mobile phone number
stop-no-phone-why = There is no mobile phone number registered for your MinID, so we cannot send you a code.
stop-support = Call user support on 800 30 300 or write to brukerstotte@digdir.no, and we will help you.
stop-blocked-title = You have blocked MinID
stop-blocked-why = Your MinID is blocked because you asked for it. Nobody can log in with it.
stop-blocked-how = Do you want to open it again? Log in to your profile page with an electronic ID at a high level of security, order an activation letter, or contact user support on 800 30 300 or brukerstotte@digdir.no.

## Notices and errors
error-title = An error has occurred
error-request = The service you came from sent something we cannot use. You have not done anything wrong. Go back to the service and try again.
error-server = Something went wrong on our side. Try again shortly.
error-not-found-title = We cannot find the page
error-not-found = The address may be misspelt, or the page has moved. To log in, start from the service you want to use.
error-help = If it happens again, you can call user support on 800 30 300 or write to brukerstotte@digdir.no. Give them the trace number below.
expired-title = The login has expired
expired-body = It may have taken too long, or you may have opened the page from a bookmark or a favourite. Start again from the service you want to log in to.
other-browser-title = We do not recognise this browser
other-browser-body = The login may have started in another browser, or your browser blocks cookies. Allow cookies, and start again from the service you want to log in to.
csrf-title = We could not accept what you sent
csrf-body = The page may have been open for too long, or it is open in several tabs. Start the login again.
way-on-service = Go to { $service }
way-on-start = Go to the front page
details-title = Information for user support
details-trace = Trace number
details-error = Error code
details-description = Description

## The citizen's own page
profile-title = Your profile
profile-who = You are logged in as
profile-consents = Your consents
profile-consents-about = You have allowed these services to receive information about you, or to do something on your behalf. If you withdraw a consent, the service no longer has access. It can ask you again the next time you log in.
profile-no-consents = You have no consents at present.
profile-since = since { $date }
profile-withdraw = Withdraw consent
profile-withdrawn = You have withdrawn your consent to { $service }. It was for:
profile-withdrawn-effect = The service no longer has access.

## The citizen's own pages: what has been done
remove = Remove
profile-said-saved = Your change has been saved.
profile-said-removed = It has been removed.
profile-said-added = The new login method is ready to use.
profile-said-logged-out = You have been logged out there.
profile-said-reopened = Your MinID is open again.
profile-said-gone = It is already gone, so nothing has changed.

## The citizen's own pages: how they are reached
contact-what-for = Public services use this when they have to reach you, for example with a decision.
contact-changed = Changed { $date }
contact-said = Last confirmed { $date }
contact-language-title = Language
contact-language-label = Which language do you want letters and messages in?
reserve-title = Mail on paper
reserve-about = Do you want mail from public services on paper instead of digitally? Then you can opt out. You can still log in with MinID.
reserve-since = You opted out of digital mail on { $date }. Mail from public services comes on paper.
reserve-do = Opt out
reserve-undo = Receive digital mail again
problem-proof-too-many = Many codes have been sent. Wait a while before asking for another.
problem-proof-failed = We could not send the code just now. You have not lost anything. Wait a moment and try again.

## The citizen's own pages: how they log in
factors-title = Your login methods
factors-none = You do not have MinID.
factor-since = Added { $date }
factor-last-used = Last used { $time }
factor-never-used = Not used yet
device-paused = Paused. Choose a new password to use it again.
add-app = Add the MinID app
add-passkey = Create a passkey
add-totp = Add a code app
recovery-codes = Recovery codes
recovery-about = A list of codes that you keep. If you lose your phone, you can log in with one of them.
recovery-left = Codes left: { $count }
recovery-make = Make codes
recovery-renew = Make new codes
recovery-renew-about = If you make new codes, the old ones stop working.
recovery-once = The codes are shown only this once. Print them or write them down now.
recovery-keep = Keep the list in a safe place, not with your phone. Each code can be used once.
recovery-kept = I have kept the codes
preferred-title = What should we ask for first?
preferred-label = Login method
preferred-last = The one I used last
problem-last-factor = This is your last login method. Add another before you remove it.
password-elsewhere = When you have changed your password, you will be logged out everywhere else.

## The citizen's own pages: the MinID app
app-about = With the MinID app you approve logins on your phone or computer with your finger, your face or your screen lock. There is nothing to download.
app-begin = Show QR code
app-scan = Scan the QR code with the camera of the phone that you want to use.
app-qr-alt = QR code that opens the MinID app. The link below opens it on this device.
app-here = Use the app on this device instead
app-follow = Follow the instructions in the app.
app-number-then = When the app shows a number, type it here.
app-five-minutes = The QR code is good for five minutes and can be used once. Do not show it to others.
app-has-come = { $device } asks to become your MinID app. Type the number that the app shows.
app-number-label = The number in the app
app-again = Start again
problem-number-empty = Type the number that the app shows.
problem-number-wrong = That is not the number in the app. Look again and retry. If you have no app that shows a number, start again.
problem-number-used-up = The number was typed wrong three times. Start again.
problem-device-gone = No app is waiting. Start again.

## The citizen's own pages: where they are logged in, what has happened, all of it
places-title = Where you are logged in
places-about = Places: { $count }
places-unknown = Unknown browser
places-since = Since { $time }
places-this = This browser
places-all = Log out everywhere
events-title = What has happened
events-about = Logins and changes
events-not-you = Do you see something here that was not you? Block MinID on your profile page, or contact user support on 800 30 300 or brukerstotte@digdir.no.
events-none = Nothing has happened yet.
events-older = Show older
event-address = IP address { $address }
event-by-support = Done by user support
event-by-school = Done by the school
event-by-porten = Done by Porten
event-login = Login at { $service }
event-sso = Login at { $service }, without logging in again
event-by-app = MinID with the MinID app
event-by-totp = MinID with a code app
event-by-passkey = MinID with a passkey
event-by-otc = MinID with a one-time code
event-factor-added = New login method: { $what }
event-factor-removed = Login method removed: { $what }
event-factors-changed = Your login methods were changed
event-password-changed = The password was changed
event-password-recovered = New password after a forgotten password
event-mobile-changed = The mobile number was changed
event-email-changed = The email address was changed
event-email-removed = The email address was removed
event-contact-confirmed = The contact details were confirmed
event-language-changed = The language for letters and messages was changed
event-reserved = Opted out of digital mail
event-unreserved = Receiving digital mail again
event-recovery-codes = New recovery codes
event-recovery-code-used = A recovery code was used
event-signed-out = Logged out
event-locked = MinID was blocked
event-opened = MinID was opened
event-closed = MinID was closed
event-consent-given = Consent given to { $service }
event-consent-withdrawn = Consent withdrawn from { $service }
event-quarantined = MinID was paused after several failed attempts
event-locked-by-failures = MinID was blocked after many failed attempts
event-reset = MinID was reset
event-number-changed = The identity number was changed
event-looked-up = User support has looked at what has happened
event-letter-ordered = Activation letter ordered
event-letter-sent = Activation letter sent
event-letter-returned = Activation letter returned
event-letter-acknowledged = The print house has received the activation letter
event-letter-withdrawn = The activation letter will be printed again
event-registered = MinID was registered
event-school-authorised = You may issue MinID at school
event-school-unauthorised = You may no longer issue MinID at school
event-school-coupled = A school employee may give you MinID
event-school-uncoupled = An employee at the school cannot give you MinID
event-school-code-issued = You got an activation code at school
event-school-code-refused = An employee wanted to give you an activation code at school, and could not
event-school-code-ended = Your activation code from school was cancelled
event-code-guessed-at = An activation code of yours was blocked because it was tried with other people’s national identity numbers
event-school-letter-ended = The code in your activation letter stopped working, because you got a code at school
event-school-wrong-name = An employee reported that the name on the screen was wrong after the code was used. If it was not you who used it, call user support on 800 30 300 or write to brukerstotte@digdir.no
event-school-not-identified = The school could not confirm who you are
event-school-role-given = You were given a role at school
event-school-role-ended = You no longer have a role at school
event-school-name-changed = The school changed the name it has for you
event-school-pupil-added = The school put you in a class
event-school-pupil-removed = The school took you out of a class
event-school-denied = You were not allowed to see a page of MinID in schools
event-school-denied-choice = A choice of yours in MinID in schools was not saved
event-school-report-read = You looked at how far the schools have come with MinID
event-imported = MinID was moved here
event-device-paused = The MinID app was paused
event-data-fetched = Your data was downloaded
event-school-moved = Your school has a new owner
event-other = Something else was changed
consents-about = Services that you have said yes to
data-title = Download your data
data-about = Everything we have about you, in a file

## The citizen's own pages: locking MinID
block-link = Block MinID
block-title = Do you want to block MinID?
block-about = Do you think that somebody else has your password or your phone? If you block MinID, nobody can log in with it, and whoever is logged in is logged out. If an activation letter is on its way to you, it is stopped: order another one afterwards.
block-back = You can open MinID again with an electronic ID at a high level of security, with an activation letter, or by contacting user support on 800 30 300 or brukerstotte@digdir.no.
block-do = Block MinID now
block-done = Your MinID is blocked from now on, and you are logged out everywhere.
block-open = Open MinID
block-open-about = You have shown who you are with an electronic ID at a high level of security, so you can open MinID again.
block-open-link = Open MinID again

## The citizen's own pages: closing MinID
close-link = Close MinID
close-title = Do you want to close MinID?
close-pause = Are you afraid that somebody else is using your MinID? Then it is enough to block it. It can be opened again.
close-goes = This is what happens
close-goes-login = Nobody can log in with your MinID any more, and neither can you. You can still log in with another electronic ID.
close-goes-factors = Your password and all your login methods are deleted.
close-goes-contact = Your mobile number and your email address are deleted. Public bodies can then no longer notify you by text message or email. The contact register also forgets your digital mailbox, and letters may come on paper. To have the mailbox itself deleted, ask its supplier.
close-goes-consents = Your consents are withdrawn.
close-goes-sessions = You are logged out everywhere.
close-stays = This is what stays
close-stays-services = Cases and information at the services that you have used. Ask the service if you want something deleted there.
close-stays-events = Your name and the details of what has happened on your MinID. We delete them after { $days } days.
close-stays-number = Your identity number, and what kinds of events there have been and when. That way nobody can take over the number or change what has happened.
close-stays-reservation = If you have opted out of digital mail, that still counts.
close-anew = If you want MinID again later, you have to register anew with an activation letter. If you need help, call user support on 800 30 300 or write to brukerstotte@digdir.no.
close-sure = Yes, I want to close MinID
problem-close-sure = Tick the box to close MinID.
close-do = Close MinID now
close-done = Your MinID is closed, and you are logged out everywhere. Your password, your login methods, your mobile number and your email address are deleted.

## The MinID app itself
device-about = With the MinID app you approve that you are logging in, with your finger, your face or your screen lock.
device-no-script = The MinID app needs JavaScript, which is turned off in your browser. Choose another login method on your profile page.
device-offline = You are offline. The app works again when you are online.
device-push-title = MinID
device-push-body = A login is waiting for your answer.
device-name-default = The MinID app
device-gone = It is too late to answer this login. Try to log in again.
device-invitation-over = It is too late to set up the app this way. Add it from your profile page.
device-number-wrong = That is not the number on the login page. Look again and retry.
device-not-signed = We could not confirm that it is you. Use your finger, your face or your screen lock, and try again.
device-unsupported = This browser cannot be used for the MinID app. Update it, or try another.
device-push-refused = Notifications are turned off in the browser. You can turn them on in its settings. The app works without them while it is open.
device-removed = The MinID app is no longer set up on this device.
device-already = The MinID app is already set up on this device. If somebody else is to use it, remove it below first.
problem-too-many-factors = You have as many as you can have. Remove one first.
device-start-title = The MinID app
device-start-how = You set it up from your profile page: choose “Your login methods” and “Add the MinID app”.
device-enrol-title = Use this device
device-enrol-how = The device makes a key that never leaves it. You unlock it with your finger, your face or your screen lock.
device-enrol-go = Set up the app
device-pair-title = Type the number on the page with the QR code
device-pair-how = Type this number on the page where you found the QR code:
device-pair-waiting = Waiting for you to type the number
device-home-title = The MinID app is ready
device-home-how = When you log in, the login appears here.
device-is-paused = The app is paused. Log in and choose a new password to use it again.
device-this-is = This device is called
device-push-on = Turn on notifications
device-push-off = Turn off notifications
device-leave = Remove the app from this device
device-leave-about = Then you can no longer approve logins here.
device-leave-go = Remove the app
device-request-title = Are you logging in?
device-request-service = Service
device-request-time = Time
device-request-browser = Browser
device-request-address = IP address
device-request-number = The number on the login page
device-declined-title = Was it you?
device-declined-how = The login was declined. Was it you who tried to log in?
device-was-me = Yes, it was me
device-not-me = No, it was not me
device-said-approved = The login is approved.
device-said-declined = The login is declined.
device-said-not-me = Somebody may know your password. We have paused the app, and you must choose a new password the next time you log in.
event-app-declined = Login declined in the MinID app

## Logging out
logout-title = Do you want to log out?
logout-body = You will be logged out of Porten and of the services you have used in this login.
logout-yes = Log out
logout-stay = No, stay logged in
logged-out-title = You are logged out
logged-out-body = Do you share this computer with others? Then you should also close the browser.
logged-out-telling = We are telling the services you have used to log you out as well.
logged-out-onwards = Then we will send you on. If nothing happens, press the button.
logged-out-frame = Logging out of { $service }
logged-out-silent-title = Not all the services answered
logged-out-silent-what = You are logged out of Porten, but you may still be logged in here:
logged-out-silent-do = Do you share this computer with others? Close all the windows of your browser, so that nobody else gets in there.

## On the way back to the service
form-post-title = You are almost there
form-post-body = We are sending you back to the service. If nothing happens, press the button.

## The front page
no-minid = No MinID yet?
front-title = Welcome to Porten
front-what = Porten is the shared login for public services.
front-how = You do not log in from here. Go to the service you want to use, and choose “Log in” there. The service will send you here when you need to show who you are.

## TestID
testid-title = Log in with TestID
testid-intro = TestID exists only in test environments. Enter the number of a synthetic test person and choose a security level. You do not need a password.
testid-fnr-label = Synthetic identity number
testid-fnr-hint = 11 digits
testid-level = Security level
level-substantial = Substantial
level-high = High
problem-level-empty = Choose a security level.

## MinID: the MinID app
app-title = Confirm login
app-sent = We have sent a notification to your MinID app. You can also open the app yourself.
app-number = Type this number in the app:
app-waiting = Waiting for approval
app-approved = Approved. We are sending you on.
wait-lost = The connection is gone. We keep trying.
wait-back = The connection is back.
app-until = You can answer until { $time }.
app-answered = I have answered in the app
app-resend = Send a new notification
notice-app-asked-again = We have sent a new notification, with a new number.
notice-app-not-yet = We have no answer from the app yet.
problem-app-too-late = Time ran out before the app answered. Send a new notification, or choose another login method.
problem-app-declined = The login was declined in the MinID app.
problem-app-busy = Another login is waiting for an answer in your MinID app. Answer that first, or choose another login method. Is it not you who is logging in? Choose “Decline” in the app.
problem-app-quiet = We are not sending notifications to your MinID app right now. Wait a quarter of an hour, or choose another login method.

## MinID: a code app, a passkey, a recovery code
totp-title = Enter the code from your code app
totp-where = Open your code app and find the code for MinID:
totp-label = Code
totp-hint = 6 digits. The code changes every half minute.
problem-totp-empty = Enter the code from your code app.
problem-totp-digits = The code has 6 digits.
problem-totp-wrong = Wrong code. Wait until the app shows a new code, and enter that.
problem-totp-wrong-last = Wrong code. You have one attempt left. Wait until the app shows a new code.
passkey-title = Confirm with your passkey
passkey-where = Use your finger, your face or your screen lock, as when you unlock your phone or computer.
passkey-go = Use the passkey
recovery-title = Enter a recovery code
recovery-where = Use one of the codes on the list that you kept. Each code can be used once.
recovery-label = Recovery code
recovery-hint = 10 letters and digits
problem-recovery-empty = Enter one of the codes on the list.
problem-recovery-letters = A recovery code has 10 letters and digits. Check what you have typed.
problem-recovery-wrong = The code is wrong or has been used before. Try another.
problem-recovery-wrong-last = The code is wrong or has been used before. You have one attempt left.

## The password is forgotten
recover-title = Forgotten password
recover-how = Enter your identity number. We then send one code by text message and one by email, and you choose a new password.
recover-send = Send code
recover-other = Other ways to get a new password
recover-by-passkey = Do you have a passkey? Then you need neither identity number nor codes to choose a new password.
recover-by-eid = Do you have a passkey or another electronic ID? Log in to your profile page with it, and choose a new password there.
recover-to-profile = Go to the profile page
recover-sent-sms = If the identity number is registered with MinID, we have sent a code to the mobile number that is registered.
recover-sent-email = We have sent a code to your email address, { $email }.
problem-recover-code-empty = Enter the code that you got.
problem-recover-code-digits-email = The code has 6 digits.
problem-recover-code-wrong = Wrong code. Check the latest message that you got, and try again.
recover-no-email-title = We do not have your email address
recover-no-email-why = To be sure that it is you, we have to send a code both by text message and by email. We have no email address to send to. You can get a new password in one of these ways:

## Choosing a password
new-password-title = Choose a new password
new-password-why = Somebody else may know your old password. You therefore have to choose a new one before you go on.
new-password-label = New password
new-password-hint = At least 8 characters, with both letters and digits. A few random words and a number are easy to remember and hard to guess.
repeat-password-label = Repeat password
problem-password-repeat = The passwords are not the same. Type the same in both places.
problem-new-password-empty = Enter a new password.
problem-new-password-short = The password is too short. It must have at least 8 characters.
problem-new-password-long = The password is too long. It can have up to 256 characters.
problem-new-password-letter = The password must have at least one letter.
problem-new-password-digit = The password must have at least one digit.
problem-new-password-characters = The password has a character that cannot be used, for example a tab.
problem-new-password-breached = This password has been stolen somewhere else on the internet, so others know it. Choose another.
problem-new-password-keyboard = Rows of keys are easy to guess.
problem-new-password-repeats = Repetitions are easy to guess.
problem-new-password-sequence = Sequences like “abc” or “6543” are easy to guess.
problem-new-password-date = Dates and years are easy to guess.
problem-new-password-name = Names are easy to guess.
problem-new-password-common = Many people use this password, or one like it.
problem-new-password-word = A single word is easy to guess.
problem-new-password-guessable = The password is too easy to guess.
password-hint-words = Use several words that do not belong together.
password-hint-capitals = Capital letters help little.
password-hint-tricks = Replacing letters, like “@” for “a”, helps little.
password-hint-patterns = Avoid patterns and repetitions.
password-hint-years = Avoid years and dates that have to do with you.

## Setting up a way to log in
set-up-title = Choose a new login method
set-up-why = A code by text message can no longer be used to log in. It takes a couple of minutes to set up something better, and then you are in.
set-up-passkey-about = Create a passkey on the phone or computer that you are using now
set-up-totp-about = Use an app that makes codes, on your phone
totp-set-up-title = Set up a code app
totp-step-install = Install a code app on your phone if you do not have one. All common code apps can be used.
totp-step-scan = Scan this QR code with the app.
totp-step-typed = Can you not scan? Type this key into the app:
totp-step-code = Enter the code that the app shows now.
totp-qr-alt = QR code for the code app. The same key is written as text below.
totp-name-default = Code app
totp-name-hint = Optional. For example the name of the app, so that you find it again.
factor-name-label = What do you want to call it?
problem-totp-set-up = The code is not right. Check that your phone shows the right time, wait for the next code and try again.
passkey-set-up-title = Create a passkey
passkey-set-up-how = A passkey is kept on your phone or computer, and you unlock it with finger, face or screen lock. Nobody can guess it or trick you out of it.
passkey-set-up-go = Create the passkey
passkey-name-default = Passkey
passkey-name-hint = Optional. For example “My phone”.

## How the citizen is reached
contact-title = Contact information
contact-why = Public services use this when they need to reach you, for example with a decision. Is this correct?
contact-none = Not registered
contact-mobile-title = Your mobile number
contact-email-title = Your email address
contact-send-code = Send code
mobile-label = Mobile phone number
mobile-hint = We send a code there. If the number is foreign, begin with + and the country code.
email-label = Email
email-hint = We send a code there.
problem-mobile = This is not a mobile number that we can send a text message to. Check what you have typed.
problem-email = This is not an email address. It should look like this: kari@example.no
proof-title = Enter the code
proof-sent-sms = We have sent a code by text message to { $to }.
proof-sent-email = We have sent a code by email to { $to }.
problem-proof-used-up = The code was typed wrong three times. Ask for a new code.

# The SMS itself
sms-code = MinID: Your one-time code is { $code }. Do not share it with anyone.
sms-recovery-code = MinID: The code for a new password is { $code }. Do not share it with anyone. Did you not ask for it? Then you need not do anything.
mail-recovery-subject = Code for a new MinID password
mail-recovery-code = The code for a new MinID password is { $code }. Do not share it with anyone. Did you not ask for it? Then you can disregard this email.
sms-proof-code = MinID: The code that confirms your mobile number is { $code }. Do not share it with anyone. Did you not ask for it? Then you need not do anything.
mail-proof-subject = MinID: Code to confirm your email address
mail-proof-code = The code that confirms your email address is { $code }. Do not share it with anyone. Did you not ask for it? Then you need not do anything.
tell-subject = A message about your MinID
tell-password-changed = MinID: Your password has been changed.
tell-mobile-changed = MinID: Your mobile number has been changed.
tell-email-changed = MinID: Your email address has been changed.
tell-factor-added = MinID: A new login method has been added: { $what }.
tell-factor-removed = MinID: A login method has been removed: { $what }.
tell-blocked = Your MinID has been blocked.
tell-reopened = Your MinID has been opened again.
tell-app-quiet = Your MinID app got three logins that were declined. We leave it alone for a quarter of an hour.
tell-not-me = MinID: Somebody answered in the app that a login was not yours. The app is paused, and you have to choose a new password the next time you log in.
tell-recovery-code-used = MinID: A recovery code was used to log in.
tell-closed = Your MinID has been closed.
tell-reset = MinID: Your password and all your login methods have been removed.
tell-signed-out = MinID: You have been logged out everywhere.
tell-number-changed = MinID: Your identity number has been changed.
tell-school-code = MinID: A school employee has given you an activation code.
tell-by-support = User support did this. Did you not ask for it? Call 800 30 300.
tell-not-you = Was it not you? Call 800 30 300.
